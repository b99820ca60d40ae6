// Buffers, end offsets and strings of version 2.0 pages (chapter 10 sections 8 and 8.2). Thread safety: free functions.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/array_encoding.h"
#include "lance/file_layout.h"
#include "lance/leaf_builder.h"

namespace omnigraph::lance {

// The bytes of `count` values of a Flat, decompressed if need be; at least as many as the values take.
[[nodiscard]] Result<Buffer> load_flat(const ArrayEncoding& flat, std::uint64_t count, const PageInfo& page,
                                       const PagePlace& place);
// That the page holds all blocks of `count` bit-packed values; then `unpack` fills out[0 .. count).
[[nodiscard]] Result<void> check_packed(const ArrayEncoding& packed, std::uint64_t count, const PageInfo& page,
                                        const PagePlace& place);
void unpack(const ArrayEncoding& packed, std::uint64_t count, const PageInfo& page, std::byte* out);

// End offsets without the null marks. In place if the page has no nulls and lies aligned.
struct EndOffsets {
  Buffer ends;      // u64 each, not decreasing, the last <= the limit
  Buffer validity;  // empty: no nulls
  bool in_place = false;
};
// An entry >= `null_adjustment` is a null's. Errors: kCorruptObject for decreasing ones and ones above `limit`.
[[nodiscard]] Result<EndOffsets> read_end_offsets(const ArrayEncoding& encoding, std::uint64_t count,
                                                  std::uint64_t null_adjustment, std::uint64_t limit,
                                                  const PageInfo& page, const PagePlace& place);

// A Binary or Dictionary page. Uncompressed bytes give an array over the file; else the strings are appended to
// `out` and the result is null.
[[nodiscard]] Result<columnar::ArrayPtr> read_string_page(const ArrayEncoding& encoding, const PageInfo& page,
                                                          const PagePlace& place, LeafBuilder& out);

}  // namespace omnigraph::lance
