// Tokens of Cedar policies and Cedar schemas. White space and `//` comments separate tokens and are dropped.
// Errors: kBadRequest with the place. Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/source_text.h"

namespace omnigraph::policy::cedar {

enum class TokenKind : std::uint8_t {
  kIdentifier,
  kInteger,
  kString,  // text: with quotes and escapes as written
  kSlot,    // ?principal
  kSymbol,  // ( ) [ ] { } , ; : :: . @ == != < <= > >= && || ! + - * ? =
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  // of the source
  std::size_t offset = 0;
};

// The last token is kEnd. `source` must outlive the tokens.
[[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view source);

// The text of a kString token. kBadRequest: unknown or impossible escape.
[[nodiscard]] Result<std::string> unescape(std::string_view source, const Token& token);
// The literal pieces of a pattern, between its wildcards: `a*b` is {a, b}, `*` is two empty ones; `\*` is a star.
[[nodiscard]] Result<std::vector<std::string>> unescape_pattern(std::string_view source, const Token& token);

// kBadRequest with the message, its place as `(line L, column C)`, and the excerpt as context.
[[nodiscard]] Error mistake_at(std::string_view source, base::SourceSpan span, std::string message,
                               std::string_view help = {});
[[nodiscard]] inline base::SourceSpan span_of(const Token& token) {
  return {token.offset, token.offset + token.text.size()};
}
// For messages: `'permit'`, `the end of the text`.
[[nodiscard]] std::string shown(const Token& token);

}  // namespace omnigraph::policy::cedar
