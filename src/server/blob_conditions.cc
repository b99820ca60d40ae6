#include "server/blob_conditions.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "base/text.h"

namespace omnigraph::server {

namespace {

struct EntityTag {
  bool weak = false;
  std::string_view opaque;
};

struct TagList {
  bool any = false;  // *
  std::vector<EntityTag> tags;
};

// One entity tag at the front of `text`, which moves past it.
std::optional<EntityTag> take_tag(std::string_view& text) {
  EntityTag tag;
  if (text.starts_with("W/")) {
    tag.weak = true;
    text.remove_prefix(2);
  }
  if (!text.starts_with('"')) return std::nullopt;
  const std::size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = text.substr(1, end - 1);
  // etagc of RFC 9110: no spaces, controls or quotes.
  const bool legal = std::ranges::all_of(
      tag.opaque, [](char c) { return c == '!' || (c >= '#' && c != '\x7f') || static_cast<signed char>(c) < 0; });
  if (!legal) return std::nullopt;
  text.remove_prefix(end + 1);
  return tag;
}

// `*` or a list; nullopt: malformed. Several header lines are one list.
std::optional<TagList> tag_list(const std::vector<std::string_view>& lines) {
  TagList list;
  for (std::string_view line : lines) {
    line = base::trim_ascii(line);
    if (line == "*") {
      if (lines.size() != 1) return std::nullopt;
      list.any = true;
      return list;
    }
    while (!line.empty()) {
      if (line.front() == ',') {  // empty elements are allowed
        line = base::trim_ascii(line.substr(1));
        continue;
      }
      const auto tag = take_tag(line);
      if (!tag) return std::nullopt;
      list.tags.push_back(*tag);
      line = base::trim_ascii(line);
      if (!line.empty() && line.front() != ',') return std::nullopt;
    }
  }
  if (list.tags.empty()) return std::nullopt;
  return list;
}

bool strongly_matches(const TagList& list, std::string_view etag) {
  return list.any ||
         std::ranges::any_of(list.tags, [&](const EntityTag& tag) { return !tag.weak && tag.opaque == etag; });
}

bool weakly_matches(const TagList& list, std::string_view etag) {
  return list.any || std::ranges::any_of(list.tags, [&](const EntityTag& tag) { return tag.opaque == etag; });
}

// Digits only; a number beyond 64 bits counts as the largest.
std::optional<std::uint64_t> number_of(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

BlobVerdict part(std::uint64_t begin, std::uint64_t end, std::uint64_t size) {
  if (begin >= size) return {BlobVerdict::Kind::kUnsatisfiable, {begin, end}};
  return {BlobVerdict::Kind::kPart, {begin, std::min(end, size)}};
}

// A header that asks for nothing one can understand asks for everything.
BlobVerdict judge_range(const std::vector<std::string_view>& lines, std::uint64_t size) {
  const BlobVerdict whole{BlobVerdict::Kind::kWhole, {}};
  if (lines.size() != 1) return whole;
  const std::string_view line = base::trim_ascii(lines.front());
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos || !base::equals_ignore_ascii_case(line.substr(0, equals), "bytes"))
    return whole;
  const std::string_view spec = base::trim_ascii(line.substr(equals + 1));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return whole;
  const std::string_view first_text = spec.substr(0, dash), last_text = spec.substr(dash + 1);
  const auto first = number_of(first_text), last = number_of(last_text);
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (first_text.empty() && last) {  // the last n bytes
    if (*last == 0 || size == 0) return {BlobVerdict::Kind::kUnsatisfiable, {size, size}};
    return {BlobVerdict::Kind::kPart, {size - std::min(*last, size), size}};
  }
  if (!first || (!last && !last_text.empty())) return whole;
  if (!last) return part(*first, size, size);
  if (*first > *last) return whole;
  return part(*first, *last == kMax ? kMax : *last + 1, size);
}

}  // namespace

BlobVerdict judge_conditions(const HttpRequest& request, std::string_view etag, std::uint64_t size) {
  if (const auto lines = request.header_values("if-match"); !lines.empty()) {
    const auto list = tag_list(lines);
    if (!list || !strongly_matches(*list, etag)) return {BlobVerdict::Kind::kPreconditionFailed, {}};
  }
  if (const auto lines = request.header_values("if-none-match"); !lines.empty()) {
    const auto list = tag_list(lines);
    if (list && weakly_matches(*list, etag)) return {BlobVerdict::Kind::kNotModified, {}};
  }
  if (request.method == "HEAD") return {BlobVerdict::Kind::kHeadOnly, {}};
  const auto ranges = request.header_values("range");
  if (ranges.empty()) return {BlobVerdict::Kind::kWhole, {}};
  if (const auto lines = request.header_values("if-range"); !lines.empty()) {
    std::string current("\"");
    current.append(etag).push_back('"');
    if (lines.size() != 1 || base::trim_ascii(lines.front()) != current) return {BlobVerdict::Kind::kWhole, {}};
  }
  return judge_range(ranges, size);
}

}  // namespace omnigraph::server
