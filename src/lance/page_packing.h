// What packed pages are made of: bit-packed numbers and zstd frames (chapter 10 section 8.2).
// Thread safety: free functions; compression contexts are one per thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/buffer.h"

namespace omnigraph::lance {

struct PackedNumbers {
  Buffer bytes;
  unsigned width = 0;  // bits per value, 1 <= width < 8 * byte_width
};

// Bit-packs unsigned numbers of 1, 2, 4 or 8 bytes if the blocks take at most `percent` of the plain bytes.
[[nodiscard]] std::optional<PackedNumbers> pack_numbers(std::span<const std::byte> values, std::uint32_t byte_width,
                                                        unsigned percent);
// One zstd frame, level 1, with content size.
[[nodiscard]] Buffer zstd_frame(std::span<const std::byte> bytes);

}  // namespace omnigraph::lance
