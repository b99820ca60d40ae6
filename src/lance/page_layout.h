// The PageLayout message of version 2.1 and 2.2 pages and the compression messages in it (chapter 10 sections 9.1 and
// 9.5), parsed and checked for shape. Thread safety: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lance/compression.h"
#include "lance/file_layout.h"

namespace omnigraph::lance {

// The message CompressiveEncoding.
struct ValueEncoding {
  enum class Kind : std::uint8_t {
    kFlat,                 // bits
    kVariable,             // packed_bits: of an offset, 32 or 64
    kOutOfLineBitpacking,  // bits, packed_bits
    kInlineBitpacking,     // bits
    kFsst,                 // symbol_table, first: strings
    kRle,                  // first: values, second: run lengths (flat, 8 bits)
    kByteStreamSplit,      // bits
    kGeneral,              // compression, first: what is inside
    kFixedSizeList,        // item_count, has_validity, first: items
  };
  Kind kind = Kind::kFlat;
  std::uint32_t bits = 0;  // of one value, as it is before compression (also for kRle and kGeneral); strings: 0
  std::uint32_t packed_bits = 0;
  std::uint64_t item_count = 0;
  bool has_validity = false;
  Compression compression = Compression::kNone;
  std::string_view symbol_table;
  std::unique_ptr<ValueEncoding> first;
  std::unique_ptr<ValueEncoding> second;
};

// One level of nesting, from the leaf outwards.
enum class Layer : std::uint8_t {
  kItem = 1,
  kList = 2,
  kNullableItem = 3,  // also a nullable struct
  kNullableList = 4,
  kEmptyableList = 5,
  kNullableEmptyableList = 6,
};
[[nodiscard]] constexpr bool is_list(Layer layer) { return layer != Layer::kItem && layer != Layer::kNullableItem; }

struct PageLayout {
  enum class Kind : std::uint8_t { kMiniBlock, kConstant, kFullZip };
  Kind kind = Kind::kMiniBlock;
  std::vector<Layer> layers;
  std::unique_ptr<ValueEncoding> repetition;  // mini-block, constant; may be null
  std::unique_ptr<ValueEncoding> definition;
  std::unique_ptr<ValueEncoding> values;      // mini-block, full-zip
  std::unique_ptr<ValueEncoding> dictionary;  // mini-block; may be null
  std::uint64_t dictionary_items = 0;
  std::uint64_t buffer_count = 0;  // value buffers of a mini-block chunk
  std::uint32_t repetition_index_depth = 0;
  std::uint64_t item_count = 0;  // mini-block: value slots; full-zip: entries
  bool has_large_chunk = false;
  std::optional<std::string_view> inline_value;  // constant
  std::uint64_t repetition_count = 0;            // constant
  std::uint64_t definition_count = 0;
  std::uint32_t repetition_bits = 0;  // full-zip
  std::uint32_t definition_bits = 0;
  std::uint64_t visible_item_count = 0;
  std::uint64_t value_bits = 0;   // full-zip, fixed width
  std::uint64_t length_bits = 0;  // full-zip, variable width
};

// Views point into `message`. Errors: kCorruptObject, kUnsupportedFormat.
[[nodiscard]] Result<PageLayout> parse_page_layout(std::string_view message, const PagePlace& place);

}  // namespace omnigraph::lance
