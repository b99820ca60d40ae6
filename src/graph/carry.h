// Rows and branches across schemas, for merges (chapter 03 section 6, chapter 09 section 8).
//
// Types and properties are paired by their stable identities: a renamed one is the same, a dropped and re-added one is
// not. New properties are null, dropped ones are left out, widened values are converted.
// Thread safety: const methods and free functions may be called concurrently.
// Errors: kConflict `schemas of 'x' and 'y' cannot be merged: <first reason>`; those of reading the tables.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/record_draft.h"
#include "graph/snapshot.h"
#include "graph/staged_rows.h"
#include "graph/store_parts.h"
#include "schema/migration_match.h"

namespace omnigraph::graph {

// How the types of one state continue in another, by identity: `to` takes the place of the desired schema.
[[nodiscard]] schema::SchemaMatch match_identities(const Snapshot& from, const Snapshot& to);

// Whether two states have the same schema, so that their rows have the same columns.
[[nodiscard]] bool same_schema(const Snapshot& a, const Snapshot& b);

class RowCarrier {
 public:
  // `source_name`, `target_name`: branches, for the error. The rows themselves are checked by the write that puts them;
  // see merge_refusal for what it reports.
  [[nodiscard]] static Result<RowCarrier> between(SnapshotPtr source, SnapshotPtr target,
                                                  const std::string& source_name, const std::string& target_name);

  // In the target's catalog; nullopt: the type is dropped there.
  [[nodiscard]] std::optional<schema::TypeRef> target_of(schema::TypeRef source) const;
  // By property of the source type: that of the target's type; nullopt: dropped there.
  [[nodiscard]] std::optional<std::size_t> target_property(schema::TypeRef source, std::size_t property) const;
  // Rows of the source view, in the order given, as rows of target_of(source). REQUIRES: it is not dropped.
  // Null: no rows.
  [[nodiscard]] Result<std::shared_ptr<const StagedRows>> carry(schema::TypeRef source,
                                                                std::span<const Ordinal> ordinals) const;

 private:
  RowCarrier(SnapshotPtr source, SnapshotPtr target, schema::SchemaMatch match);

  SnapshotPtr source_, target_;
  schema::SchemaMatch match_;  // by type and property of the target
  std::vector<std::optional<std::uint32_t>> nodes_, edges_;  // by type of the source: that of the target
};

// A refusal of carried rows under another schema, in the words of a merge.
[[nodiscard]] Error schemas_cannot_merge(const std::string& source_name, const std::string& target_name,
                                         const std::string& reason);

// Brings a branch to the schema of `main` as part of its next commit: opens the commit and migrates the tables; what is
// appended next closes it. Nothing happens when the schemas are the same. Validated changes of main's schema must hold
// for the branch's data too.
[[nodiscard]] Result<void> bring_to_schema(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts,
                                           const Snapshot& main, const std::string& source_name,
                                           const std::string& target_name);

}  // namespace omnigraph::graph
