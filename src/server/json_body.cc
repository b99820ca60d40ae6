#include "server/json_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/phase_clock.h"
#include "base/text.h"

namespace omnigraph::server {

struct JsonBody::State {
  nlohmann::json json;
  std::string text;
  std::string prefix;
};

namespace {

// Deeper nesting is refused before the parser recurses on it.
constexpr int kDepthMax = 128;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// `line 2, column 7` of the byte where reading stopped, counted from 1; columns are code points.
std::string place_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte == 0 ? 0 : std::min(byte - 1, text.size()));
  if (base::trim_ascii(text).empty()) return "its end: the body is empty";
  const std::size_t line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const std::size_t column = 1 + base::code_point_count(before.substr(start));
  return "line " + std::to_string(line) + ", column " + std::to_string(column) +
         (byte > text.size() ? ": it ends too early" : "");
}

// End of the JSON value that begins at `at`. REQUIRES: valid JSON.
std::size_t value_end(std::string_view text, std::size_t at) {
  int depth = 0;
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
      return at;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return at;
}

}  // namespace

JsonBody::JsonBody(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonBody::~JsonBody() = default;
JsonBody::JsonBody(JsonBody&&) noexcept = default;
JsonBody& JsonBody::operator=(JsonBody&&) noexcept = default;

Error JsonBody::refuse(const std::string& why) const { return bad_request(state_->prefix + why); }

Result<JsonBody> JsonBody::parse(std::string_view text, std::string prefix) {
  const base::PhaseClock::In phase(base::Phase::kParse);
  auto state = std::make_unique<State>();
  state->prefix = std::move(prefix);
  if (!base::is_valid_utf8(text)) return std::unexpected(bad_request(state->prefix + "the body is not valid UTF-8"));
  if (too_deep(text)) return std::unexpected(bad_request(state->prefix + "nested deeper than 128 levels"));
  try {
    state->json = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    return std::unexpected(bad_request(state->prefix + "not valid JSON at " + place_of(text, error.byte)));
  } catch (const nlohmann::json::exception&) {
    return std::unexpected(bad_request(state->prefix + "a number is out of range"));
  }
  state->text = text;
  if (!state->json.is_object()) return std::unexpected(bad_request(state->prefix + "expected a JSON object"));
  return JsonBody(std::move(state));
}

bool JsonBody::has(std::string_view name) const {
  const auto at = state_->json.find(name);
  return at != state_->json.end() && !at->is_null();
}

Result<std::optional<std::string>> JsonBody::string(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const auto& value = *state_->json.find(name);
  if (!value.is_string()) return std::unexpected(refuse("field `" + std::string(name) + "` must be a string"));
  return value.get<std::string>();
}

Result<std::string> JsonBody::required_string(std::string_view name) const {
  OG_ASSIGN_OR_RETURN(auto value, string(name));
  if (!value) return std::unexpected(refuse("missing field `" + std::string(name) + "`"));
  return std::move(*value);
}

Result<std::optional<bool>> JsonBody::boolean(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const auto& value = *state_->json.find(name);
  if (!value.is_boolean()) return std::unexpected(refuse("field `" + std::string(name) + "` must be true or false"));
  return value.get<bool>();
}

Result<std::vector<std::string>> JsonBody::strings(std::string_view name) const {
  std::vector<std::string> out;
  if (!has(name)) return out;
  const auto& value = *state_->json.find(name);
  const bool strings =
      value.is_array() && std::ranges::all_of(value, [](const auto& item) { return item.is_string(); });
  if (!strings) return std::unexpected(refuse("field `" + std::string(name) + "` must be an array of strings"));
  for (const auto& item : value) out.push_back(item.template get<std::string>());
  return out;
}

std::string JsonBody::json(std::string_view name) const {
  // The text as it was sent: a parsed number has lost digits beyond 64 bits, and callers judge them.
  const std::string_view text = state_->text;
  std::string found;
  for (std::size_t at = text.find('{') + 1; at < text.size();) {
    const std::size_t quote = text.find('"', at);
    if (quote == std::string_view::npos) break;
    std::size_t quote_end = quote + 1;
    while (text[quote_end] != '"') quote_end += text[quote_end] == '\\' ? 2 : 1;
    const std::size_t begin = text.find(':', quote_end) + 1;
    const std::size_t end = value_end(text, begin);
    if (nlohmann::json::parse(text.substr(quote, quote_end + 1 - quote)).get<std::string>() == name) {
      found = text.substr(begin, end - begin);
    }
    at = end + 1;
  }
  return found;
}

Result<void> JsonBody::only(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : state_->json.items()) {
    if (std::ranges::find(known, name) == known.end()) return std::unexpected(refuse("unknown field `" + name + "`"));
  }
  return {};
}

}  // namespace omnigraph::server
