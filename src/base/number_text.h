// Numbers as text, as the contract writes them.
#pragma once

#include <cstdint>
#include <string>

namespace omnigraph::base {

// Shortest text that round-trips and always has '.' or an exponent: 30.0, 0.1, 1e21, -0.0.
// REQUIRES: finite. An F32 is widened first (0.1f -> 0.10000000149011612).
void append_double(std::string& out, double value);
// Shortest round-trip text at the stored width, positional, no exponent, no trailing ".0": 1, 0.1, 0.0000001;
// both zeros "0". For canonical ids (chapter 01 section 6). REQUIRES: finite.
[[nodiscard]] std::string canonical_float(double value);
[[nodiscard]] std::string canonical_float(float value);
void append_int(std::string& out, std::int64_t value);
void append_uint(std::string& out, std::uint64_t value);

}  // namespace omnigraph::base
