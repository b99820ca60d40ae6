#include "base/ulid.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/result.h"

namespace omnigraph::base {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford: no I, L, O, U
constexpr std::size_t kUlidSize = 26;

constexpr std::array<std::int8_t, 256> make_decode_table() {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}
constexpr auto kDecode = make_decode_table();

// 128 bits in two halves: `high` holds the 48 time bits and the upper 16 random bits.
struct Bits {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Bits&, const Bits&) = default;
};

std::string text_of(Bits bits) {
  std::string text(kUlidSize, '0');
  for (std::size_t i = kUlidSize; i-- > 0;) {
    text[i] = kAlphabet[bits.low & 31u];
    bits.low = (bits.low >> 5) | (bits.high << 59);
    bits.high >>= 5;
  }
  return text;
}

Bits bits_of(std::string_view text) {
  Bits bits;
  for (const char c : text) {
    bits.high = (bits.high << 5) | (bits.low >> 59);
    bits.low = (bits.low << 5) | static_cast<std::uint64_t>(kDecode[static_cast<unsigned char>(c)]);
  }
  return bits;
}

Bits successor(Bits bits) {
  if (++bits.low == 0) ++bits.high;
  return bits;
}

void fill_random(void* out, std::size_t size) {
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(at, size, 0);
    if (got < 0) {
      OG_CHECK(errno == EINTR);  // no other failure is possible on a kernel that has the call
      continue;
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

std::mutex last_mutex;
Bits last_made;  // Guarded by last_mutex.

}  // namespace

std::string new_ulid(const Clock& clock) { return new_ulid_after({}, clock); }

std::string new_ulid_after(std::string_view floor, const Clock& clock) {
  const auto milliseconds = static_cast<std::uint64_t>(clock.now_us() / 1000) & 0xffff'ffff'ffffu;
  const std::lock_guard lock(last_mutex);
  Bits least = last_made;
  if (is_ulid(floor)) least = std::max(least, bits_of(floor));
  Bits made;
  if (milliseconds > least.high >> 16) {
    std::uint16_t upper = 0;
    std::array<char, 10> random{};
    fill_random(random.data(), random.size());
    std::memcpy(&upper, random.data(), 2);
    std::memcpy(&made.low, random.data() + 2, 8);
    made.high = milliseconds << 16 | upper;
  } else {
    made = successor(least);
  }
  last_made = made;
  return text_of(made);
}

bool is_ulid(std::string_view text) {
  if (text.size() != kUlidSize || text.front() > '7') return false;
  for (const char c : text) {
    if (kDecode[static_cast<unsigned char>(c)] < 0) return false;
  }
  return true;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  fill_random(bytes.data(), count);
  return bytes;
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  fill_random(&value, sizeof value);
  return value;
}

}  // namespace omnigraph::base
