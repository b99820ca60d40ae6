#include "client/raw_json.h"

#include <nlohmann/json.hpp>

namespace omnigraph::client {

namespace {

// Just behind the string that begins at `at`.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// Just behind the compact value that begins at `at`.
std::size_t value_end(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;  // a literal ended by its container
      if (--depth == 0) return at + 1;
    }
    if (c == ',' && depth == 0) return at;
    ++at;
  }
  return at;
}

}  // namespace

std::optional<std::string> compact_json(std::string_view text) {
  if (!nlohmann::json::accept(text)) return std::nullopt;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark, which the parser skips too
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = string_end(text, at);
      out.append(text.substr(at, end - at));
      at = end;
      continue;
    }
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') out.push_back(c);
    ++at;
  }
  return out;
}

std::vector<std::pair<std::string, std::string_view>> json_members(std::string_view compact) {
  std::vector<std::pair<std::string, std::string_view>> members;
  if (!compact.starts_with('{')) return members;
  for (std::size_t at = 1; at < compact.size() && compact[at] == '"';) {
    const std::size_t key_end = string_end(compact, at);
    const std::size_t end = value_end(compact, key_end + 1);
    members.emplace_back(*json_string(compact.substr(at, key_end - at)),
                         compact.substr(key_end + 1, end - key_end - 1));
    at = end + 1;
  }
  return members;
}

std::string_view json_member(std::string_view compact, std::string_view key) {
  std::string_view found;
  for (const auto& [name, value] : json_members(compact)) {
    if (name == key) found = value;
  }
  return found;
}

std::vector<std::string_view> json_items(std::string_view compact) {
  std::vector<std::string_view> items;
  if (!compact.starts_with('[') || compact == "[]") return items;
  for (std::size_t at = 1; at < compact.size();) {
    const std::size_t end = value_end(compact, at);
    items.push_back(compact.substr(at, end - at));
    at = end + 1;
  }
  return items;
}

std::optional<std::string> json_string(std::string_view compact) {
  if (!compact.starts_with('"')) return std::nullopt;
  const std::string_view inner = compact.substr(1, compact.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return std::string(inner);
  return nlohmann::json::parse(compact).get<std::string>();
}

}  // namespace omnigraph::client
