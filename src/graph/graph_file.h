// `graph.json`: who this graph is, written once by init (chapter 09 section 2).
// Thread safety: free functions. Errors: of the store; kCorruptObject, kUnsupportedFormat, kNotFound.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

struct GraphFile {
  std::string graph_id;
  std::int64_t created_at_us = 0;
  bool exclusive_writer = false;  // tables carry the private writer flag (chapter 10 section 4.10)

  // Where logs start: a graph made again in the same root never meets slots, caches or late writers of the former.
  [[nodiscard]] std::uint64_t first_seq() const { return static_cast<std::uint64_t>(created_at_us / 1'000'000) << 20; }
};

[[nodiscard]] std::string graph_file_json(const GraphFile& file);
// kNotFound: there is no graph.
[[nodiscard]] Result<GraphFile> read_graph_file(objectstore::ObjectStore& store);
// Writes `wanted`, or takes over the file that is there. Puts it twice: a store that accepts the second put does not
// honour put-if-absent and would lose commits; it is refused.
[[nodiscard]] Result<GraphFile> create_graph_file(objectstore::ObjectStore& store, const GraphFile& wanted);

}  // namespace omnigraph::graph
