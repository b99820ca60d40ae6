#include "index/posting_blocks.h"

#include <algorithm>
#include <bit>

#include "base/result.h"

namespace omnigraph::index {
namespace {

constexpr std::size_t kBlockHeader = 3;
constexpr std::size_t kLanes = 4;
constexpr unsigned kWordBits = 32;

using Lanes [[gnu::vector_size(16)]] = std::uint32_t;

std::size_t numbers_bytes(std::size_t count, unsigned width) {
  return count == kPostingBlock ? std::size_t{width} * sizeof(Lanes) : stream_bytes(count, width);
}

unsigned bits_of(std::span<const std::uint32_t> numbers) {
  std::uint32_t all = 0;
  for (const std::uint32_t number : numbers) all |= number;
  return static_cast<unsigned>(std::bit_width(all));
}

// Number i is in stream i % 4; `out` has room for `width` lanes.
void pack_lanes(std::span<const std::uint32_t> numbers, unsigned width, std::byte* out) {
  std::uint32_t words[kWordBits * kLanes] = {};
  for (std::size_t i = 0; i < kPostingBlock; ++i) {
    const std::size_t bit = i / kLanes * width;
    const std::uint64_t bits = std::uint64_t{numbers[i]} << bit % kWordBits;
    const std::size_t word = bit / kWordBits * kLanes + i % kLanes;
    words[word] |= static_cast<std::uint32_t>(bits);
    if (bit % kWordBits + width > kWordBits) words[word + kLanes] |= static_cast<std::uint32_t>(bits >> kWordBits);
  }
  std::memcpy(out, words, width * sizeof(Lanes));
}

Lanes load_lanes(const std::byte* at) {
  Lanes lanes;
  std::memcpy(&lanes, at, sizeof(lanes));
  return lanes;
}

// Calls take(k, numbers 4k .. 4k+3) for all numbers of a full block.
template <class Take>
void unpack_lanes(const std::byte* in, unsigned width, Take&& take) {
  const std::uint32_t mask = width == kWordBits ? ~std::uint32_t{0} : (std::uint32_t{1} << width) - 1;
  const Lanes masks = {mask, mask, mask, mask};
  unsigned shift = 0;
  Lanes word = width == 0 ? Lanes{} : load_lanes(in);
  for (std::size_t k = 0; k < kPostingBlock / kLanes; ++k) {
    Lanes numbers = word >> shift;
    shift += width;
    if (shift >= kWordBits) {
      shift -= kWordBits;
      in += sizeof(Lanes);
      if (k + 1 < kPostingBlock / kLanes) word = load_lanes(in);  // the last number ends the last word
      if (shift > 0) numbers |= word << (width - shift);
    }
    take(k, numbers & masks);
  }
}

void read_numbers(const std::byte* in, std::size_t count, unsigned width, BlockNumbers& out) {
  if (count == kPostingBlock) {
    unpack_lanes(in, width, [&](std::size_t k, Lanes numbers) { std::memcpy(out + k * kLanes, &numbers, 16); });
    return;
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = number_at(in, width, i);
}

void append_numbers(std::span<const std::uint32_t> numbers, unsigned width, columnar::ByteSink& out) {
  if (numbers.size() == kPostingBlock) {
    pack_lanes(numbers, width, out.extend(width * sizeof(Lanes)));
  } else {
    append_stream(numbers, width, out);
  }
}

}  // namespace

void append_stream(std::span<const std::uint32_t> numbers, unsigned width, columnar::ByteSink& out) {
  std::byte* to = out.extend(stream_bytes(numbers.size(), width));
  std::uint64_t word = 0;
  unsigned filled = 0;
  for (const std::uint32_t number : numbers) {
    word |= std::uint64_t{number} << filled;
    for (filled += width; filled >= 8; filled -= 8) {
      *to++ = static_cast<std::byte>(word);
      word >>= 8;
    }
  }
  if (filled > 0) *to = static_cast<std::byte>(word);
}

void append_posting_block(std::span<const std::uint32_t> rows, std::uint32_t first,
                          std::span<const std::uint32_t> counts, columnar::ByteSink& out) {
  OG_CHECK(!rows.empty() && rows.size() <= kPostingBlock);
  BlockNumbers steps, others;
  for (std::size_t i = 0; i < rows.size(); ++i) steps[i] = rows[i] - (i == 0 ? first : rows[i - 1] + 1);
  for (std::size_t i = 0; i < counts.size(); ++i) others[i] = counts[i] - 1;
  const unsigned step_bits = bits_of({steps, rows.size()});
  const unsigned count_bits = bits_of({others, counts.size()});
  std::byte* header = out.extend(kBlockHeader);
  header[0] = static_cast<std::byte>(rows.size());
  header[1] = static_cast<std::byte>(step_bits);
  header[2] = static_cast<std::byte>(count_bits);
  append_numbers({steps, rows.size()}, step_bits, out);
  if (!counts.empty()) append_numbers({others, counts.size()}, count_bits, out);
}

std::size_t posting_block_bytes(const std::byte* block) {
  const std::size_t rows = posting_block_rows(block);
  const auto step_bits = std::to_integer<unsigned>(block[1]);
  const auto count_bits = std::to_integer<unsigned>(block[2]);
  if (rows == 0 || rows > kPostingBlock || step_bits > kWordBits || count_bits > kWordBits) return 0;
  return kBlockHeader + numbers_bytes(rows, step_bits) + numbers_bytes(rows, count_bits);
}

void read_block_rows(const std::byte* block, std::uint32_t first, BlockNumbers& out) {
  const std::size_t rows = posting_block_rows(block);
  const auto width = std::to_integer<unsigned>(block[1]);
  const std::byte* steps = block + kBlockHeader;
  if (rows == kPostingBlock) {
    const Lanes zero = {}, one = {1, 1, 1, 1};
    Lanes before = zero + (first - 1);
    unpack_lanes(steps, width, [&](std::size_t k, Lanes numbers) {
      numbers += one;
      numbers += __builtin_shufflevector(zero, numbers, 0, 4, 5, 6);
      numbers += __builtin_shufflevector(zero, numbers, 0, 1, 4, 5);
      numbers += before;
      before = __builtin_shufflevector(numbers, numbers, 3, 3, 3, 3);
      std::memcpy(out + k * kLanes, &numbers, sizeof(numbers));
    });
    return;
  }
  std::uint32_t next = first;
  for (std::size_t i = 0; i < rows; ++i) {
    out[i] = next + number_at(steps, width, i);
    next = out[i] + 1;
  }
}

void read_block_counts(const std::byte* block, BlockNumbers& out) {
  const std::size_t rows = posting_block_rows(block);
  const std::byte* counts = block + kBlockHeader + numbers_bytes(rows, std::to_integer<unsigned>(block[1]));
  read_numbers(counts, rows, std::to_integer<unsigned>(block[2]), out);
  for (std::size_t i = 0; i < rows; ++i) ++out[i];
}

}  // namespace omnigraph::index
