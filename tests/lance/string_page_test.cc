#include "lance/string_page_v20.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace omnigraph::lance {
namespace {

using Kind = ArrayEncoding::Kind;

// Indices without nulls in buffer 0 over a dictionary of no items.
ArrayEncoding dictionary_of(Kind indices) {
  ArrayEncoding encoding;
  encoding.kind = Kind::kDictionary;
  encoding.first = std::make_unique<ArrayEncoding>();
  encoding.first->kind = Kind::kNoNulls;
  encoding.first->first = std::make_unique<ArrayEncoding>();
  encoding.first->first->kind = indices;
  encoding.first->first->bits = 8;
  encoding.first->first->packed_bits = 1;
  encoding.second = std::make_unique<ArrayEncoding>();
  encoding.second->kind = Kind::kBinary;
  return encoding;
}

// Memory for that many rows is nowhere to be had: the page is refused before it is asked for.
TEST(StringPage, RowsThatThePageDoesNotHoldTakeNoMemory) {
  for (const Kind indices : {Kind::kFlat, Kind::kBitpacked}) {
    const ArrayEncoding encoding = dictionary_of(indices);
    for (const std::uint64_t rows : {std::uint64_t{1} << 32, std::uint64_t{1} << 50}) {
      const PageInfo page{.buffers = {Buffer::from(std::string(4096, '\0'))}, .length = rows, .encoding = {}};
      LeafBuilder out(columnar::utf8());
      const auto read = read_string_page(encoding, page, {.key = "x.lnc"}, out);
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().code, Code::kCorruptObject) << read.error().message;
    }
  }
}

}  // namespace
}  // namespace omnigraph::lance
