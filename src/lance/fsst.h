// FSST string compression, the reading half: codes of one byte stand for symbols of up to 8 bytes; code 255 escapes
// one literal byte. Table: u64 header (high half "FSST", bit 24 = enabled, low byte = n), n x 8 symbol bytes, n
// lengths. Source: Boncz, Neumann, Leis, "FSST: Fast Random Access String Compression", VLDB 2020; chapter 10
// section 9.5. Thread safety: immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "lance/file_layout.h"

namespace omnigraph::lance {

class FsstDecoder {
 public:
  [[nodiscard]] static Result<FsstDecoder> parse(std::string_view table, const PagePlace& place);

  // decode() writes at most this many bytes, the last of them possibly garbage.
  [[nodiscard]] static std::size_t room_for(std::size_t code_bytes) { return code_bytes * 8 + 8; }
  // Returns the string's size, or nullopt for a code without a symbol or an escape at the end.
  [[nodiscard]] std::optional<std::size_t> decode(std::span<const std::byte> codes, std::byte* out) const;

 private:
  bool enabled_ = false;  // no: strings are stored as they are
  std::array<std::uint64_t, 256> symbols_{};
  std::array<std::uint8_t, 256> lengths_{};  // 0: no such code
};

}  // namespace omnigraph::lance
