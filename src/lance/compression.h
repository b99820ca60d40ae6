// General compression of buffers (chapter 10 sections 8 and 9.5). zstd: a frame, or u64 length + frame; lz4: u32
// length + raw block. Contexts are reused, one per thread. Thread safety: free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buffer.h"
#include "base/result.h"
#include "lance/file_layout.h"

namespace omnigraph::lance {

enum class Compression : std::uint8_t { kNone, kLz4, kZstd };

// Size after decompression, checked against what such a buffer can expand to.
[[nodiscard]] Result<std::uint64_t> decompressed_size(Compression scheme, std::span<const std::byte> bytes,
                                                      const PagePlace& place);
// Fills `out`, whose size is decompressed_size(..). Errors: kCorruptObject.
[[nodiscard]] Result<void> decompress_into(Compression scheme, std::span<const std::byte> bytes,
                                           std::span<std::byte> out, const PagePlace& place);
// Both in one. kNone hands `bytes` back.
[[nodiscard]] Result<Buffer> decompress(Compression scheme, const Buffer& bytes, const PagePlace& place);

}  // namespace omnigraph::lance
