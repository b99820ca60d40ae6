#include "engine/sealed_token.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hash.h"
#include "base/text.h"
#include "engine/changes.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kDigestBytes = 16;

struct KindName {
  std::string_view field, text;
};
constexpr std::array<KindName, 4> kKinds{{{"cursor1", "a feed cursor"},
                                          {"page1", "a page token of a poll"},
                                          {"commit1", "a page token of a commit"},
                                          {"diff1", "a page token of a diff"}}};

const KindName& name_of(TokenKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::string_view text_of(std::string_view field) {
  const auto found = std::ranges::find(kKinds, field, &KindName::field);
  return found == kKinds.end() ? "of an unknown kind" : found->text;
}

std::string digest_of(const std::string& graph_id, std::string_view payload) {
  std::string keyed = "omnigraph change token\n" + graph_id + "\n";
  keyed.append(payload);
  return base::sha256_raw(keyed).substr(0, kDigestBytes);
}

std::string url_safe(std::string_view bytes) {
  std::string text = base::base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

// The digest and what it seals.
Result<std::string> bytes_of(std::string_view text) {
  const Error malformed = cursor_rejected("it is malformed or was altered");
  if (text.size() > kCursorBytesMax) return std::unexpected(malformed);
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  Result<std::string> bytes = base::base64_decode(standard);
  if (!bytes || bytes->size() <= kDigestBytes) return std::unexpected(malformed);
  // The same bytes in another spelling (padding, spare bits of the last digit) are no token of ours.
  if (url_safe(*bytes) != text) return std::unexpected(malformed);
  return bytes;
}

TokenFields split(std::string_view payload) {
  TokenFields fields(1);
  for (const char c : payload) {
    if (c == '\n') {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  return fields;
}

}  // namespace

Error cursor_rejected(const std::string& why) { return bad_request("change cursor rejected: " + why); }

std::string seal_token(const std::string& graph_id, TokenKind kind, const TokenFields& fields) {
  std::string payload(name_of(kind).field);
  for (const std::string& field : fields) payload.append("\n").append(field);
  return url_safe(digest_of(graph_id, payload) + payload);
}

Result<TokenFields> open_token(const std::string& graph_id, TokenKind kind, std::size_t count, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const std::string bytes, bytes_of(text));
  const std::string_view payload = std::string_view(bytes).substr(kDigestBytes);
  if (digest_of(graph_id, payload) != std::string_view(bytes).substr(0, kDigestBytes)) {
    return std::unexpected(cursor_rejected("it was altered, or made for another graph"));
  }
  TokenFields fields = split(payload);
  if (fields.front() != name_of(kind).field || fields.size() != 1 + count) {
    return std::unexpected(
        cursor_rejected("it is " + std::string(text_of(fields.front())) + ", not " + std::string(name_of(kind).text)));
  }
  fields.erase(fields.begin());
  return fields;
}

Result<std::uint64_t> token_number(const std::string& field) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (failed == std::errc() && end == field.data() + field.size()) return value;
  return std::unexpected(cursor_rejected("it is malformed"));
}

}  // namespace omnigraph::engine
