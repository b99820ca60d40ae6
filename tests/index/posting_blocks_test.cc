// Blocks of postings and streams of numbers against the numbers themselves.
#include "index/posting_blocks.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace omnigraph::index {
namespace {

// Every size of a block and every width of a step and a count.
TEST(PostingBlocks, KeepRowsAndCounts) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 4000; ++round) {
    const std::size_t count = round % 3 == 0 ? kPostingBlock : 1 + random() % kPostingBlock;
    const unsigned step_bits = static_cast<unsigned>(random() % (count == 1 ? 33 : 26));
    const unsigned count_bits = static_cast<unsigned>(random() % 33);
    const bool counted = random() % 4 != 0;
    const auto below = [&](unsigned bits) {
      return static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << bits) - 1));
    };
    const std::uint32_t first = step_bits > 25 ? 0 : below(20);
    std::vector<std::uint32_t> rows, counts;
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back((i == 0 ? first : rows.back() + 1) + below(step_bits));
      if (counted) counts.push_back(std::max(1u, below(count_bits)));
    }
    columnar::ByteSink out;
    const std::byte other{0x5a};
    out.append(&other, 1);
    append_posting_block(rows, first, counts, out);
    const std::size_t size = out.size() - 1;
    std::memset(out.extend(kBitPadding), 0xff, kBitPadding);
    const std::byte* block = out.data() + 1;
    ASSERT_EQ(posting_block_bytes(block), size);
    ASSERT_EQ(posting_block_rows(block), count);
    BlockNumbers held;
    read_block_rows(block, first, held);
    ASSERT_EQ(std::vector<std::uint32_t>(held, held + count), rows) << count << " rows of " << step_bits << " bits";
    if (!counted) continue;
    read_block_counts(block, held);
    ASSERT_EQ(std::vector<std::uint32_t>(held, held + count), counts)
        << count << " counts of " << count_bits << " bits";
  }
}

TEST(PostingBlocks, RefuseWhatCannotBeABlock) {
  const auto size = [](unsigned rows, unsigned step_bits, unsigned count_bits) {
    const std::byte header[] = {static_cast<std::byte>(rows), static_cast<std::byte>(step_bits),
                                static_cast<std::byte>(count_bits)};
    return posting_block_bytes(header);
  };
  EXPECT_EQ(size(0, 1, 1), 0u);
  EXPECT_EQ(size(129, 1, 1), 0u);
  EXPECT_EQ(size(1, 33, 1), 0u);
  EXPECT_EQ(size(1, 1, 33), 0u);
  EXPECT_EQ(size(128, 2, 1), 3u + 48u);
  EXPECT_EQ(size(9, 3, 1), 3u + 4u + 2u);
}

TEST(NumberStream, KeepsNumbersOfEveryWidth) {
  std::mt19937_64 random(11);
  for (unsigned width = 0; width <= 32; ++width) {
    std::vector<std::uint32_t> numbers(1 + random() % 300);
    for (std::uint32_t& number : numbers) {
      number = static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << width) - 1));
    }
    columnar::ByteSink out;
    append_stream(numbers, width, out);
    ASSERT_EQ(out.size(), stream_bytes(numbers.size(), width));
    std::memset(out.extend(kBitPadding), 0xff, kBitPadding);
    for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(number_at(out.data(), width, i), numbers[i]) << width;
  }
}

}  // namespace
}  // namespace omnigraph::index
