// Tokens of the `.pg` language (chapter 01 section 1). Keywords are contextual, so the lexer knows none.
// Thread safety: a Lexer is a pure function of its source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/source_text.h"

namespace omnigraph::schema {

using base::SourceSpan;

enum class TokenKind : std::uint8_t {
  kEnd,
  kTypeName,   // [A-Z][A-Za-z0-9_]*, keywords of types included
  kIdent,      // [a-z_][A-Za-z0-9_]*, other keywords included
  kEnumValue,  // only in enum mode
  kInt,        // digits
  kFloat,      // digits.digits
  kString,     // text holds the decoded value
  kPunct,      // one of  { } ( ) [ ] : , @ ? = -  or  -> ..
  kBad,        // text holds the complaint
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  SourceSpan span;
  std::string text;

  [[nodiscard]] bool is(std::string_view punct) const { return kind == TokenKind::kPunct && text == punct; }
  [[nodiscard]] bool is_word(std::string_view word) const {
    return (kind == TokenKind::kIdent || kind == TokenKind::kTypeName) && text == word;
  }
};

enum class LexMode : std::uint8_t {
  kDefault,
  kEnum,  // [A-Za-z0-9_-]+ is one value: 3d, close-friend, -1
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  // The token that starts at or after byte `offset`, white space and comments skipped.
  [[nodiscard]] Token next(std::size_t offset, LexMode mode = LexMode::kDefault) const;

 private:
  // Past white space and comments; `bad` is filled for an unterminated block comment.
  [[nodiscard]] std::size_t skip_blank(std::size_t offset, Token& bad) const;
  [[nodiscard]] Token string_token(std::size_t begin) const;
  [[nodiscard]] Token number_token(std::size_t begin) const;
  [[nodiscard]] Token punct_token(std::size_t begin) const;
  [[nodiscard]] Token token(TokenKind kind, std::size_t begin, std::size_t end) const;
  [[nodiscard]] char at(std::size_t offset) const { return offset < source_.size() ? source_[offset] : '\0'; }

  std::string_view source_;
};

// How a message names what was found: `'x'`, `end of file`.
[[nodiscard]] std::string describe(const Token& token);

}  // namespace omnigraph::schema
