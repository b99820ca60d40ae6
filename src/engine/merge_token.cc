#include "engine/merge_token.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/hash.h"
#include "base/text.h"

namespace omnigraph::engine {
namespace {

constexpr std::string_view kName = "diff1";
constexpr std::size_t kDigestBytes = 16;
constexpr std::size_t kTokenBytesMax = 4096;
constexpr std::size_t kFields = 7;

std::string digest_of(const std::string& graph_id, std::string_view payload) {
  std::string keyed = "omnigraph diff token\n" + graph_id + "\n";
  return base::sha256_raw(keyed.append(payload)).substr(0, kDigestBytes);
}

Error rejected(const std::string& why) { return bad_request("change cursor rejected: " + why); }

bool read_number(const std::string& field, std::uint64_t& value) {
  const auto [end, failed] = std::from_chars(field.data(), field.data() + field.size(), value);
  return failed == std::errc() && end == field.data() + field.size();
}

}  // namespace

std::string encode_diff_page(const std::string& graph_id, const DiffPageToken& token) {
  std::string payload(kName);
  for (const std::string& field : {token.source.branch, std::to_string(token.source.seq), token.target.branch,
                                   std::to_string(token.target.seq), token.request, std::to_string(token.done)}) {
    payload.append("\n").append(field);
  }
  std::string text = base::base64_encode(digest_of(graph_id, payload) + payload);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

Result<DiffPageToken> decode_diff_page(const std::string& graph_id, std::string_view text, const std::string& request) {
  const Error malformed = rejected("it is malformed, was altered, or is no page token of a diff of this graph");
  if (text.size() > kTokenBytesMax || text.find_first_of("+/=") != std::string_view::npos) {
    return std::unexpected(malformed);
  }
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  const Result<std::string> bytes = base::base64_decode(standard);
  if (!bytes || bytes->size() <= kDigestBytes) return std::unexpected(malformed);
  const std::string_view payload = std::string_view(*bytes).substr(kDigestBytes);
  if (digest_of(graph_id, payload) != std::string_view(*bytes).substr(0, kDigestBytes)) {
    return std::unexpected(malformed);
  }
  std::vector<std::string> fields(1);
  for (const char c : payload) {
    if (c == '\n') {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  if (fields.size() != kFields || fields[0] != kName) return std::unexpected(malformed);
  if (fields[5] != request) {
    return std::unexpected(rejected("it belongs to other branches or another filter"));
  }
  DiffPageToken token;
  token.source.branch = fields[1];
  token.target.branch = fields[3];
  token.request = fields[5];
  if (!read_number(fields[2], token.source.seq) || !read_number(fields[4], token.target.seq) ||
      !read_number(fields[6], token.done)) {
    return std::unexpected(malformed);
  }
  return token;
}

}  // namespace omnigraph::engine
