#include "exec/selection.h"

#include <algorithm>
#include <cstring>

#include "exec/interval_kernel.h"

namespace omnigraph::exec {

namespace {

constexpr std::uint64_t kWholeWord = ~std::uint64_t{0};

// The lowest `count` bits. REQUIRES: count <= 64.
std::uint64_t lowest_bits(std::size_t count) { return count == 64 ? kWholeWord : (std::uint64_t{1} << count) - 1; }

}  // namespace

void Selection::select_all(VariableId variable, Ordinal first, std::size_t count) {
  variable_ = variable;
  first_ = first;
  count_ = count;
  std::fill_n(words_.begin(), word_count(), kWholeWord);
  if (count % 64 != 0) words_[word_count() - 1] = lowest_bits(count % 64);
}

std::size_t Selection::passing() const {
  std::size_t sum = 0;
  for (const std::uint64_t word : words()) sum += static_cast<std::size_t>(std::popcount(word));
  return sum;
}

void Selection::keep(std::size_t at, std::size_t count, std::span<const std::uint64_t> bits) {
  const std::size_t shift = at % 64;
  for (std::size_t done = 0; done < count; done += 64) {
    const std::uint64_t range = lowest_bits(std::min<std::size_t>(64, count - done));
    const std::uint64_t cleared = range & ~bits[done / 64];
    std::uint64_t* word = words_.data() + (at + done) / 64;
    word[0] &= ~(cleared << shift);
    if (const std::uint64_t beyond = shift == 0 ? 0 : cleared >> (64 - shift); beyond != 0) word[1] &= ~beyond;
  }
}

void Selection::drop(std::span<const std::uint64_t> bitmap) {
  if (bitmap.empty()) return;
  const std::size_t shift = first_ % 64;
  for (std::size_t w = 0; w < word_count(); ++w) {
    const std::size_t from = first_ / 64 + w;
    std::uint64_t dropped = bitmap[from] >> shift;
    if (shift != 0 && from + 1 < bitmap.size()) dropped |= bitmap[from + 1] << (64 - shift);
    words_[w] &= ~dropped;
  }
}

std::size_t Selection::list(Ordinal* out) const { return positions_of_bits(words(), first_, out); }

std::uint64_t bits_at(const std::byte* bitmap, std::size_t at, std::size_t end) {
  if (at >= end) return 0;
  const std::size_t wanted = std::min<std::size_t>(64, end - at);
  const std::size_t shift = at % 8;
  std::uint64_t word = 0;
  std::memcpy(&word, bitmap + at / 8, std::min<std::size_t>(8, (shift + wanted + 7) / 8));
  word >>= shift;
  if (shift + wanted > 64) word |= static_cast<std::uint64_t>(bitmap[at / 8 + 8]) << (64 - shift);
  return word & lowest_bits(wanted);
}

}  // namespace omnigraph::exec
