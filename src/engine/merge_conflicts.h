// Conflicts of a merge in words and images. Thread safety: free functions. Errors: those of reading the tables.
#pragma once

#include <vector>

#include "base/json_writer.h"
#include "base/result.h"
#include "engine/merge.h"
#include "graph/merge.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {

[[nodiscard]] Result<std::vector<DiffConflict>> describe_conflicts(const graph::MergeResult& result,
                                                                   objectstore::ObjectStore& blobs, bool images);
// {"entity_kind","type_name","entity_id","kind","message"}, with `images` also base, source, target and fields.
void write_conflict(base::JsonWriter& json, const DiffConflict& conflict, bool images);
// 409 with the detail `merge_conflicts`; the text names the first three.
[[nodiscard]] Error conflicts_error(const std::vector<DiffConflict>& conflicts, bool images);

}  // namespace omnigraph::engine
