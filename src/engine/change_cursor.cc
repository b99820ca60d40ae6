#include "engine/change_cursor.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "engine/changes.h"

namespace omnigraph::engine {
namespace {

// The first field: what the token is, and the version of its fields.
constexpr std::string_view kFeedCursor = "cursor1";
constexpr std::string_view kFeedPage = "page1";
constexpr std::string_view kCommitPage = "commit1";
constexpr std::size_t kDigestBytes = 16;

using Fields = std::vector<std::string>;

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

std::string seal(const std::string& graph_id, const Fields& fields) {
  std::string payload;
  for (const std::string& field : fields) payload.append(payload.empty() ? "" : "\n").append(field);
  return url_safe(digest_of(graph_id, payload) + payload);
}

std::string_view name_of(std::string_view kind) {
  if (kind == kFeedCursor) return "a feed cursor";
  if (kind == kFeedPage) return "a page token of a poll";
  return kind == kCommitPage ? "a page token of a commit" : "of an unknown kind";
}

Result<Fields> open(const std::string& graph_id, std::string_view text, std::string_view kind, std::size_t count) {
  const Error malformed = cursor_rejected("it is malformed or was altered");
  if (text.size() > kCursorBytesMax) return std::unexpected(malformed);
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  const Result<std::string> bytes = base::base64_decode(standard);
  if (!bytes || bytes->size() <= kDigestBytes) return std::unexpected(malformed);
  // The same bytes in another spelling (padding, spare bits of the last digit) are no token of ours.
  if (url_safe(*bytes) != text) return std::unexpected(malformed);
  const std::string_view payload = std::string_view(*bytes).substr(kDigestBytes);
  if (digest_of(graph_id, payload) != std::string_view(*bytes).substr(0, kDigestBytes)) {
    return std::unexpected(cursor_rejected("it was altered, or made for another graph"));
  }
  Fields fields(1);
  for (const char c : payload) {
    if (c == '\n') {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  if (fields.front() != kind || fields.size() != count) {
    return std::unexpected(cursor_rejected("it is " + std::string(name_of(fields.front())) + ", not " +
                                           std::string(name_of(kind))));
  }
  return fields;
}

Result<std::uint64_t> number(const std::string& field) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (failed == std::errc() && end == field.data() + field.size()) return value;
  return std::unexpected(cursor_rejected("it is malformed"));
}

constexpr std::size_t kCursorFields = 6;

void append_cursor(Fields& fields, const FeedCursor& cursor) {
  fields.insert(fields.end(), {cursor.incarnation, cursor.filter, cursor.at.log, std::to_string(cursor.at.seq),
                               std::to_string(cursor.at.passed), cursor.at.commit_id});
}

Result<FeedCursor> read_cursor(const Fields& fields) {
  FeedCursor cursor{fields[1], fields[2], {}};
  cursor.at.log = fields[3];
  OG_ASSIGN_OR_RETURN(cursor.at.seq, number(fields[4]));
  OG_ASSIGN_OR_RETURN(const std::uint64_t passed, number(fields[5]));
  cursor.at.passed = static_cast<std::uint32_t>(passed);
  cursor.at.commit_id = fields[6];
  return cursor;
}

}  // namespace

Error cursor_rejected(const std::string& why) { return bad_request("change cursor rejected: " + why); }

std::string encode(const std::string& graph_id, const FeedCursor& cursor) {
  Fields fields{std::string(kFeedCursor)};
  append_cursor(fields, cursor);
  return seal(graph_id, fields);
}

std::string encode(const std::string& graph_id, const FeedPageToken& token) {
  Fields fields{std::string(kFeedPage)};
  append_cursor(fields, token.before);
  fields.insert(fields.end(), {std::to_string(token.cut_seq), std::to_string(token.commits_left), token.place.type_id,
                               std::to_string(token.place.done)});
  return seal(graph_id, fields);
}

std::string encode(const std::string& graph_id, const CommitPageToken& token) {
  return seal(graph_id, {std::string(kCommitPage), token.commit_id, token.filter, token.place.type_id,
                         std::to_string(token.place.done)});
}

Result<FeedCursor> decode_feed_cursor(const std::string& graph_id, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const Fields fields, open(graph_id, text, kFeedCursor, 1 + kCursorFields));
  return read_cursor(fields);
}

Result<FeedPageToken> decode_feed_page(const std::string& graph_id, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const Fields fields, open(graph_id, text, kFeedPage, 1 + kCursorFields + 4));
  FeedPageToken token;
  OG_ASSIGN_OR_RETURN(token.before, read_cursor(fields));
  OG_ASSIGN_OR_RETURN(token.cut_seq, number(fields[7]));
  OG_ASSIGN_OR_RETURN(token.commits_left, number(fields[8]));
  token.place.type_id = fields[9];
  OG_ASSIGN_OR_RETURN(token.place.done, number(fields[10]));
  return token;
}

Result<CommitPageToken> decode_commit_page(const std::string& graph_id, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const Fields fields, open(graph_id, text, kCommitPage, 5));
  CommitPageToken token{fields[1], fields[2], {fields[3], 0}};
  OG_ASSIGN_OR_RETURN(token.place.done, number(fields[4]));
  return token;
}

}  // namespace omnigraph::engine
