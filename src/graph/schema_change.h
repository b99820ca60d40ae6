// Changing the schema of a branch: plan, then tables, identities and schema text in one commit (chapter 01 section 8,
// chapter 09 section 8). Types keep their table, properties their fields; what is new starts empty, what is dropped
// leaves the record and stays readable at earlier commits, unless the drop is hard.
// Thread safety: free functions; may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/record_draft.h"
#include "graph/store_parts.h"
#include "schema/migration.h"

namespace omnigraph::graph {

// ---- of the main branch, as `schema plan` and `schema apply` have it

struct SchemaChangeOptions {
  bool allow_data_loss = false;  // drops are hard
  bool allow_validated = false;  // chapter 01 section 9.1
  std::string file{};            // of the source, for diagnostics
};

// Writes nothing. Errors: kBadRequest of the source and of identity resolution.
[[nodiscard]] Result<schema::MigrationPlan> plan_schema_change(const Snapshot& head, std::string_view source,
                                                               const SchemaChangeOptions& options);

struct SchemaChangeOutcome {
  schema::MigrationPlan plan;
  bool applied = false;            // a commit was made
  std::optional<Commit> commit{};  // that commit
  std::uint64_t version = 0;       // graph_manifest_version of main after the call
};

// Plans on the newest head and again on every newer one, until it is published, refused or given up. The same text
// changes nothing; another text without steps replaces it. Errors: as the plan; kBadRequest for an unsupported step,
// kConflict read_set_conflict. A hard drop leaves the removal of old objects to cleanup: from the commit on they count
// as removed.
[[nodiscard]] Result<SchemaChangeOutcome> apply_schema_change(StoreParts& parts, std::string_view source,
                                                              const std::optional<std::string>& actor,
                                                              const SchemaChangeOptions& options);

// ---- of a record in the making

struct SchemaTarget {
  LoadedSchemaPtr schema;
  schema::SchemaMatch match;           // of schema->catalog with the draft's catalog
  const CommitRecord* like = nullptr;  // a record under this schema: new types and properties get its identities
  bool hard = false;                   // purge what is dropped
  bool in_memory = false;              // nothing goes to the store: the draft is only looked at
};

// Opens the draft's next commit with the new schema and its tables; RecordDraft::append closes it. Until then
// RecordDraft::snapshot() shows the migrated state.
[[nodiscard]] Result<void> migrate_draft(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts,
                                         const SchemaTarget& target);

// A snapshot of history whose purged tables answer kGone `history_expired`; the snapshot itself when it has none.
// `head`: of the log that the snapshot's record lies in.
[[nodiscard]] SnapshotPtr without_purged(SnapshotPtr snapshot, const std::shared_ptr<CommitLog>& log,
                                         const CommitRecord& head);

}  // namespace omnigraph::graph
