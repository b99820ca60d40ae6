#include "engine/change_cursor.h"

#include "engine/sealed_token.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kCursorFields = 6;
constexpr std::size_t kFeedPageFields = kCursorFields + 4;
constexpr std::size_t kCommitPageFields = 4;

void append_cursor(TokenFields& fields, const FeedCursor& cursor) {
  fields.insert(fields.end(), {cursor.incarnation, cursor.filter, cursor.at.log, std::to_string(cursor.at.seq),
                               std::to_string(cursor.at.passed), cursor.at.commit_id});
}

Result<FeedCursor> read_cursor(const TokenFields& fields) {
  FeedCursor cursor{fields[0], fields[1], {}};
  cursor.at.log = fields[2];
  OG_ASSIGN_OR_RETURN(cursor.at.seq, token_number(fields[3]));
  OG_ASSIGN_OR_RETURN(const std::uint64_t passed, token_number(fields[4]));
  cursor.at.passed = static_cast<std::uint32_t>(passed);
  cursor.at.commit_id = fields[5];
  return cursor;
}

}  // namespace

std::string encode(const std::string& graph_id, const FeedCursor& cursor) {
  TokenFields fields;
  append_cursor(fields, cursor);
  return seal_token(graph_id, TokenKind::kFeedCursor, fields);
}

std::string encode(const std::string& graph_id, const FeedPageToken& token) {
  TokenFields fields;
  append_cursor(fields, token.before);
  fields.insert(fields.end(), {std::to_string(token.cut_seq), std::to_string(token.commits_left), token.place.type_id,
                               std::to_string(token.place.done)});
  return seal_token(graph_id, TokenKind::kFeedPage, fields);
}

std::string encode(const std::string& graph_id, const CommitPageToken& token) {
  return seal_token(graph_id, TokenKind::kCommitPage,
                    {token.commit_id, token.filter, token.place.type_id, std::to_string(token.place.done)});
}

Result<FeedCursor> decode_feed_cursor(const std::string& graph_id, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const TokenFields fields, open_token(graph_id, TokenKind::kFeedCursor, kCursorFields, text));
  return read_cursor(fields);
}

Result<FeedPageToken> decode_feed_page(const std::string& graph_id, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const TokenFields fields, open_token(graph_id, TokenKind::kFeedPage, kFeedPageFields, text));
  FeedPageToken token;
  OG_ASSIGN_OR_RETURN(token.before, read_cursor(fields));
  OG_ASSIGN_OR_RETURN(token.cut_seq, token_number(fields[kCursorFields]));
  OG_ASSIGN_OR_RETURN(token.commits_left, token_number(fields[kCursorFields + 1]));
  token.place.type_id = fields[kCursorFields + 2];
  OG_ASSIGN_OR_RETURN(token.place.done, token_number(fields[kCursorFields + 3]));
  return token;
}

Result<CommitPageToken> decode_commit_page(const std::string& graph_id, std::string_view text) {
  OG_ASSIGN_OR_RETURN(const TokenFields fields, open_token(graph_id, TokenKind::kCommitPage, kCommitPageFields, text));
  CommitPageToken token{fields[0], fields[1], {fields[2], 0}};
  OG_ASSIGN_OR_RETURN(token.place.done, token_number(fields[3]));
  return token;
}

}  // namespace omnigraph::engine
