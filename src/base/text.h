// UTF-8, base64, percent-encoding, display width, edit distance for suggestions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::base {

[[nodiscard]] bool is_valid_utf8(std::string_view text);
// Decodes the code point at `offset` and moves past it. REQUIRES: valid UTF-8, offset < size.
char32_t next_code_point(std::string_view text, std::size_t& offset);
void append_utf8(std::string& out, char32_t code_point);
[[nodiscard]] std::size_t code_point_count(std::string_view text);
[[nodiscard]] std::size_t display_width(std::string_view text);      // terminal columns; TAB counts 1
[[nodiscard]] std::string_view trim_unicode(std::string_view text);  // Unicode white space, both ends
[[nodiscard]] std::string_view trim_ascii(std::string_view text);
[[nodiscard]] std::string to_lower_ascii(std::string_view text);
[[nodiscard]] bool equals_ignore_ascii_case(std::string_view a, std::string_view b);

[[nodiscard]] std::string base64_encode(std::string_view bytes);         // standard alphabet, padded
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);  // strict: standard, padded

// Keeps ASCII letters, digits and the characters of `keep`; all other bytes become %XX (upper-case hex).
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view keep = "-_.~");
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);  // nullopt: bad escape

// Candidates close to `typed` (Levenshtein, at most a third of its length), all that tie for closest.
[[nodiscard]] std::vector<std::string> closest_matches(std::string_view typed, std::span<const std::string> candidates);
// "did you mean 'a'?" / "did you mean 'a' or 'b'?"; empty when there is nothing close.
[[nodiscard]] std::string did_you_mean(std::string_view typed, std::span<const std::string> candidates);

}  // namespace omnigraph::base
