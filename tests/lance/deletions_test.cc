#include "lance/deletions.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/lance/hex.h"

namespace omnigraph::lance {
namespace {

DeletionFileEntry bitmap_of(std::uint64_t count) { return {DeletionFileType::kBitmap, 0, 0, count, {}}; }

Result<std::vector<std::uint32_t>> read_bitmap(std::string bytes, std::uint64_t count, std::uint64_t rows) {
  return read_deletions(Buffer::from(std::move(bytes)), bitmap_of(count), rows, "f");
}

TEST(DeletionsTest, BitmapBytes) {
  const std::vector<std::uint32_t> positions = {1, 70'000};
  const std::string bytes = write_deletion_bitmap(positions);
  EXPECT_EQ(to_hex_text(bytes), "3a300000020000000000000001000000180000001a00000001007011");
  EXPECT_EQ(read_bitmap(bytes, 2, 70'001).value(), positions);
}

// Goal: every container kind of our writer reads back. Method: random sets of several densities.
TEST(DeletionsTest, RandomSetsSurvive) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const std::uint32_t count : {0u, 1u, 4096u, 4097u, 60'000u, 200'000u}) {
    std::set<std::uint32_t> chosen;
    while (chosen.size() < count) chosen.insert(static_cast<std::uint32_t>(random() % 300'000));
    const std::vector<std::uint32_t> positions(chosen.begin(), chosen.end());
    const auto back = read_bitmap(write_deletion_bitmap(positions), count, 300'000);
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(*back, positions);
  }
}

TEST(DeletionsTest, ReadsRunContainers) {
  // Cookie 12347 with one container, run flag set, key 0, cardinality 5: runs 3..5 and 9..10.
  const std::string bytes = from_hex("3b300000 01 0000 0400 0200 0300 0200 0900 0100");
  EXPECT_EQ(read_bitmap(bytes, 5, 11).value(), (std::vector<std::uint32_t>{3, 4, 5, 9, 10}));
}

TEST(DeletionsTest, ReadsOffsetsBesideRunsFromFourContainersOn) {
  std::string bytes = from_hex("3b300300 01");  // four containers, the first one with runs
  for (int key = 0; key < 4; ++key) bytes += std::string({static_cast<char>(key), 0, 0, 0});
  const std::uint32_t first = static_cast<std::uint32_t>(bytes.size()) + 16;
  for (const std::uint32_t offset : {first, first + 6, first + 8, first + 10}) {
    bytes.append(reinterpret_cast<const char*>(&offset), 4);
  }
  bytes += from_hex("0100 0700 0000  0100 0200 0300");
  EXPECT_EQ(read_bitmap(bytes, 4, 1u << 18).value(), (std::vector<std::uint32_t>{7, 65'537, 131'074, 196'611}));
}

TEST(DeletionsTest, CountAndPositionsMustFit) {
  const std::vector<std::uint32_t> positions = {1, 5};
  const std::string bytes = write_deletion_bitmap(positions);
  EXPECT_FALSE(read_bitmap(bytes, 3, 10));
  EXPECT_FALSE(read_bitmap(bytes, 2, 5));
  EXPECT_EQ(read_bitmap(bytes, 3, 10).error().code, Code::kCorruptObject);
}

template <class T>
std::string number(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Puts a flatbuffer together front to back.
class FlatWriter {
 public:
  FlatWriter() : bytes(4, '\0') {}

  // A table with slots of these sizes (0: absent); returns its place and those of its slots.
  struct Table {
    std::size_t at;
    std::vector<std::size_t> slots;
  };
  Table table(const std::vector<std::size_t>& sizes) {
    const std::size_t vtable = bytes.size();
    Table made{vtable + 4 + sizes.size() * 2, {}};
    std::size_t end = 4;
    std::string offsets;
    for (const std::size_t size : sizes) {
      offsets += number(static_cast<std::uint16_t>(size == 0 ? 0 : end));
      made.slots.push_back(made.at + end);
      end += size;
    }
    bytes += number(static_cast<std::uint16_t>(4 + offsets.size())) + number(static_cast<std::uint16_t>(end)) + offsets;
    bytes += number(static_cast<std::int32_t>(made.at - vtable)) + std::string(end - 4, '\0');
    return made;
  }
  template <class T>
  void set(std::size_t at, T value) {
    bytes.replace(at, sizeof(T), number(value));
  }
  // Makes the offset at `slot` point to the end, where the next thing goes.
  void point(std::size_t slot) { set(slot, static_cast<std::uint32_t>(bytes.size() - slot)); }
  void point(std::size_t slot, const Table& table) { set(slot, static_cast<std::uint32_t>(table.at - slot)); }

  std::string bytes;
};

// A minimal Arrow file around one uint32 column. `stored`: the value buffer as it lies in the file; `codec` -1: none.
std::string arrow_file(const std::string& stored, std::int64_t rows, int codec, std::int64_t nulls = 0) {
  FlatWriter message;
  const auto root = message.table({0, 1, 4});
  message.point(0, root);
  message.set(root.slots[1], std::uint8_t{3});
  const auto batch = message.table({8, 4, 4, codec < 0 ? 0u : 4u});
  message.point(root.slots[2], batch);
  message.set(batch.slots[0], rows);
  message.point(batch.slots[1]);
  message.bytes += number<std::uint32_t>(1) + number(rows) + number(nulls);
  message.point(batch.slots[2]);
  message.bytes += number<std::uint32_t>(2) + number<std::int64_t>(0) + number<std::int64_t>(0) +
                   number<std::int64_t>(0) + number(static_cast<std::int64_t>(stored.size()));
  if (codec >= 0) {
    const auto compression = message.table({1});
    message.point(batch.slots[3], compression);
    message.set(compression.slots[0], static_cast<std::int8_t>(codec));
  }
  const std::string magic = "ARROW1";
  std::string file = magic + std::string(2, '\0');
  const auto offset = static_cast<std::int64_t>(file.size());
  file += number<std::uint32_t>(0xffffffff) + number(static_cast<std::int32_t>(message.bytes.size())) + message.bytes;
  const auto metadata_size = static_cast<std::int32_t>(file.size() - static_cast<std::size_t>(offset));
  file += stored;
  FlatWriter footer;
  const auto top = footer.table({0, 0, 0, 4});
  footer.point(0, top);
  footer.point(top.slots[3]);
  footer.bytes += number<std::uint32_t>(1) + number(offset) + number(metadata_size) + number<std::int32_t>(0) +
                  number(static_cast<std::int64_t>(stored.size()));
  return file + footer.bytes + number(static_cast<std::int32_t>(footer.bytes.size())) + magic;
}

std::string raw(const std::vector<std::uint32_t>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4);
}

Result<std::vector<std::uint32_t>> read_arrow(std::string bytes, std::uint64_t count) {
  return read_deletions(Buffer::from(std::move(bytes)), {DeletionFileType::kArrow, 0, 0, count, {}}, 1'000, "f");
}

std::string prefixed(std::int64_t size, const std::string& body) { return number(size) + body; }

TEST(DeletionsTest, ReadsArrowFilesInAnyOrder) {
  const std::vector<std::uint32_t> values = {9, 2, 500};
  const std::vector<std::uint32_t> sorted = {2, 9, 500};
  const auto plain = read_arrow(arrow_file(raw(values), 3, -1), 3);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(*plain, sorted);
  EXPECT_EQ(read_arrow(arrow_file(prefixed(-1, raw(values)), 3, 1), 3).value(), sorted) << "stored raw";
  std::string frame(ZSTD_compressBound(12), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), values.data(), 12, 1));
  const auto compressed = read_arrow(arrow_file(prefixed(12, frame), 3, 1), 3);
  ASSERT_TRUE(compressed) << compressed.error().message;
  EXPECT_EQ(*compressed, sorted);
  std::string lz4(LZ4F_compressFrameBound(12, nullptr), '\0');
  lz4.resize(LZ4F_compressFrame(lz4.data(), lz4.size(), values.data(), 12, nullptr));
  EXPECT_EQ(read_arrow(arrow_file(prefixed(12, lz4), 3, 0), 3).value(), sorted);
  EXPECT_FALSE(read_arrow(arrow_file(prefixed(13, lz4), 3, 0), 3)) << "another size";
  EXPECT_FALSE(read_arrow(arrow_file(prefixed(12, lz4), 3, 2), 3)) << "unknown codec";
}

TEST(DeletionsTest, RefusesOddArrowFiles) {
  const std::vector<std::uint32_t> values = {9, 2, 500};
  EXPECT_FALSE(read_arrow(arrow_file(raw(values), 3, -1), 4)) << "another count";
  EXPECT_FALSE(read_arrow(arrow_file(raw(values), 3, -1, 1), 3)) << "a null position";
  EXPECT_FALSE(read_arrow(arrow_file(raw({9, 9, 1}), 3, -1), 3)) << "twice";
  EXPECT_FALSE(read_arrow(arrow_file(raw({9, 1}), 3, -1), 3)) << "too short";
}

// Goal: damaged files give an error or other positions, never a crash. Method: flips and cuts, under sanitizers.
TEST(DeletionsTest, SurvivesDamage) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::vector<std::uint32_t> dense(5'000);
  for (std::uint32_t i = 0; i < dense.size(); ++i) dense[i] = i * 15;
  const std::string bitmap = write_deletion_bitmap(dense);
  const std::string arrow = arrow_file(raw({9, 2, 500}), 3, 1);
  for (int round = 0; round < 4'000; ++round) {
    const bool is_bitmap = round % 2 == 0;
    std::string bytes = is_bitmap ? bitmap : arrow;
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    for (std::size_t flips = random() % 4; flips != 0 && !bytes.empty(); --flips) {
      const std::size_t place = random() % std::min<std::size_t>(bytes.size(), 400);
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
    }
    const auto result = is_bitmap ? read_bitmap(bytes, dense.size(), 75'000) : read_arrow(bytes, 3);
    if (!result) {
      ASSERT_EQ(result.error().code, Code::kCorruptObject);
    }
  }
}

}  // namespace
}  // namespace omnigraph::lance
