// Bytes of an index of one data file from the columns it is a function of (chapter 09 section 7).
// Thread safety: free functions.
#pragma once

#include <string_view>

#include "base/buffer.h"
#include "columnar/array.h"
#include "index/index_file.h"

namespace omnigraph::graph {

// What the digest of an index's parameters is made of, besides the columns of the file.
[[nodiscard]] std::string_view index_recipe(index::IndexKind kind);

// `values`: the column; of the edges of a file SrcRow, and `others` DstRow, whatever the direction.
[[nodiscard]] Buffer make_index(const index::IndexSource& source, const columnar::ChunkedArray& values,
                                const columnar::ChunkedArray& others);

}  // namespace omnigraph::graph
