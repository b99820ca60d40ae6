// Encodes the values of one 2.0 page: buffers and the ArrayEncoding message (chapter 10 sections 8 and 8.2).
// Thread safety: free functions; pages may be encoded in parallel.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"

namespace omnigraph::lance {

// A new page starts after this many bytes of values or string bytes ..
inline constexpr std::uint64_t kPageBytes = std::uint64_t{8} << 20;
// .. or rows of strings and lists, whose end offsets take 8 bytes each.
inline constexpr std::int64_t kPageRows = static_cast<std::int64_t>(kPageBytes / 8);
// Packed strings and compressed floats: small pages, since a single read decodes a whole one (about 80 us).
inline constexpr std::uint64_t kSmallPageBytes = std::uint64_t{64} << 10;
inline constexpr std::int64_t kSmallPageRows = 65'536;
// The format's limit for the string bytes of one page.
inline constexpr std::uint64_t kPageStringBytesMax = 0x7fffffff;

enum class PageKind : std::uint8_t {
  kBool,
  kInteger,  // also dates and timestamps
  kFloat,    // 32 and 64 bits
  kFixed,    // other fixed width: halffloat
  kVector,
  kString,
  kBinary,  // as kString, but never a dictionary: readers take its items for UTF-8
  kListOffsets,
  kStructHeader,
};

enum class PageForm : std::uint8_t {
  kPlain,
  kPacked,  // section 8.2, by the values
  kKey,     // strings: bit-packed offsets, bytes in place; anything else as kPacked
};

// Normalized values: null slots are zero, null strings and lists empty; bits behind the end are free.
struct PageValues {
  PageKind kind = PageKind::kInteger;
  std::uint32_t byte_width = 0;  // of one number; vectors: of one item
  std::uint32_t dimension = 1;   // vectors
  std::int64_t length = 0;
  std::int64_t null_count = 0;
  Buffer validity{};  // empty without nulls
  Buffer values{};    // numbers, bool bits, string bytes
  Buffer ends{};      // strings, lists: u64 end offsets, counted from the page's start
  // Floats: the compressed values where the caller found that they save enough, and whether it looked.
  Buffer frame{};
  bool compression_tried = false;
};

struct PageBuffer {
  Buffer bytes;
  bool fixed_width = false;  // large ones are page-aligned in the file, to be used in place
};

struct EncodedPage {
  std::int64_t length = 0;
  std::vector<PageBuffer> buffers;
  std::string encoding;  // ArrayEncoding message
};

[[nodiscard]] EncodedPage encode_page(const PageValues& page, PageForm form);

// The forms behind it. REQUIRES: the kind that the name says.
[[nodiscard]] EncodedPage encode_fixed_page(const PageValues& page, PageForm form);
[[nodiscard]] EncodedPage encode_string_page(const PageValues& page, PageForm form);
[[nodiscard]] EncodedPage encode_list_page(const PageValues& page, PageForm form);
// Strings: plain; offsets bit-packed if that saves 25 %; offsets and bytes as zstd frames, `frame` that of the bytes.
[[nodiscard]] EncodedPage encode_plain_strings(const PageValues& page);
[[nodiscard]] EncodedPage encode_key_strings(const PageValues& page);
[[nodiscard]] EncodedPage encode_compressed_strings(const PageValues& page, Buffer frame);

// The end offsets of strings or lists as stored: nulls are marked by adding `adjustment`.
[[nodiscard]] Buffer offsets_with_nulls(const PageValues& page, std::uint64_t adjustment);
inline constexpr unsigned kOffsetPercent = 75;  // bit-packed offsets must save 25 %

// The zstd frame (level 1, with content size) of float values if it saves 40 %, else empty.
[[nodiscard]] Buffer compressed_floats(std::span<const std::byte> values);

}  // namespace omnigraph::lance
