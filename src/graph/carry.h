// Rows and branches across schemas, for merges (chapter 03 section 6, chapter 09 section 8).
//
// Types and properties are paired by their stable identities: a renamed one is the same, a dropped and re-added one is
// not. New properties are null, dropped ones are left out, widened values are converted.
// Thread safety: const methods and free functions may be called concurrently.
// Errors: kConflict `schemas of 'x' and 'y' cannot be merged: <first reason>`; those of reading the tables.
#pragma once

#include <string>

#include "base/result.h"
#include "graph/record_draft.h"
#include "graph/snapshot.h"
#include "graph/store_parts.h"
#include "schema/migration_match.h"

namespace omnigraph::graph {

// How the types of one state continue in another, by identity: `to` takes the place of the desired schema.
[[nodiscard]] schema::SchemaMatch match_identities(const Snapshot& from, const Snapshot& to);

// Whether two states have the same schema, so that their rows have the same columns.
[[nodiscard]] bool same_schema(const Snapshot& a, const Snapshot& b);

// `from` as it looks under the schema of `to`: its types and properties in the names, the order and the types of `to`.
// Rows, ordinals and table versions are its own. A type that `from` lacks has no table. `from` itself when the schemas
// are the same. Conditions of validated changes are left to the checks of the write that puts the rows.
// `source_name`, `target_name`: the branches of the merge, for the error.
[[nodiscard]] Result<SnapshotPtr> carried_snapshot(SnapshotPtr from, const SnapshotPtr& to,
                                                   const std::string& source_name, const std::string& target_name);

// What a merge answers when the schemas do not meet, or a carried row does not fit the target's.
[[nodiscard]] Error schemas_cannot_merge(const std::string& source_name, const std::string& target_name,
                                         const std::string& reason);

// Brings a branch to the schema of `main` as part of its next commit: opens the commit and migrates the tables; what is
// appended next closes it. Nothing happens when the schemas are the same. Validated changes of main's schema must hold
// for the branch's data too. `in_memory`: nothing goes to the store, the draft is not to be published.
struct BranchNames {
  std::string source, target;
};
[[nodiscard]] Result<void> bring_to_schema(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts,
                                           const Snapshot& main, const BranchNames& names, bool in_memory = false);

}  // namespace omnigraph::graph
