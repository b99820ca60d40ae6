// A cursor over the tokens of one text, with the steps every recursive descent parser needs and a guard against deep
// nesting. Not thread safe.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/cedar_lexer.h"
#include "policy/limits.h"

namespace omnigraph::policy::cedar {

class TokenStream {
 public:
  // `source` must outlive the stream; `tokens` are of it and end with kEnd.
  TokenStream(std::string_view source, std::vector<Token> tokens) : source_(source), tokens_(std::move(tokens)) {}

  [[nodiscard]] std::string_view source() const { return source_; }
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  Token take() {
    const Token token = peek();
    if (token.kind != TokenKind::kEnd) ++at_;
    return token;
  }
  [[nodiscard]] std::size_t previous_end() const { return at_ == 0 ? 0 : span_of(tokens_[at_ - 1]).end; }

  [[nodiscard]] bool at_end() const { return peek().kind == TokenKind::kEnd; }
  [[nodiscard]] bool at_symbol(std::string_view symbol, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kSymbol && peek(ahead).text == symbol;
  }
  [[nodiscard]] bool at_word(std::string_view word, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kIdentifier && peek(ahead).text == word;
  }
  bool accept(std::string_view symbol) { return at_symbol(symbol) && (++at_, true); }
  bool accept_word(std::string_view word) { return at_word(word) && (++at_, true); }
  [[nodiscard]] Result<void> expect(std::string_view symbol) {
    if (accept(symbol)) return {};
    return std::unexpected(expected(std::string("'").append(symbol).append("'")));
  }
  [[nodiscard]] Result<void> expect_word(std::string_view word) {
    if (accept_word(word)) return {};
    return std::unexpected(expected(std::string("'").append(word).append("'")));
  }
  [[nodiscard]] Result<std::string> identifier(std::string_view what) {
    if (peek().kind == TokenKind::kIdentifier) return std::string(take().text);
    return std::unexpected(expected(what));
  }
  [[nodiscard]] Result<std::string> string(std::string_view what) {
    if (peek().kind != TokenKind::kString) return std::unexpected(expected(what));
    return unescape(source_, take());
  }

  // `expected <what>, found <token>` at the current token.
  [[nodiscard]] Error expected(std::string_view what) const {
    return mistake(std::string("expected ").append(what).append(", found ").append(shown(peek())));
  }
  [[nodiscard]] Error mistake(std::string message) const {
    return mistake_at(source_, span_of(peek()), std::move(message));
  }
  // Behind the next `symbol`, or at the end.
  void skip_behind(std::string_view symbol) {
    while (!at_end() && !accept(symbol)) ++at_;
  }

  // One level of nesting for as long as it lives; check_depth() before going further down.
  class Level {
   public:
    explicit Level(TokenStream& stream) : stream_(stream) { ++stream_.depth_; }
    ~Level() { --stream_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    TokenStream& stream_;
  };
  [[nodiscard]] Result<void> check_depth() const {
    if (depth_ <= kNestingMax) return {};
    return std::unexpected(mistake("nested more than " + std::to_string(kNestingMax) + " levels deep"));
  }

 private:
  std::string_view source_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

// What `Parser`, made of a text and its tokens, reads of the whole text.
template <class Parser>
[[nodiscard]] auto parsed_by(std::string_view source) -> decltype(std::declval<Parser&>().run()) {
  OG_ASSIGN_OR_RETURN(auto tokens, tokenize(source));
  return Parser(source, std::move(tokens)).run();
}

}  // namespace omnigraph::policy::cedar
