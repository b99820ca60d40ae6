// Tokens of `.gq` text (chapter 02 section 1, chapter 14 section 1). Keywords are contextual, so the lexer knows none
// of them. Thread safety: free function. Token::name borrows the source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/source_text.h"
#include "query/diagnostics.h"

namespace omnigraph::query {

enum class TokenKind : std::uint8_t {
  kEnd,
  kError,       // `text` says what is wrong; reading goes on behind it
  kVariable,    // $name; `name` without the $
  kIdentifier,  // [a-z_]..
  kTypeName,    // [A-Z]..
  kInteger,     // `integer`
  kFloat,       // `real`
  kString,      // `text`, escapes resolved
  kAnnotation,  // @name; `name` without the @
  kSymbol,      // `symbol`
};

enum class Symbol : std::uint8_t {
  kNone,
  kLeftBrace,
  kRightBrace,
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kColon,
  kComma,
  kDot,
  kQuestion,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
};
[[nodiscard]] std::string_view symbol_text(Symbol symbol);

struct Token {
  TokenKind kind = TokenKind::kEnd;
  base::SourceSpan span{};
  std::string_view name{};
  std::string text{};
  std::string help{};  // kError
  std::int64_t integer = 0;
  double real = 0;
  Symbol symbol = Symbol::kNone;
  bool needs_minus = false;  // kInteger 9223372036854775808: only behind a minus sign a number of 64 bits

  [[nodiscard]] bool is(Symbol wanted) const { return kind == TokenKind::kSymbol && symbol == wanted; }
  [[nodiscard]] bool is_word(std::string_view word) const { return kind == TokenKind::kIdentifier && name == word; }
};

// Always ends with one kEnd token. REQUIRES: valid UTF-8.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

}  // namespace omnigraph::query
