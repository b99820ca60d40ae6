// The ArrayEncoding message of a version 2.0 page (chapter 10 section 8), parsed and checked for shape.
// Thread safety: values.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "lance/compression.h"
#include "lance/file_layout.h"

namespace omnigraph::lance {

struct ArrayEncoding {
  enum class Kind : std::uint8_t {
    kFlat,           // bits, buffer, compression
    kBitpacked,      // packed_bits, bits, buffer
    kNoNulls,        // first: values
    kSomeNulls,      // first: validity, second: values
    kAllNulls,       //
    kFixedSizeList,  // dimension, first: items
    kList,           // first: offsets, null_adjustment, item_count
    kStruct,         //
    kBinary,         // first: offsets, second: bytes, null_adjustment
    kDictionary,     // first: indices, second: items, item_count
  };
  Kind kind = Kind::kFlat;
  std::uint32_t bits = 0;         // of a value
  std::uint32_t packed_bits = 0;  // 1 .. bits-1 (or bits)
  std::uint32_t buffer = 0;       // of the page
  Compression compression = Compression::kNone;
  std::uint32_t dimension = 0;
  std::uint64_t null_adjustment = 0;
  std::uint64_t item_count = 0;
  std::unique_ptr<ArrayEncoding> first;
  std::unique_ptr<ArrayEncoding> second;
};

// Errors: kCorruptObject, kUnsupportedFormat.
[[nodiscard]] Result<std::unique_ptr<ArrayEncoding>> parse_array_encoding(std::string_view message,
                                                                          const PagePlace& place);

}  // namespace omnigraph::lance
