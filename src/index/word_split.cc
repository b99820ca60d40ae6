#include "index/word_split.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace omnigraph::index {
namespace {

constexpr std::size_t kTextBlock = 64;

struct BlockBits {
  std::uint64_t word = 0;   // bit i: byte i is an ASCII letter or digit
  std::uint64_t other = 0;  // some bit: not all bytes are ASCII
};

// An ASCII letter or digit in lower case is itself with the bit 0x20.
constexpr char kLowerBit = 0x20;

#if defined(__x86_64__)
BlockBits lower_block(const char* text, char* lowered) {
  // Without a sign, bytes below `first` are large once it is taken off.
  const auto within = [](__m128i bytes, char first, char last) {
    const __m128i off = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8(static_cast<char>(last - first))), off);
  };
  const auto bits_of = [](__m128i bytes) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)));
  };
  BlockBits bits;
  for (unsigned at = 0; at < kTextBlock; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(kLowerBit));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(lowered + at), lower);
    bits.word |= bits_of(_mm_or_si128(within(lower, 'a', 'z'), within(bytes, '0', '9'))) << at;
    bits.other |= bits_of(bytes) << at;
  }
  return bits;
}
#else
BlockBits lower_block(const char* text, char* lowered) {
  BlockBits bits;
  for (unsigned at = 0; at < kTextBlock; ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    lowered[at] = static_cast<char>(byte | static_cast<unsigned char>(kLowerBit));
    bits.other |= std::uint64_t{byte >> 7} << at;
    bits.word |= std::uint64_t{byte < 0x80 && kAsciiLower[byte] != 0} << at;
  }
  return bits;
}
#endif

}  // namespace

bool AsciiWords::take(std::string_view text) {
  blocks_ = 0;
  const std::size_t whole = text.size() / kTextBlock;
  if (bits_.size() <= whole) {
    bits_.resize(whole + 1);
    lowered_.resize(bits_.size() * kTextBlock + kPadding);
  }
  std::uint64_t other = 0;
  for (std::size_t block = 0; block < whole; ++block) {
    const BlockBits bits = lower_block(text.data() + block * kTextBlock, lowered_.data() + block * kTextBlock);
    bits_[block] = bits.word;
    other |= bits.other;
  }
  std::array<char, kTextBlock> last{};  // zeros, which are in no word, behind the text
  std::ranges::copy(text.substr(whole * kTextBlock), last.begin());
  const BlockBits bits = lower_block(last.data(), lowered_.data() + whole * kTextBlock);
  bits_[whole] = bits.word;
  if ((other | bits.other) != 0) return false;
  blocks_ = whole + 1;
  return true;
}

}  // namespace omnigraph::index
