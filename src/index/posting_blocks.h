// A posting list as blocks of at most kPostingBlock rows, each row with how often it holds the term, in as few bits as
// the largest step between two rows of the block and its largest count take.
//
// A block is u8 rows, u8 bits of a step, u8 bits of a count, then the steps and the counts. A step is the distance to
// the row before less one; a count is kept less one, and not at all where no counts are given. The numbers of a full
// block lie in four interleaved streams of 32-bit words, so that four are unpacked and summed up at once (S4-BP128
// with differences of neighbours: Lemire and Boytsov, Decoding billions of integers per second through vectorization,
// Software: Practice and Experience 45, 2015); those of a shorter one lie in one stream of bits.
// Thread safety: free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "columnar/byte_sink.h"

namespace omnigraph::index {

inline constexpr std::size_t kPostingBlock = 128;
// Bytes behind the last block, or the last number of a stream, that are read and not used.
inline constexpr std::size_t kBitPadding = 16;

using BlockNumbers = std::uint32_t[kPostingBlock];

// Appends a block. `rows` ascend from `first` on, at most kPostingBlock of them and at least one; `counts`, one for
// each and none of them 0, or none at all.
void append_posting_block(std::span<const std::uint32_t> rows, std::uint32_t first,
                          std::span<const std::uint32_t> counts, columnar::ByteSink& out);

// Bytes of the block that begins here, 0 if it cannot be one. REQUIRES: three bytes.
[[nodiscard]] std::size_t posting_block_bytes(const std::byte* block);
[[nodiscard]] inline std::size_t posting_block_rows(const std::byte* block) {
  return std::to_integer<std::size_t>(block[0]);
}

// The rows, or the counts, of a block whose bytes are there and kBitPadding more; `first` as it was appended. All of
// `out` may be written.
void read_block_rows(const std::byte* block, std::uint32_t first, BlockNumbers& out);
void read_block_counts(const std::byte* block, BlockNumbers& out);

// Numbers of `width` <= 32 bits one after the other, the low bits first. REQUIRES: kBitPadding bytes behind them.
[[nodiscard]] inline std::uint32_t number_at(const std::byte* stream, unsigned width, std::size_t i) {
  const std::size_t bit = i * width;
  std::uint64_t word;
  std::memcpy(&word, stream + bit / 8, sizeof(word));
  return static_cast<std::uint32_t>(word >> bit % 8 & ((std::uint64_t{1} << width) - 1));
}
// Bytes of `count` such numbers.
[[nodiscard]] constexpr std::size_t stream_bytes(std::size_t count, unsigned width) { return (count * width + 7) / 8; }
// Appends stream_bytes(numbers.size(), width) bytes.
void append_stream(std::span<const std::uint32_t> numbers, unsigned width, columnar::ByteSink& out);

}  // namespace omnigraph::index
