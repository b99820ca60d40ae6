// Reading Blob cells (chapter 03 section 4.2): which bytes or which reference a property of one entity holds.
//
// Errors: kBadRequest: unknown type, or a property that is no Blob; kNotFound: unknown branch, commit or entity, or a
// null cell; kGone; storage errors. Thread safety: free functions, and BlobCell is immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "engine/graph.h"
#include "schema/catalog.h"

namespace omnigraph::engine {

struct BlobSelector {
  schema::EntityKind kind = schema::EntityKind::kNode;
  std::string type, id, property;
};

// One cell at one commit. What it names stays readable while the commit does. The graph must outlive it.
class BlobCell {
 public:
  [[nodiscard]] const std::string& snapshot() const { return snapshot_; }  // id of the commit that was read
  [[nodiscard]] bool is_external() const { return !uri_.empty(); }

  // External: the stored URI, and whether only a part of what it names is meant.
  [[nodiscard]] const std::string& uri() const { return uri_; }
  [[nodiscard]] bool is_part() const { return part_; }

  // Managed: size in bytes, and 32 lower-case hex digits that are equal only for equal bytes.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& etag() const { return etag_; }
  // REQUIRES: managed, offset + size <= size(). Errors: kIoError, kCorruptObject.
  [[nodiscard]] Result<Buffer> read(std::uint64_t offset, std::uint64_t size) const;

 private:
  friend Result<BlobCell> read_blob_cell(Graph& graph, const BlobSelector& selector, const ReadTarget& target);
  std::string snapshot_, uri_, etag_, object_;
  std::uint64_t size_ = 0;
  bool part_ = false;
  Buffer data_;                                // small values lie in their row
  objectstore::ObjectStore* store_ = nullptr;  // large ones lie there
};

[[nodiscard]] Result<BlobCell> read_blob_cell(Graph& graph, const BlobSelector& selector, const ReadTarget& target);

}  // namespace omnigraph::engine
