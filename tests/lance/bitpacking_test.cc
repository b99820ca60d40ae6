#include "lance/bitpacking.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace omnigraph::lance {
namespace {

template <class T>
T first_word(const std::vector<std::byte>& packed) {
  T word;
  std::memcpy(&word, packed.data(), sizeof(T));
  return word;
}

TEST(BitpackingTest, LanesPackTheRowsInOrder) {
  std::vector<std::uint32_t> values(1024);
  for (std::uint32_t i = 0; i < 1024; ++i) values[i] = i / 128;
  std::vector<std::byte> packed(packed_block_bytes(3));
  pack_block<std::uint32_t>(values.data(), 3, packed.data());
  EXPECT_EQ(first_word<std::uint32_t>(packed), 0x88fac688u);
}

TEST(BitpackingTest, FirstWordOfAscendingNumbers) {
  std::vector<std::uint64_t> values(1024);
  for (std::uint64_t i = 0; i < 1024; ++i) values[i] = i;
  std::vector<std::byte> packed(packed_block_bytes(10));
  pack_block<std::uint64_t>(values.data(), 10, packed.data());
  EXPECT_EQ(first_word<std::uint64_t>(packed), 0x0a02006010020000u);
}

// Goal: packing loses nothing and a single read sees what the bulk sees, for every width of every type.
// Method: random values of each width, at an odd address, with a partial last block.
template <class T>
void check_every_width() {
  std::mt19937_64 random(7);
  for (unsigned width = 1; width <= 8 * sizeof(T); ++width) {
    const std::size_t count = 1024 + 77;
    std::vector<T> values(count);
    for (T& value : values) value = static_cast<T>(random() >> (64 - width));
    std::vector<std::byte> storage(2 * packed_block_bytes(width) + 1);
    std::byte* packed = storage.data() + 1;
    pack_values<T>(reinterpret_cast<const std::byte*>(values.data()), count, width, packed);
    std::vector<T> back(count);
    unpack_values<T>(packed, count, width, back.data());
    ASSERT_EQ(back, values) << "width " << width;
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(unpack_at<T>(packed, width, i), values[i]) << "width " << width << " index " << i;
    }
    // Padding is zero.
    for (unsigned i = 77; i < 1024; ++i) {
      ASSERT_EQ(unpack_one<T>(packed + packed_block_bytes(width), width, i), 0);
    }
  }
}

TEST(BitpackingTest, EveryWidthOf8) { check_every_width<std::uint8_t>(); }
TEST(BitpackingTest, EveryWidthOf16) { check_every_width<std::uint16_t>(); }
TEST(BitpackingTest, EveryWidthOf32) { check_every_width<std::uint32_t>(); }
TEST(BitpackingTest, EveryWidthOf64) { check_every_width<std::uint64_t>(); }

TEST(BitpackingTest, WidthZeroIsAllZero) {
  std::vector<std::uint16_t> values(1024, 7);
  unpack_block<std::uint16_t>(nullptr, 0, values.data());
  EXPECT_EQ(values, std::vector<std::uint16_t>(1024, 0));
}

}  // namespace
}  // namespace omnigraph::lance
