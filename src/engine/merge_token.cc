#include "engine/merge_token.h"

#include "engine/sealed_token.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kFields = 6;

}  // namespace

std::string encode_diff_page(const std::string& graph_id, const DiffPageToken& token) {
  return seal_token(graph_id, TokenKind::kDiffPage,
                    {token.source.branch, std::to_string(token.source.seq), token.target.branch,
                     std::to_string(token.target.seq), token.request, std::to_string(token.done)});
}

Result<DiffPageToken> decode_diff_page(const std::string& graph_id, std::string_view text, const std::string& request) {
  OG_ASSIGN_OR_RETURN(const TokenFields fields, open_token(graph_id, TokenKind::kDiffPage, kFields, text));
  if (fields[4] != request) {
    return std::unexpected(cursor_rejected("it belongs to other branches or another filter"));
  }
  DiffPageToken token;
  token.source.branch = fields[0];
  OG_ASSIGN_OR_RETURN(token.source.seq, token_number(fields[1]));
  token.target.branch = fields[2];
  OG_ASSIGN_OR_RETURN(token.target.seq, token_number(fields[3]));
  token.request = fields[4];
  OG_ASSIGN_OR_RETURN(token.done, token_number(fields[5]));
  return token;
}

}  // namespace omnigraph::engine
