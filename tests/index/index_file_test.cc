#include "index/index_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace omnigraph::index {
namespace {

constexpr IndexSource kSource{.kind = IndexKind::kText, .rows = 7, .parameters = 0xabcdef};

std::vector<std::byte> written() {
  const std::vector<std::uint64_t> wide{1, 2, 3};
  const std::vector<std::uint8_t> narrow{9, 8, 7, 6, 5};
  IndexFileWriter writer(kSource);
  writer.add(std::span<const std::uint64_t>(wide));
  writer.add(std::span<const std::uint32_t>());
  writer.add(std::span<const std::uint8_t>(narrow));
  const Buffer bytes = writer.finish();
  return {bytes.bytes().begin(), bytes.bytes().end()};
}

Code code_of(std::vector<std::byte> bytes, const IndexSource& source = kSource, std::size_t arrays = 3) {
  const auto file = IndexFile::open(Buffer::from(std::move(bytes)), source, arrays);
  EXPECT_FALSE(file.has_value());
  return file ? Code::kInternal : file.error().code;
}

TEST(IndexFile, ArraysLieAlignedInTheBytes) {
  const auto file = IndexFile::open(Buffer::from(written()), kSource, 3);
  ASSERT_TRUE(file) << file.error().message;
  const auto wide = file->array<std::uint64_t>(0).value();
  EXPECT_EQ(std::vector<std::uint64_t>(wide.begin(), wide.end()), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(file->array<std::uint32_t>(1).value().empty());
  const auto narrow = file->array<std::uint8_t>(2).value();
  EXPECT_EQ(std::vector<std::uint8_t>(narrow.begin(), narrow.end()), (std::vector<std::uint8_t>{9, 8, 7, 6, 5}));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide.data()) % alignof(std::uint64_t), 0u);
  EXPECT_GE(reinterpret_cast<const std::byte*>(wide.data()), file->bytes().data()) << "used where it lies";
  EXPECT_FALSE(file->array<std::uint64_t>(2)) << "five bytes are no whole numbers";
}

// Bytes that an object store gives need not be aligned.
TEST(IndexFile, OpensFromAnOddAddress) {
  std::vector<std::byte> shifted = written();
  shifted.insert(shifted.begin(), std::byte{0});
  const Buffer bytes = Buffer::from(shifted);
  const auto file = IndexFile::open(bytes.slice(1, bytes.size() - 1), kSource, 3);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->array<std::uint64_t>(0).value()[2], 3u);
}

// Goal: no damaged object is used.
// Method: every byte changed, every length cut; each must be refused.
TEST(IndexFile, RefusesEveryDamage) {
  const std::vector<std::byte> whole = written();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::vector<std::byte> damaged = whole;
    damaged[i] ^= std::byte{0x10};
    const Code code = code_of(std::move(damaged));
    EXPECT_TRUE(code == Code::kCorruptObject || code == Code::kUnsupportedFormat) << "byte " << i;
    EXPECT_EQ(code_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i)}), Code::kCorruptObject);
  }
}

TEST(IndexFile, RefusesAnotherVersionAndAnotherSource) {
  std::vector<std::byte> newer = written();
  newer[8] = std::byte{2};
  EXPECT_EQ(code_of(newer), Code::kUnsupportedFormat);
  EXPECT_EQ(code_of(written(), {.kind = IndexKind::kKey, .rows = 7, .parameters = 0xabcdef}), Code::kCorruptObject);
  EXPECT_EQ(code_of(written(), {.kind = IndexKind::kText, .rows = 8, .parameters = 0xabcdef}), Code::kCorruptObject);
  EXPECT_EQ(code_of(written(), {.kind = IndexKind::kText, .rows = 7, .parameters = 0}), Code::kCorruptObject);
  EXPECT_EQ(code_of(written(), kSource, 2), Code::kCorruptObject);
}

}  // namespace
}  // namespace omnigraph::index
