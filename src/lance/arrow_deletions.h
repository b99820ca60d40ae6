// Deletion files in Arrow IPC form (chapter 10 section 5): one record batch with one uint32 column.
// Source: arrow.apache.org/docs/format/Columnar.html (IPC file format), flatbuffers.dev (binary format).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::lance {

// The values in file order. `expected_count` bounds what is allocated; another count is kCorruptObject.
[[nodiscard]] Result<std::vector<std::uint32_t>> read_arrow_positions(const Buffer& file, std::uint64_t expected_count,
                                                                      std::string_view key);

}  // namespace omnigraph::lance
