// Code points as the analysis chain sees them (chapter 04 section 1.1, steps 0, 1, 3 and 6). Unicode 15.0.
// Thread safety: free functions, safe. Inner to this room.
#pragma once

#include <string>
#include <string_view>

namespace omnigraph::index {

// Alphabetic, or category Nd, Nl or No.
[[nodiscard]] bool is_word_character(char32_t code_point);

// NFC of `text`, or `text` itself when it is NFC for sure. The view is into `text` or `storage`.
// Text that is not UTF-8 comes back as it is.
[[nodiscard]] std::string_view to_nfc(std::string_view text, std::string& storage);

// Appends the full lower-case mapping, without locale or context.
void append_lower(std::string& out, char32_t code_point);

// Appends the ASCII folding of one code point; may append nothing.
void append_folded(std::string& out, char32_t code_point);

// Like base::next_code_point, but for any bytes: malformed ones give U+FFFD, one at a time.
[[nodiscard]] char32_t next_code_point_lossy(std::string_view text, std::size_t& offset);

}  // namespace omnigraph::index
