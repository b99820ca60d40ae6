// Compressed values of versions 2.1 and 2.2 (chapter 10 section 9.5) in their two forms: a chunk's buffers, and a
// block (levels, dictionaries). Thread safety: free functions; MiniBlockDecoder is used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "lance/file_layout.h"
#include "lance/fsst.h"
#include "lance/leaf_builder.h"
#include "lance/page_layout.h"

namespace omnigraph::lance {

using Bytes = std::span<const std::byte>;

// `count` numbers of `bits` (8, 16, 32, 64) from one block into out.
[[nodiscard]] Result<void> decode_block(const ValueEncoding& encoding, Bytes block, std::uint64_t count,
                                        std::uint32_t bits, std::byte* out, const PagePlace& place);

// Strings of one block: u64 ends and bytes.
struct StringBlock {
  std::vector<std::uint64_t> ends;
  std::vector<std::byte> bytes;
};
[[nodiscard]] Result<StringBlock> decode_string_block(const ValueEncoding& encoding, Bytes block, std::uint64_t count,
                                                      const PagePlace& place);

// Decodes the value buffers of a page's chunks one after another into `out`.
class MiniBlockDecoder {
 public:
  // `encoding` and `place` must live as long. Errors: a combination that cannot be (kUnsupportedFormat).
  [[nodiscard]] static Result<MiniBlockDecoder> make(const ValueEncoding& encoding, const PagePlace& place);

  // Appends `count` slots.
  [[nodiscard]] Result<void> decode(std::span<const Bytes> buffers, std::uint64_t count, LeafBuilder& out);
  // Appends `count` u32 numbers: indices of a dictionary.
  [[nodiscard]] Result<void> decode_indices(std::span<const Bytes> buffers, std::uint64_t count,
                                            std::vector<std::uint32_t>& out);

 private:
  MiniBlockDecoder(const ValueEncoding& encoding, const PagePlace& place) : encoding_(&encoding), place_(&place) {}

  // `count` numbers of `bits` into out.
  Result<void> decode_numbers(const ValueEncoding& encoding, std::span<const Bytes> buffers, std::uint64_t count,
                              std::uint32_t bits, std::byte* out);
  Result<void> decode_leaf(const ValueEncoding& encoding, std::span<const Bytes> buffers, std::uint64_t count,
                           LeafBuilder& out);
  Result<void> decode_strings(const ValueEncoding& encoding, Bytes buffer, std::uint64_t count, LeafBuilder& out);
  // The buffers with the first one decompressed into scratch_.
  Result<std::vector<Bytes>> decompress_first(const ValueEncoding& encoding, std::span<const Bytes> buffers);

  const ValueEncoding* encoding_;
  const PagePlace* place_;
  std::optional<FsstDecoder> fsst_;
  std::vector<std::byte> scratch_;
};

}  // namespace omnigraph::lance
