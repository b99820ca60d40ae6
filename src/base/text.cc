#include "base/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace omnigraph::base {
namespace {

// Length in bytes of the valid sequence at `offset`, 0 if there is none. Source: Unicode 15, table 3-7.
std::size_t sequence_length(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[offset + i]); };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const std::size_t left = text.size() - offset;
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return left >= 2 && continues(1) ? 2 : 0;
  if (first < 0xf0) {
    if (left < 3 || !continues(1) || !continues(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;   // overlong
    if (first == 0xed && byte(1) >= 0xa0) return 0;  // surrogate
    return 3;
  }
  if (first > 0xf4 || left < 4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;   // overlong
  if (first == 0xf4 && byte(1) >= 0x90) return 0;  // above U+10FFFF
  return 4;
}

// Unicode property White_Space.
bool is_unicode_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::string_view kBase64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_base64_table() {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kBase64Alphabet.size(); ++i) {
    table[static_cast<unsigned char>(kBase64Alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}
constexpr auto kBase64Value = make_base64_table();

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Code points; a byte that is not UTF-8 stands for itself.
std::u32string decode(std::string_view text) {
  std::u32string points;
  for (std::size_t at = 0; at < text.size();) {
    if (sequence_length(text, at) == 0) {
      points += static_cast<unsigned char>(text[at++]);
    } else {
      points += next_code_point(text, at);
    }
  }
  return points;
}

// Levenshtein distance, or `limit` + 1 when it is larger.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b, std::size_t limit) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    std::size_t least = row[0];
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return row.back();
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      if ((word & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t length = sequence_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

char32_t next_code_point(std::string_view text, std::size_t& offset) {
  const auto take = [&]() -> char32_t { return static_cast<unsigned char>(text[offset++]); };
  const char32_t first = take();
  if (first < 0x80) return first;
  int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  char32_t point = first & (0x3fu >> more);
  for (; more > 0 && offset < text.size(); --more) point = point << 6 | (take() & 0x3fu);
  return point;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

std::size_t code_point_count(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\t' || (c >= ' ' && c <= '~') || sequence_length(text, at) == 0) {
      ++width;
      ++at;
      continue;
    }
    width += static_cast<std::size_t>(
        std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(next_code_point(text, at)))));
  }
  return width;
}

std::string_view trim_unicode(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && sequence_length(text, begin) > 0) {
    std::size_t next = begin;
    if (!is_unicode_space(next_code_point(text, next))) break;
    begin = next;
  }
  text.remove_prefix(begin);
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && text.size() - last < 4 && (static_cast<unsigned char>(text[last]) & 0xc0u) == 0x80u) --last;
    if (sequence_length(text, last) != text.size() - last) break;
    std::size_t at = last;
    if (!is_unicode_space(next_code_point(text, at))) break;
    text = text.substr(0, last);
  }
  return text;
}

std::string_view trim_ascii(std::string_view text) {
  while (!text.empty() && is_ascii_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string to_lower_ascii(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), lower_ascii);
  return lower;
}

bool equals_ignore_ascii_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_ascii, lower_ascii);
}

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kBase64Alphabet[group >> (18 - 6 * j) & 63u] : '=';
    }
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::unexpected(
        bad_request("length " + std::to_string(text.size()) + " is not a multiple of 4; padding with '=' is required"));
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  const std::size_t digit_count = text.size() - padding;
  for (std::size_t i = 0; i < digit_count; ++i) {
    const std::int8_t value = kBase64Value[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::unexpected(bad_request("invalid byte at offset " + std::to_string(i)));
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (i % 4 == 3) {
      bytes += static_cast<char>(group >> 16 & 255u);
      bytes += static_cast<char>(group >> 8 & 255u);
      bytes += static_cast<char>(group & 255u);
      group = 0;
    }
  }
  if (padding == 0) return bytes;
  // The last digit carries 2 or 4 bits that belong to no byte; other than zero they would give one value two spellings.
  const unsigned spare_bits = padding == 1 ? 2 : 4;
  if ((group & ((1u << spare_bits) - 1)) != 0) {
    return std::unexpected(bad_request("stray bits in the last symbol at offset " + std::to_string(digit_count - 1)));
  }
  group >>= spare_bits;
  if (padding == 1) bytes += static_cast<char>(group >> 8 & 255u);
  bytes += static_cast<char>(group & 255u);
  return bytes;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || keep.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::vector<std::string> closest_matches(std::string_view typed, std::span<const std::string> candidates) {
  const std::u32string points = decode(typed);
  std::size_t best = points.size() / 3;
  std::vector<std::string> matches;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(points, decode(candidate), best);
    if (distance > best) continue;
    if (distance < best) matches.clear();
    best = distance;
    if (std::ranges::find(matches, candidate) == matches.end()) matches.push_back(candidate);
  }
  return matches;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> candidates) {
  const std::vector<std::string> matches = closest_matches(typed, candidates);
  if (matches.empty()) return {};
  std::string text = "did you mean ";
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (i > 0) text += i + 1 == matches.size() ? " or " : ", ";
    text += '\'';
    text += matches[i];
    text += '\'';
  }
  text += '?';
  return text;
}

}  // namespace omnigraph::base
