#include "engine/load_limits.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/json_writer.h"
#include "engine/load_parser.h"

namespace omnigraph::engine {
namespace {

std::uint64_t structural_slots(std::string_view line) {
  std::uint64_t slots = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    switch (c) {
      case '"': in_string = true; break;
      case '{':
      case '}':
      case '[':
      case ']':
      case ',':
      case ':': ++slots; break;
      default: break;
    }
  }
  return slots;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Length of a JSON number at the start of `text`, 0 if there is none; `integer`: without fraction and exponent.
std::size_t number_length(std::string_view text, bool& integer) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return 0;
  integer = true;
  if (at < text.size() && text[at] == '.') {
    integer = false;
    ++at;
    if (digits() == 0) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    integer = false;
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return 0;
  }
  return at;
}

bool is_wide(std::string_view number, bool integer) {
  if (!integer) return !std::isfinite(std::strtod(std::string(number).c_str(), nullptr));
  const char* end = number.data() + number.size();
  std::int64_t negative = 0;
  std::uint64_t positive = 0;
  const std::errc failed = number.front() == '-' ? std::from_chars(number.data(), end, negative).ec
                                                 : std::from_chars(number.data(), end, positive).ec;
  return failed == std::errc::result_out_of_range;
}

}  // namespace

Error resource_limit(std::string_view resource, std::uint64_t actual, std::uint64_t limit) {
  std::string detail;
  base::JsonWriter json(detail);
  json.begin_object().key("resource").string(resource).key("limit").unsigned_integer(limit);
  json.key("actual").unsigned_integer(actual).end_object();
  return with_detail(Error{Code::kResourceLimit, "resource limit exceeded for " + std::string(resource) + ": actual " +
                                                     std::to_string(actual) + ", limit " + std::to_string(limit)},
                     "resource_limit", std::move(detail));
}

Error line_too_long(std::uint64_t size_bytes) {
  return resource_limit("graph_batch_line_bytes", size_bytes, kLoadLineBytesMax);
}

Result<void> check_line_limits(std::string_view line) {
  if (line.size() > kLoadLineBytesMax) return std::unexpected(line_too_long(line.size()));
  if (line.size() < kLoadStructuralSlotsMax) return {};
  const std::uint64_t slots = structural_slots(line);
  if (slots <= kLoadStructuralSlotsMax) return {};
  return std::unexpected(resource_limit("graph_batch_json_structural_slots", slots, kLoadStructuralSlotsMax));
}

std::optional<std::string> mark_wide_numbers(std::string_view json) {
  std::string marked;
  bool any = false;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      marked += c;
      if (c == '\\' && i + 1 < json.size()) marked += json[++i];
      if (c == '"') in_string = false;
      continue;
    }
    bool integer = false;
    const std::size_t length = c == '-' || is_digit(c) ? number_length(json.substr(i), integer) : 0;
    if (length == 0) {
      in_string = c == '"';
      marked += c;
      // What only looks like a number goes whole, so that no part of it is taken for one.
      while (is_digit(c) && i + 1 < json.size() && is_digit(json[i + 1])) marked += json[++i];
      continue;
    }
    const std::string_view number = json.substr(i, length);
    if (is_wide(number, integer)) {
      any = true;
      base::append_json_string(marked, std::string(kWideNumberMark) + std::string(number));
    } else {
      marked += number;
    }
    i += length - 1;
  }
  return any ? std::optional(std::move(marked)) : std::nullopt;
}

}  // namespace omnigraph::engine
