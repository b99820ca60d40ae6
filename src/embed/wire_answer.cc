// Numbers are read from their text: one beyond F64 is infinite, which has an error of its own, and not an answer that
// cannot be decoded, as JSON parsers see it.
#include <simdjson.h>

#include <charconv>
#include <limits>
#include <optional>

#include "base/text.h"
#include "embed/limits.h"
#include "embed/normalize.h"
#include "embed/wire.h"

namespace omnigraph::embed {

namespace {

namespace ondemand = simdjson::ondemand;
using FoundVectors = std::vector<std::optional<std::vector<float>>>;

Error undecodable(std::string_view why) {
  return internal_error(std::string("embedding response decode failed: ").append(why));
}

Error undecodable(simdjson::error_code failed) { return undecodable(simdjson::error_message(failed)); }

Result<float> element_of(ondemand::value element) {
  const std::string_view token = base::trim_ascii(element.raw_json_token());
  double number = 0;
  const auto [end, failed] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (end != token.data() + token.size() || token.empty() || failed == std::errc::invalid_argument) {
    return std::unexpected(undecodable("a vector element is not a number"));
  }
  // Out of range is too large or too small; the exponent's sign tells.
  if (failed == std::errc::result_out_of_range) {
    const bool tiny = token.find("e-") != std::string_view::npos || token.find("E-") != std::string_view::npos;
    number = tiny ? 0 : std::numeric_limits<double>::infinity();
  }
  return static_cast<float>(number);
}

Result<std::vector<float>> numbers_of(ondemand::value list) {
  ondemand::array elements;
  if (const auto failed = list.get_array().get(elements)) return std::unexpected(undecodable(failed));
  std::vector<float> vector;
  for (auto element : elements) {
    ondemand::value item;
    if (const auto failed = element.get(item)) return std::unexpected(undecodable(failed));
    OG_ASSIGN_OR_RETURN(const float number, element_of(item));
    vector.push_back(number);
  }
  return vector;
}

// One item of OpenAI's `data`.
Result<void> read_openai_item(ondemand::object item, std::size_t position, FoundVectors& out) {
  std::uint64_t index = position;
  std::optional<std::vector<float>> vector;
  for (auto member : item) {
    std::string_view name;
    ondemand::value content;
    if (const auto failed = member.unescaped_key().get(name)) return std::unexpected(undecodable(failed));
    if (const auto failed = member.value().get(content)) return std::unexpected(undecodable(failed));
    if (name == "index") {
      if (const auto failed = content.get_uint64().get(index)) return std::unexpected(undecodable(failed));
    } else if (name == "embedding") {
      OG_ASSIGN_OR_RETURN(vector, numbers_of(content));
    }
  }
  if (vector && index < out.size()) out[index] = std::move(vector);
  return {};
}

// `{"values":[..]}`.
Result<void> read_gemini_item(ondemand::object item, std::size_t position, FoundVectors& out) {
  ondemand::value values;
  if (const auto failed = item.find_field_unordered("values").get(values)) {
    if (failed == simdjson::NO_SUCH_FIELD) return {};
    return std::unexpected(undecodable(failed));
  }
  OG_ASSIGN_OR_RETURN(std::vector<float> vector, numbers_of(values));
  if (position < out.size()) out[position] = std::move(vector);
  return {};
}

template <class ReadItem>
Result<void> read_items(ondemand::value list, const ReadItem& read_item, FoundVectors& out) {
  ondemand::array items;
  if (const auto failed = list.get_array().get(items)) return std::unexpected(undecodable(failed));
  std::size_t position = 0;
  for (auto element : items) {
    ondemand::object item;
    if (const auto failed = element.get_object().get(item)) return std::unexpected(undecodable(failed));
    OG_RETURN_IF_ERROR(read_item(item, position++, out));
  }
  return {};
}

Result<void> read_body(Wire wire, const simdjson::padded_string& body, FoundVectors& out) {
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object root;
  if (const auto failed = parser.iterate(body).get(document)) return std::unexpected(undecodable(failed));
  if (const auto failed = document.get_object().get(root)) return std::unexpected(undecodable(failed));
  const bool gemini = wire == Wire::kGemini;
  for (auto member : root) {
    std::string_view name;
    ondemand::value content;
    if (const auto failed = member.unescaped_key().get(name)) return std::unexpected(undecodable(failed));
    if (const auto failed = member.value().get(content)) return std::unexpected(undecodable(failed));
    if (!gemini && name == "data") OG_RETURN_IF_ERROR(read_items(content, read_openai_item, out));
    if (gemini && name == "embeddings") OG_RETURN_IF_ERROR(read_items(content, read_gemini_item, out));
    if (!gemini || name != "embedding") continue;
    ondemand::object item;
    if (const auto failed = content.get_object().get(item)) return std::unexpected(undecodable(failed));
    OG_RETURN_IF_ERROR(read_gemini_item(item, 0, out));
  }
  return {};
}

// At most `bytes_max` bytes of `text` without its keys: a key must not be cut before it is found.
std::string head_without_key(std::string_view text, std::string_view key, std::size_t bytes_max) {
  std::string out;
  while (!text.empty() && out.size() <= bytes_max) {
    const std::size_t wanted = bytes_max + 1 - out.size();
    const std::size_t at = key.empty() ? std::string_view::npos : text.substr(0, wanted + key.size()).find(key);
    if (at >= wanted) {
      out.append(text.substr(0, wanted));
      break;
    }
    out.append(text.substr(0, at)).append("***");
    text.remove_prefix(at + key.size());
  }
  if (out.size() <= bytes_max) return out;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0u) == 0x80u) --end;
  out.resize(end);
  return out;
}

}  // namespace

std::expected<std::vector<std::vector<float>>, BadAnswer> read_answer(Wire wire, std::string body,
                                                                      std::size_t text_count, std::uint32_t dimension) {
  FoundVectors found(text_count);
  try {
    if (auto decoded = read_body(wire, simdjson::padded_string(body), found); !decoded) {
      return std::unexpected(BadAnswer{std::move(decoded).error(), 0});
    }
  } catch (const std::exception& thrown) {  // simdjson throws where a caller missed an error
    return std::unexpected(BadAnswer{undecodable(thrown.what()), 0});
  }
  std::vector<std::vector<float>> vectors;
  vectors.reserve(text_count);
  for (std::size_t i = 0; i < text_count; ++i) {
    if (!found[i]) {
      return std::unexpected(
          BadAnswer{internal_error("embedding response missing data[" + std::to_string(i) + "]"), i});
    }
    if (auto unit = normalize(*found[i], dimension); !unit) {
      return std::unexpected(BadAnswer{std::move(unit).error(), i});
    }
    vectors.push_back(std::move(*found[i]));
  }
  return vectors;
}

std::string refusal_text(std::string_view body, std::string_view key) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string_view message;
  if (!parser.parse(body.data(), body.size()).get(document) &&
      !document["error"]["message"].get_string().get(message)) {
    return head_without_key(message, key, kRefusalBytesMax);
  }
  std::string shown = head_without_key(body, key, kRefusalBytesMax);
  return base::is_valid_utf8(shown) ? shown : "(a body that is not UTF-8)";
}

}  // namespace omnigraph::embed
