// Columns of version 2.0 files (chapter 10 section 8). Uncompressed values, bitmaps, string bytes and end offsets
// without nulls are used in place; compressed and small pages are decoded into few larger chunks.
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_layout.h"

namespace omnigraph::lance {

// As FileReader::read.
[[nodiscard]] Result<columnar::ChunkedArray> read_column_v20(const FileLayout& layout, const columnar::DataType& type,
                                                             std::span<const std::int32_t> columns);

}  // namespace omnigraph::lance
