#include "schema/lexer.h"

#include <algorithm>

#include "base/text.h"

namespace omnigraph::schema {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word_start(char c) { return is_upper(c) || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
bool is_enum_character(char c) { return is_word(c) || c == '-'; }

// The decoded character of `\c`, or '\0' if there is no such escape.
char unescape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

Token bad_token(std::size_t begin, std::size_t end, std::string complaint) {
  return {TokenKind::kBad, {begin, end}, std::move(complaint)};
}

}  // namespace

Token Lexer::token(TokenKind kind, std::size_t begin, std::size_t end) const {
  return {kind, {begin, end}, std::string(source_.substr(begin, end - begin))};
}

std::size_t Lexer::skip_blank(std::size_t offset, Token& bad) const {
  while (offset < source_.size()) {
    if (is_blank(source_[offset])) {
      ++offset;
    } else if (source_[offset] == '/' && at(offset + 1) == '/') {
      offset = std::min(source_.find('\n', offset), source_.size());
    } else if (source_[offset] == '/' && at(offset + 1) == '*') {
      const std::size_t close = source_.find("*/", offset + 2);
      if (close == std::string_view::npos) {
        bad = bad_token(offset, source_.size(), "unterminated comment");
        return source_.size();
      }
      offset = close + 2;
    } else {
      break;
    }
  }
  return offset;
}

Token Lexer::next(std::size_t offset, LexMode mode) const {
  Token bad;
  const std::size_t begin = skip_blank(offset, bad);
  if (bad.kind == TokenKind::kBad) return bad;
  if (begin >= source_.size()) return {TokenKind::kEnd, {source_.size(), source_.size()}, {}};

  const char c = source_[begin];
  const auto run_end = [&](auto&& belongs) {
    std::size_t end = begin;
    while (end < source_.size() && belongs(source_[end])) ++end;
    return end;
  };
  if (mode == LexMode::kEnum && is_enum_character(c)) {
    return token(TokenKind::kEnumValue, begin, run_end(is_enum_character));
  }
  if (is_word_start(c)) {
    return token(is_upper(c) ? TokenKind::kTypeName : TokenKind::kIdent, begin, run_end(is_word));
  }
  if (is_digit(c)) return number_token(begin);
  if (c == '"') return string_token(begin);
  return punct_token(begin);
}

Token Lexer::number_token(std::size_t begin) const {
  std::size_t end = begin;
  while (is_digit(at(end))) ++end;
  // `0..2` is a number and a range; only a digit after the dot makes a fraction.
  if (at(end) != '.' || !is_digit(at(end + 1))) return token(TokenKind::kInt, begin, end);
  ++end;
  while (is_digit(at(end))) ++end;
  return token(TokenKind::kFloat, begin, end);
}

Token Lexer::string_token(std::size_t begin) const {
  Token result{TokenKind::kString, {begin, begin + 1}, {}};
  // The first complaint is kept, but the string is read to its end so that what follows is judged as it is.
  Token bad;
  for (std::size_t i = begin + 1; i < source_.size(); ++i) {
    const char c = source_[i];
    if (c == '"') {
      result.span.end = i + 1;
      if (bad.kind != TokenKind::kBad) return result;
      bad.span = result.span;
      return bad;
    }
    if (c != '\\') {
      result.text += c;
      continue;
    }
    ++i;
    const char decoded = unescape(at(i));
    if (decoded == '\0' && bad.kind != TokenKind::kBad && i < source_.size()) {
      std::size_t end = i;
      base::next_code_point(source_, end);
      bad = bad_token(begin, end, "unsupported escape sequence: \\" + std::string(source_.substr(i, end - i)));
      i = end - 1;
    }
    result.text += decoded;
  }
  if (bad.kind == TokenKind::kBad) {
    bad.span.end = source_.size();
    return bad;
  }
  return bad_token(begin, source_.size(), "unterminated string");
}

Token Lexer::punct_token(std::size_t begin) const {
  const char c = source_[begin];
  if ((c == '-' && at(begin + 1) == '>') || (c == '.' && at(begin + 1) == '.')) {
    return token(TokenKind::kPunct, begin, begin + 2);
  }
  constexpr std::string_view kSingle = "{}()[]:,@?=-";
  if (kSingle.find(c) != std::string_view::npos) return token(TokenKind::kPunct, begin, begin + 1);
  std::size_t end = begin;
  base::next_code_point(source_, end);
  const std::string found(source_.substr(begin, end - begin));
  return bad_token(begin, end, c == '#' ? "unexpected '#'; comments start with //" : "unexpected '" + found + "'");
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd: return "end of file";
    case TokenKind::kString: return "a string";
    default: return "'" + token.text + "'";
  }
}

}  // namespace omnigraph::schema
