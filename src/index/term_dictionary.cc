#include "index/term_dictionary.h"

#include <limits>

#include "base/result.h"

namespace omnigraph::index {
namespace {

constexpr std::size_t kLargeDigit = 15;

void append_rest(std::size_t number, std::string& out) {
  if (number < kLargeDigit) return;
  for (number -= kLargeDigit; number >= 128; number >>= 7) out += static_cast<char>(number | 128);
  out += static_cast<char>(number);
}

// The number of a digit, with what follows it.
std::size_t take_number(std::size_t digit, std::string_view& left) {
  if (digit < kLargeDigit) return digit;
  std::size_t number = 0;
  for (unsigned shift = 0; !left.empty() && shift < 35; shift += 7) {
    const auto byte = static_cast<unsigned char>(left.front());
    left.remove_prefix(1);
    number |= std::size_t{byte & 127u} << shift;
    if (byte < 128) break;
  }
  return number + kLargeDigit;
}

}  // namespace

bool TermDictionary::is_consistent() const {
  const std::size_t buckets = count_ / kTermBucket + (count_ % kTermBucket == 0 ? 0 : 1);
  if (buckets_.size() != buckets || !std::ranges::is_sorted(buckets_)) return false;
  return buckets_.empty() || (buckets_.front() == 0 && buckets_.back() < bytes_.size());
}

void TermDictionary::read_next(std::string_view& left, std::string& text) {
  if (left.empty()) return;
  const auto digits = static_cast<unsigned char>(left.front());
  left.remove_prefix(1);
  const std::size_t shared = take_number(digits >> 4, left);
  const std::size_t wanted = take_number(digits & 15u, left);
  const std::size_t rest = std::min(wanted, left.size());  // of what the number left
  text.resize(std::min(shared, text.size()));
  text += left.substr(0, rest);
  left.remove_prefix(rest);
}

std::string TermDictionary::string(std::uint32_t number) const {
  std::string text;
  std::string_view left = bucket_bytes(number / kTermBucket);
  for (std::uint32_t i = 0; i <= number % kTermBucket; ++i) read_next(left, text);
  return text;
}

std::uint32_t TermDictionary::find(std::string_view wanted) const {
  // The last bucket that does not begin behind it.
  std::uint32_t first = 0;
  std::string text;
  for (auto count = static_cast<std::uint32_t>(buckets_.size()); count > 1;) {
    const std::uint32_t half = count / 2;
    text.clear();
    std::string_view left = bucket_bytes(first + half);
    read_next(left, text);
    if (text <= wanted) {
      first += half;
      count -= half;
    } else {
      count = half;
    }
  }
  if (buckets_.empty()) return kNotThere;
  text.clear();
  std::string_view left = bucket_bytes(first);
  for (std::uint32_t n = first * kTermBucket; n < bucket_end(first); ++n) {
    read_next(left, text);
    if (text == wanted) return n;
  }
  return kNotThere;
}

void TermDictionaryWriter::append(std::string_view term) {
  if (count_++ % kTermBucket == 0) {
    OG_CHECK(bytes_.size() <= std::numeric_limits<std::uint32_t>::max());
    buckets_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    last_.clear();
  }
  const auto differ = std::ranges::mismatch(term, last_);
  const auto shared = static_cast<std::size_t>(differ.in1 - term.begin());
  const std::size_t rest = term.size() - shared;
  bytes_ += static_cast<char>(std::min(shared, kLargeDigit) << 4 | std::min(rest, kLargeDigit));
  append_rest(shared, bytes_);
  append_rest(rest, bytes_);
  bytes_ += term.substr(shared);
  last_ = term;
}

}  // namespace omnigraph::index
