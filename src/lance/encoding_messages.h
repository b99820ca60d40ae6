// ArrayEncoding messages for writing (chapter 10 section 8). Each function gives one whole ArrayEncoding.
#pragma once

#include <cstdint>

#include "lance/wire.h"

namespace omnigraph::lance::encoding {

// Buffer{1 index, 2 type = 0}: empty, but present, for index 0.
[[nodiscard]] inline WireWriter buffer(std::uint32_t index) { return WireWriter().uint(1, index); }
[[nodiscard]] inline WireWriter flat(std::uint32_t bits, std::uint32_t index) {
  return WireWriter().message(1, WireWriter().uint(1, bits).message(2, buffer(index)));
}
[[nodiscard]] inline WireWriter compressed_flat(std::uint32_t bits, std::uint32_t index) {
  const WireWriter zstd = WireWriter().text(1, "zstd");
  return WireWriter().message(1, WireWriter().uint(1, bits).message(2, buffer(index)).message(3, zstd));
}
// BitpackedForNonNeg.
[[nodiscard]] inline WireWriter bitpacked(unsigned packed_bits, std::uint32_t bits, std::uint32_t index) {
  return WireWriter().message(12, WireWriter().uint(1, packed_bits).uint(2, bits).message(3, buffer(index)));
}
[[nodiscard]] inline WireWriter no_nulls(const WireWriter& values) {
  return WireWriter().message(2, WireWriter().message(1, WireWriter().message(1, values)));
}
// The validity bitmap is buffer 0.
[[nodiscard]] inline WireWriter some_nulls(const WireWriter& values) {
  return WireWriter().message(2, WireWriter().message(2, WireWriter().message(1, flat(1, 0)).message(2, values)));
}
[[nodiscard]] inline WireWriter all_nulls() { return WireWriter().message(2, WireWriter().message(3, WireWriter())); }
[[nodiscard]] inline WireWriter fixed_size_list(std::uint32_t dimension, const WireWriter& items) {
  return WireWriter().message(3, WireWriter().uint(1, dimension).message(2, items));
}
[[nodiscard]] inline WireWriter list(const WireWriter& offsets, std::uint64_t null_adjustment, std::uint64_t items) {
  return WireWriter().message(4, WireWriter().message(1, offsets).uint(2, null_adjustment).uint(3, items));
}
[[nodiscard]] inline WireWriter struct_header() { return WireWriter().message(5, WireWriter()); }
[[nodiscard]] inline WireWriter binary(const WireWriter& offsets, const WireWriter& bytes,
                                       std::uint64_t null_adjustment) {
  return WireWriter().message(6, WireWriter().message(1, offsets).message(2, bytes).uint(3, null_adjustment));
}
[[nodiscard]] inline WireWriter dictionary(const WireWriter& indices, const WireWriter& items,
                                           std::uint64_t item_count) {
  return WireWriter().message(7, WireWriter().message(1, indices).message(2, items).uint(3, item_count));
}

}  // namespace omnigraph::lance::encoding
