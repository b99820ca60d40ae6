// One table under another schema: its fields, identities and, where values must be there in another form, new data
// files (chapter 09 section 6, chapter 10 sections 4.3 and 8.1). Rows, row ids and deletions stay as they are.
// Thread safety: free functions. Errors: those of reading columns and of the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/next_manifest.h"
#include "graph/prepare.h"
#include "graph/snapshot.h"
#include "graph/store_parts.h"
#include "schema/migration_match.h"

namespace omnigraph::graph {

// What a table becomes. New properties take their ids from `like` (a type of another branch), or fresh ones.
struct TableMigration {
  const schema::Catalog* desired = nullptr;
  schema::TypeRef type;  // in `desired`
  const schema::TypeMatch* match = nullptr;
  const TypeIdentity* like = nullptr;
};

struct MigratedTable {
  TypeIdentity identity;
  std::optional<lance::Manifest> manifest;  // fields and fragments only; nullopt: it stays as it is
  std::vector<NewObject> small;             // new data files still in memory
  bool uploaded = false;                    // others are in the store already
  bool lost_property = false;
};

// `before`: the type in the snapshot's schema. `store`: where large files go; null keeps them in memory.
[[nodiscard]] Result<MigratedTable> migrate_table(const Snapshot& snapshot, schema::TypeRef before,
                                                  const TableMigration& migration, objectstore::ObjectStore* store);

}  // namespace omnigraph::graph
