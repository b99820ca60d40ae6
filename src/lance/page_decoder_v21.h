// Columns of version 2.1 and 2.2 files (chapter 10 section 9). Wide vectors without nulls are used in place; other
// pages are decoded into few larger chunks. Thread safety: free functions.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_layout.h"

namespace omnigraph::lance {

// As FileReader::read.
[[nodiscard]] Result<columnar::ChunkedArray> read_column_v21(const FileLayout& layout, const columnar::DataType& type,
                                                             std::span<const std::int32_t> columns);

}  // namespace omnigraph::lance
