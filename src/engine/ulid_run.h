// Many new ULIDs at the price of one: a random start, then each the successor of the one before.
// Not thread safe. Two runs meet with probability 2^-50 even after a billion ids each.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ulid.h"

namespace omnigraph::engine {

class UlidRun {
 public:
  UlidRun() : text_(base::new_ulid()) {
    const std::string random = base::random_bytes(kRandomDigits);
    for (std::size_t i = 0; i < kRandomDigits; ++i) digits_[i] = static_cast<std::uint8_t>(random[i]) & 31u;
    digits_[0] &= 15u;  // Room to count without a carry into the time.
    for (std::size_t i = 0; i < kRandomDigits; ++i) text_[kTimeDigits + i] = kAlphabet[digits_[i]];
  }

  // Valid until the next call.
  [[nodiscard]] std::string_view next() {
    for (std::size_t i = kRandomDigits; i-- > 0;) {
      digits_[i] = (digits_[i] + 1u) & 31u;
      text_[kTimeDigits + i] = kAlphabet[digits_[i]];
      if (digits_[i] != 0) break;
    }
    return text_;
  }

 private:
  static constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  static constexpr std::size_t kTimeDigits = 10, kRandomDigits = 16;
  std::string text_;
  std::array<std::uint8_t, kRandomDigits> digits_{};
};

}  // namespace omnigraph::engine
