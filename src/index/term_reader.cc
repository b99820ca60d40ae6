#include "index/term_reader.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace omnigraph::index {
namespace {

constexpr std::size_t kFirstShortWords = 1024;
constexpr std::size_t kShortBytes = 8;
static_assert(std::endian::native == std::endian::little, "the first byte of a word is the lowest of its key");

// Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4): the upper bits of the product.
std::size_t place_of(std::uint64_t bytes, unsigned shift) {
  return static_cast<std::size_t>((bytes ^ bytes >> 32) * 0x9e3779b97f4a7c15u >> shift);
}

unsigned shift_for(std::size_t slots) { return 64 - static_cast<unsigned>(std::countr_zero(slots)); }

}  // namespace

TermReader::TermReader(TermKind kind)
    : kind_(kind), analyzer_(1), short_words_(kFirstShortWords), shift_(shift_for(kFirstShortWords)) {}

std::span<const std::uint32_t> TermReader::read(std::string_view text) {
  if (ascii_.take(text)) {
    make_room(text.size());
    return {numbers_.data(), read_ascii()};
  }
  const std::string_view normalized = to_nfc(text, normalized_);
  make_room(normalized.size());
  return {numbers_.data(), read_any(normalized)};
}

void TermReader::make_room(std::size_t text_bytes) {
  if (numbers_.size() < text_bytes / 2 + 1) numbers_.resize(text_bytes / 2 + 1);
}

std::size_t TermReader::read_ascii() {
  std::uint32_t* end = numbers_.data();
  ascii_.for_each([&](const char* word, std::size_t size) {
    *end = ascii_word(word, size);
    end += *end == kNoTerm ? 0 : 1;
  });
  return static_cast<std::size_t>(end - numbers_.data());
}

std::size_t TermReader::read_any(std::string_view normalized) {
  std::uint32_t* end = numbers_.data();
  std::array<char, kWordBytesMax + AsciiWords::kPadding> lowered{};
  split(normalized, [&](std::string_view word, bool is_ascii) {
    if (is_ascii) {
      for (std::size_t i = 0; i < word.size(); ++i) lowered[i] = kAsciiLower[static_cast<unsigned char>(word[i])];
      *end = ascii_word(lowered.data(), word.size());
    } else {
      *end = long_word(word, false);
    }
    end += *end == kNoTerm ? 0 : 1;
  });
  return static_cast<std::size_t>(end - numbers_.data());
}

std::uint32_t TermReader::ascii_word(const char* word, std::size_t size) {
  if (size > kShortBytes) return long_word({word, size}, true);
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, word, kShortBytes);
  return short_word(bytes & ~std::uint64_t{0} >> (64 - 8 * size), size);
}

std::uint32_t TermReader::short_word(std::uint64_t bytes, std::size_t size) {
  for (std::size_t at = place_of(bytes, shift_);; at = (at + 1) & (short_words_.size() - 1)) {
    const ShortWord& here = short_words_[at];
    if (here.bytes == bytes) return here.term;
    if (here.bytes == 0) return new_short_word(bytes, size, at);
  }
}

std::uint32_t TermReader::new_short_word(std::uint64_t bytes, std::size_t size, std::size_t at) {
  std::array<char, kShortBytes> word;
  std::memcpy(word.data(), &bytes, kShortBytes);
  const std::uint32_t term = term_of({word.data(), size}, true);
  short_words_[at] = {bytes, term};
  if (++short_count_ * 2 > short_words_.size()) grow();
  return term;
}

void TermReader::grow() {
  const std::vector<ShortWord> before = std::exchange(short_words_, std::vector<ShortWord>(short_words_.size() * 2));
  shift_ = shift_for(short_words_.size());
  for (const ShortWord& word : before) {
    if (word.bytes == 0) continue;
    std::size_t at = place_of(word.bytes, shift_);
    while (short_words_[at].bytes != 0) at = (at + 1) & (short_words_.size() - 1);
    short_words_[at] = word;
  }
}

std::uint32_t TermReader::long_word(std::string_view word, bool is_ascii) {
  const std::uint32_t number = long_words_.intern(word);
  if (number == long_word_term_.size()) long_word_term_.push_back(term_of(word, is_ascii));
  return long_word_term_[number];
}

std::uint32_t TermReader::term_of(std::string_view word, bool is_ascii) {
  const std::string_view term =
      kind_ == TermKind::kToken ? analyzer_.token_of(word, is_ascii) : analyzer_.fuzzy_word_of(word, is_ascii);
  return term.empty() ? kNoTerm : terms_.intern(term);
}

}  // namespace omnigraph::index
