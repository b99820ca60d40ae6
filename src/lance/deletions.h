// Deletion files (chapter 10 section 5): sets of deleted positions of one fragment.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "lance/manifest.h"

namespace omnigraph::lance {

// Portable roaring bytes of ascending, distinct positions.
[[nodiscard]] std::string write_deletion_bitmap(std::span<const std::uint32_t> positions);
// Ascending positions; both forms. Checks that the count equals entry.deleted_rows and all are < physical_rows.
[[nodiscard]] Result<std::vector<std::uint32_t>> read_deletions(const Buffer& bytes, const DeletionFileEntry& entry,
                                                                std::uint64_t physical_rows, std::string_view key);

}  // namespace omnigraph::lance
