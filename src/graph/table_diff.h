// Which entities of one type differ between two snapshots (chapter 09 section 8; chapter 03 sections 6 and 7).
//
// Only rows that can differ are read: rows of data files that one side lacks, and rows whose deletion differs. So the
// cost follows the change, not the table. Rows are paired by id; a pair of equal values is no change. Equality is
// typed: null, "" and [] differ, floats compare by their bits, managed blobs by their bytes (digest and size),
// external ones by URI; edges also by their endpoints. Properties are paired by their stable identity; one that only
// one side has counts as null on the other.
// Thread safety: values; the functions may be called concurrently.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/snapshot.h"

namespace omnigraph::graph {

// One entity; kNoOrdinal = it is not there on that side.
struct EntityChange {
  std::string id;
  Ordinal before = kNoOrdinal;
  Ordinal after = kNoOrdinal;
};

// A type as two snapshots have it, paired by table id (a renamed type is the same type).
struct TypePair {
  std::string table_id;
  std::optional<schema::TypeRef> before, after;  // in the catalogs of the two snapshots; nullopt: not there
};
// All types of both snapshots: nodes before edges, then by table id, bytewise. `changed_only`: those whose table
// entries name the same version on both sides are left out.
[[nodiscard]] std::vector<TypePair> pair_types(const Snapshot& before, const Snapshot& after, bool changed_only);

// Changes ascending by id, bytewise. Errors: those of reading the tables.
[[nodiscard]] Result<std::vector<EntityChange>> diff_type(const Snapshot& before, const Snapshot& after,
                                                          const TypePair& type);

}  // namespace omnigraph::graph
