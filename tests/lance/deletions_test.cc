#include "lance/deletions.h"

#include <gtest/gtest.h>
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
    while (chosen.size() < count) chosen.insert(random() % 300'000);
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

// A minimal Arrow file around one uint32 column, put together by hand.
class ArrowFile {
 public:
  // `stored`: the value buffer as it lies in the file; `codec` -1: no compression table.
  static std::string with(std::string stored, std::int64_t rows, int codec, std::int64_t nulls = 0) {
    std::string message = batch_message(rows, nulls, stored.size(), codec);
    while (message.size() % 8 != 0) message.push_back('\0');
    std::string file = std::string("ARROW1\0\0", 8);
    const auto offset = static_cast<std::int64_t>(file.size());
    file += number<std::uint32_t>(0xffffffff) + number(static_cast<std::int32_t>(message.size())) + message;
    const auto metadata_size = static_cast<std::int32_t>(file.size() - static_cast<std::size_t>(offset));
    file += stored;
    // Footer: root at 16; vtable at 4 with slot 3 only (offset 4); vector of one block right after the table.
    std::string footer = number<std::uint32_t>(16);
    footer += number<std::uint16_t>(12) + number<std::uint16_t>(8);
    footer += number<std::uint16_t>(0) + number<std::uint16_t>(0) + number<std::uint16_t>(0) + number<std::uint16_t>(4);
    footer += number<std::int32_t>(12) + number<std::uint32_t>(4);  // back to the vtable; the vector follows
    footer += number<std::uint32_t>(1) + number(offset) + number(metadata_size) + number<std::int32_t>(0) +
              number(static_cast<std::int64_t>(stored.size()));
    return file + footer + number(static_cast<std::int32_t>(footer.size())) + "ARROW1";
  }

 private:
  template <class T>
  static std::string number(T value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  // Message{1: header type 3, 2: RecordBatch{0 length, 1 nodes, 2 buffers, 3 compression{0 codec}}}
  static std::string batch_message(std::int64_t rows, std::int64_t nulls, std::size_t stored, int codec) {
    std::string m = number<std::uint32_t>(16);                   // 0: root
    m += number<std::uint16_t>(10) + number<std::uint16_t>(12);  // 4: vtable of Message
    m += number<std::uint16_t>(0) + number<std::uint16_t>(8) + number<std::uint16_t>(4) + number<std::uint16_t>(0);
    m += number<std::int32_t>(12);                               // 16: Message
    m += number<std::uint32_t>(36 - 20);                         // 20: to the batch at 36
    m += std::string("\3\0\0\0", 4);                             // 24: header type
    m += number<std::uint16_t>(12) + number<std::uint16_t>(24);  // 28 would not fit; see below
    m.resize(28);
    // 28: eight bytes of vtable cannot hold four slots, so the batch's vtable lies behind it.
    m += std::string(8, '\0');           // 28..36
    const std::size_t batch = m.size();  // 36
    m += number<std::int32_t>(0);        // patched: back to its vtable
    m += number<std::uint32_t>(0) + number<std::uint32_t>(0) +
         number<std::uint32_t>(0);  // 40 nodes, 44 buffers, 48 compression
    m += number(rows);              // 52: length
    const std::size_t vtable = m.size();
    m += number<std::uint16_t>(12) + number<std::uint16_t>(24) + number<std::uint16_t>(16) + number<std::uint16_t>(4) +
         number<std::uint16_t>(8) + number<std::uint16_t>(static_cast<std::uint16_t>(codec < 0 ? 0 : 12));
    patch(m, batch, static_cast<std::int32_t>(batch) - static_cast<std::int32_t>(vtable));
    patch(m, batch + 4, static_cast<std::int32_t>(m.size() - (batch + 4)));
    m += number<std::uint32_t>(1) + number(rows) + number(nulls);
    patch(m, batch + 8, static_cast<std::int32_t>(m.size() - (batch + 8)));
    m += number<std::uint32_t>(2) + number<std::int64_t>(0) + number<std::int64_t>(0) + number<std::int64_t>(0) +
         number(static_cast<std::int64_t>(stored));
    if (codec >= 0) {
      const std::size_t small = m.size();
      m += number<std::uint16_t>(6) + number<std::uint16_t>(5) + number<std::uint16_t>(4);
      patch(m, batch + 12, static_cast<std::int32_t>(m.size() - (batch + 12)));
      m += number<std::int32_t>(static_cast<std::int32_t>(m.size() - small)) + std::string(1, static_cast<char>(codec));
    }
    return m;
  }
  static void patch(std::string& m, std::size_t at, std::int32_t value) { m.replace(at, 4, number(value)); }
};

std::string raw(const std::vector<std::uint32_t>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4);
}

Result<std::vector<std::uint32_t>> read_arrow(std::string bytes, std::uint64_t count) {
  return read_deletions(Buffer::from(std::move(bytes)), {DeletionFileType::kArrow, 0, 0, count, {}}, 1'000, "f");
}

std::string prefixed(std::int64_t size, const std::string& body) {
  return std::string(reinterpret_cast<const char*>(&size), 8) + body;
}

TEST(DeletionsTest, ReadsArrowFilesInAnyOrder) {
  const std::vector<std::uint32_t> values = {9, 2, 500};
  const std::vector<std::uint32_t> sorted = {2, 9, 500};
  const auto plain = read_arrow(ArrowFile::with(raw(values), 3, -1), 3);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(*plain, sorted);
  EXPECT_EQ(read_arrow(ArrowFile::with(prefixed(-1, raw(values)), 3, 1), 3).value(), sorted) << "stored raw";
  std::string frame(ZSTD_compressBound(12), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), values.data(), 12, 1));
  const auto compressed = read_arrow(ArrowFile::with(prefixed(12, frame), 3, 1), 3);
  ASSERT_TRUE(compressed) << compressed.error().message;
  EXPECT_EQ(*compressed, sorted);
}

TEST(DeletionsTest, RefusesOddArrowFiles) {
  const std::vector<std::uint32_t> values = {9, 2, 500};
  EXPECT_FALSE(read_arrow(ArrowFile::with(raw(values), 3, -1), 4)) << "another count";
  EXPECT_FALSE(read_arrow(ArrowFile::with(raw(values), 3, -1, 1), 3)) << "a null position";
  EXPECT_FALSE(read_arrow(ArrowFile::with(raw({9, 9, 1}), 3, -1), 3)) << "twice";
  EXPECT_FALSE(read_arrow(ArrowFile::with(raw({9, 1}), 3, -1), 3)) << "too short";
}

// Goal: damaged files give an error or other positions, never a crash. Method: flips and cuts, under sanitizers.
TEST(DeletionsTest, SurvivesDamage) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::vector<std::uint32_t> dense(5'000);
  for (std::uint32_t i = 0; i < dense.size(); ++i) dense[i] = i * 15;
  const std::string bitmap = write_deletion_bitmap(dense);
  const std::string arrow = ArrowFile::with(raw({9, 2, 500}), 3, 1);
  for (int round = 0; round < 4'000; ++round) {
    const bool is_bitmap = round % 2 == 0;
    std::string bytes = is_bitmap ? bitmap : arrow;
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    for (unsigned flips = random() % 4; flips != 0 && !bytes.empty(); --flips) {
      const std::size_t place = random() % std::min<std::size_t>(bytes.size(), 400);
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
    }
    const auto result = is_bitmap ? read_bitmap(bytes, dense.size(), 75'000) : read_arrow(bytes, 3);
    if (!result) ASSERT_EQ(result.error().code, Code::kCorruptObject);
  }
}

}  // namespace
}  // namespace omnigraph::lance
