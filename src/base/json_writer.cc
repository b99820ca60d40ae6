#include "base/json_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/number_text.h"

namespace omnigraph::base {
namespace {

constexpr std::array<bool, 256> make_escape_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}
constexpr auto kNeedsEscape = make_escape_table();

// Whether one of eight bytes needs an escape; most texts have none. Bytes below a limit and zero bytes of a word at
// once: Warren, "Hacker's Delight", section 6-1. Bytes above a hit may be reported falsely, never missed.
bool any_needs_escape(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  constexpr std::uint64_t kHighs = 0x8080'8080'8080'8080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  const auto has_zero = [](std::uint64_t w) { return (w - kOnes) & ~w & kHighs; };
  const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return (control | has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\'))) != 0;
}

void append_escape(std::string& out, unsigned char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '\\';
  switch (c) {
    case '"': out += '"'; return;
    case '\\': out += '\\'; return;
    case '\b': out += 'b'; return;
    case '\f': out += 'f'; return;
    case '\n': out += 'n'; return;
    case '\r': out += 'r'; return;
    case '\t': out += 't'; return;
    default:
      out += "u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
  }
}

void append_newline(std::string& out, std::size_t level, int indent) {
  out += '\n';
  out.append(level * static_cast<std::size_t>(indent), ' ');
}

bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Position behind the string literal that starts at `at`.
std::size_t string_end(std::string_view json, std::size_t at) {
  ++at;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return std::min(at + 1, json.size());
}

// Copies one JSON value with new white space; lines after the first stand at `level` and deeper.
void append_indented(std::string& out, std::string_view json, std::size_t level, int indent) {
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '"') {
      const std::size_t end = string_end(json, at);
      out += json.substr(at, end - at);
      at = end;
      continue;
    }
    ++at;
    if (is_json_space(c)) continue;
    if (c == '{' || c == '[') {
      out += c;
      while (at < json.size() && is_json_space(json[at])) ++at;
      if (at < json.size() && (json[at] == '}' || json[at] == ']')) {
        out += json[at++];
      } else {
        append_newline(out, ++level, indent);
      }
    } else if (c == '}' || c == ']') {
      append_newline(out, --level, indent);
      out += c;
    } else if (c == ',') {
      out += c;
      append_newline(out, level, indent);
    } else if (c == ':') {
      out += ": ";
    } else {
      out += c;
    }
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (i + 8 <= text.size() && !any_needs_escape(text.data() + i)) i += 8;
    // The end once more with some of what was seen before it.
    const bool at_end = i + 8 > text.size() && text.size() >= 8;
    if (i == text.size() || (at_end && !any_needs_escape(text.data() + text.size() - 8))) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kNeedsEscape[c]) continue;
    out.append(text, copied, i - copied);
    append_escape(out, c);
    copied = i + 1;
  }
  out.append(text, copied, text.size() - copied);
  out += '"';
}

void JsonWriter::newline() {
  if (indent_ > 0) append_newline(out_, levels_.size(), indent_);
}

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (levels_.empty()) return;
  if (levels_.back().count++ > 0) out_ += ',';
  newline();
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  out_ += '{';
  levels_.push_back({.array = false, .count = 0});
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  const bool had_members = levels_.back().count > 0;
  levels_.pop_back();
  if (had_members) newline();
  out_ += '}';
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  out_ += '[';
  levels_.push_back({.array = true, .count = 0});
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  const bool had_items = levels_.back().count > 0;
  levels_.pop_back();
  if (had_items) newline();
  out_ += ']';
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  before_value();
  append_json_string(out_, name);
  out_ += ':';
  if (indent_ > 0) out_ += ' ';
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
  before_value();
  append_json_string(out_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  before_value();
  append_int(out_, value);
  return *this;
}

JsonWriter& JsonWriter::unsigned_integer(std::uint64_t value) {
  before_value();
  append_uint(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  before_value();
  append_json_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  before_value();
  if (indent_ > 0) {
    append_indented(out_, json, levels_.size(), indent_);
  } else {
    out_ += json;
  }
  return *this;
}

void append_json_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    append_double(out, value);
  } else if (std::isnan(value)) {
    out += "\"NaN\"";
  } else {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  }
}

std::string pretty_json(std::string_view compact) {
  std::string out;
  out.reserve(compact.size() + compact.size() / 2);
  append_indented(out, compact, 0, 2);
  return out;
}

}  // namespace omnigraph::base
