// Tokens that a consumer keeps and brings back: fields joined by line feeds, with a digest keyed by the graph, in
// URL-safe base64. No secret is at stake, a reader may know all of it; the digest tells a token that was altered or
// made for another graph. Errors: kBadRequest `change cursor rejected: ..`. Thread safety: free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::engine {

// What a token is for: its first field, which also tells the version of its fields.
enum class TokenKind : std::uint8_t { kFeedCursor, kFeedPage, kCommitPage, kDiffPage };

// No field contains a line feed.
using TokenFields = std::vector<std::string>;

[[nodiscard]] Error cursor_rejected(const std::string& why);

// `fields` without the kind.
[[nodiscard]] std::string seal_token(const std::string& graph_id, TokenKind kind, const TokenFields& fields);
// The fields of a token that seal_token() made for this graph, kind and number of fields.
[[nodiscard]] Result<TokenFields> open_token(const std::string& graph_id, TokenKind kind, std::size_t count,
                                             std::string_view text);
[[nodiscard]] Result<std::uint64_t> token_number(const std::string& field);

}  // namespace omnigraph::engine
