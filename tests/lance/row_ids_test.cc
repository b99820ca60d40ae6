#include "lance/row_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lance/wire.h"
#include "tests/lance/hex.h"

namespace omnigraph::lance {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<std::uint64_t> ids_of(const RowIdSequence& sequence) {
  std::vector<std::uint64_t> ids;
  sequence.append_to(ids);
  EXPECT_EQ(ids.size(), sequence.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(sequence.at(i), ids[i]) << i;
  return ids;
}

std::vector<std::uint64_t> parsed(std::string_view hex) {
  const auto sequence = RowIdSequence::parse(from_hex(hex), "m");
  EXPECT_TRUE(sequence) << sequence.error().message;
  return sequence ? ids_of(*sequence) : std::vector<std::uint64_t>();
}

TEST(RowIdsTest, RunsBecomeRanges) {
  const std::vector<std::uint64_t> ids = {10, 11, 20, 21, 22};
  EXPECT_EQ(to_hex_text(RowIdSequence::of(ids).serialize()), "0a060a04080a100c0a060a0408141017");
  EXPECT_EQ(parsed("0a060a04080a100c0a060a0408141017"), ids);
}

TEST(RowIdsTest, BitmapIsLeastSignificantBitFirst) {
  EXPECT_THAT(parsed("0a0b1a0908ac0210b4021a0155"), ElementsAre(300, 302, 304, 306));
}

TEST(RowIdsTest, RangeLessItsHoles) {
  // range 5..10, holes {6, 8} as u16 offsets from 6.
  EXPECT_THAT(parsed("0a10 120e 0805 100a 1a08 0a06 0806 1202 0000"), ElementsAre(5, 7, 8, 9));
  EXPECT_THAT(parsed("0a12 1210 0805 100a 1a0a 0a08 0806 1204 0000 0200"), ElementsAre(5, 7, 9));
}

TEST(RowIdsTest, ArraysOfEveryWidth) {
  for (const std::uint64_t span : {std::uint64_t{100}, std::uint64_t{70'000}, std::uint64_t{1} << 40}) {
    const std::vector<std::uint64_t> sorted = {7, 9, 7 + span};
    const std::vector<std::uint64_t> shuffled = {9, 7 + span, 7};
    for (const auto& ids : {sorted, shuffled}) {
      const std::string bytes = RowIdSequence::of(ids).serialize();
      const auto back = RowIdSequence::parse(bytes, "m");
      ASSERT_TRUE(back);
      EXPECT_EQ(ids_of(*back), ids);
    }
  }
}

TEST(RowIdsTest, RefusesWhatCannotBe) {
  for (const char* hex : {
           "0a060a04080c100a",                      // range that ends before it starts
           "0a0b1a0908ac0210b5021a0155",            // nine bits of an eight-bit bitmap
           "0a10120e0805100a1a080a06081412020000",  // hole outside its range
           "0a0422020a05",                          // cut off
           "0a073205120301000000",                  // unknown kind
           "0aff",                                  // length past the end
       }) {
    const auto sequence = RowIdSequence::parse(from_hex(hex), "m");
    ASSERT_FALSE(sequence) << hex;
    EXPECT_EQ(sequence.error().code, Code::kCorruptObject);
  }
}

// Goal: any list survives the round trip. Method: random mixes of runs and single ids.
TEST(RowIdsTest, RandomSequencesSurvive) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint64_t> ids;
    std::uint64_t at = random() % 1000;
    for (std::uint64_t runs = random() % 50; runs != 0; --runs) {
      at = random() % 4 == 0 ? random() >> (random() % 60 + 2) : at + random() % 100 + 1;
      for (std::uint64_t run = random() % 3 == 0 ? random() % 200 : 1; run != 0; --run) ids.push_back(at++);
    }
    const RowIdSequence sequence = RowIdSequence::of(ids);
    ASSERT_EQ(ids_of(sequence), ids);
    const auto back = RowIdSequence::parse(sequence.serialize(), "m");
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(ids_of(*back), ids);
  }
}

// Goal: fragments of a table stay small in the manifest. Method: the forms that writes produce.
TEST(RowIdsTest, UsualSequencesAreSmall) {
  EXPECT_LE(RowIdSequence::range(1'000'000, 1'000'000).serialize().size(), 14u);
  std::vector<std::uint64_t> every_third;
  for (std::uint64_t i = 0; i < 10'000; ++i) every_third.push_back(3 * i);
  EXPECT_LE(RowIdSequence::of(every_third).serialize().size(), 20'020u);
}

}  // namespace
}  // namespace omnigraph::lance
