#include "policy/cedar_lexer.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "policy/cedar_characters.h"

namespace omnigraph::policy::cedar {

namespace {

bool starts_identifier(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool continues_identifier(char c) { return starts_identifier(c) || is_digit(c); }

// Longer symbols first.
constexpr std::array<std::string_view, 26> kSymbols = {"::", "==", "!=", "<=", ">=", "&&", "||", "(", ")",
                                                       "[",  "]",  "{",  "}",  ",",  ";",  ":",  ".", "@",
                                                       "<",  ">",  "!",  "+",  "-",  "*",  "?",  "="};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    for (;;) {
      skip_blank();
      if (at_ == source_.size()) break;
      OG_ASSIGN_OR_RETURN(const Token token, next());
      tokens_.push_back(token);
      at_ += token.text.size();
    }
    tokens_.push_back({TokenKind::kEnd, source_.substr(at_), at_});
    return std::move(tokens_);
  }

 private:
  void skip_blank() {
    for (;;) {
      const std::string_view rest = source_.substr(at_);
      if (rest.starts_with("//")) {
        at_ += std::min(rest.size(), rest.find('\n'));
      } else if (const std::size_t blank = blank_size(rest); blank > 0) {
        at_ += blank;
      } else {
        return;
      }
    }
  }

  // Bytes of the white space character `rest` starts with.
  static std::size_t blank_size(std::string_view rest) {
    if (rest.empty()) return 0;
    if (rest.front() == ' ' || (rest.front() >= '\t' && rest.front() <= '\r')) return 1;
    if (static_cast<unsigned char>(rest.front()) < 0x80) return 0;
    std::size_t end = 0;
    base::next_code_point(rest, end);
    return base::trim_unicode(rest.substr(0, end)).empty() ? end : 0;
  }

  Result<Token> next() {
    const std::string_view rest = source_.substr(at_);
    const char c = rest.front();
    if (c == '"') return string(rest);
    if (is_digit(c)) return token(TokenKind::kInteger, rest, run_length(rest, is_digit));
    if (starts_identifier(c)) return token(TokenKind::kIdentifier, rest, run_length(rest, continues_identifier));
    if (c == '?' && rest.size() > 1 && starts_identifier(rest[1])) {
      return token(TokenKind::kSlot, rest, 1 + run_length(rest.substr(1), continues_identifier));
    }
    for (const std::string_view symbol : kSymbols) {
      if (rest.starts_with(symbol)) return token(TokenKind::kSymbol, rest, symbol.size());
    }
    std::size_t end = 0;
    base::next_code_point(rest, end);
    return std::unexpected(mistake_at(source_, {at_, at_ + end}, "unexpected character"));
  }

  [[nodiscard]] Token token(TokenKind kind, std::string_view rest, std::size_t size) const {
    return {kind, rest.substr(0, size), at_};
  }

  static std::size_t run_length(std::string_view rest, bool (*accepts)(char)) {
    return static_cast<std::size_t>(std::ranges::find_if_not(rest, accepts) - rest.begin());
  }

  Result<Token> string(std::string_view rest) const {
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '"') return token(TokenKind::kString, rest, i + 1);
      if (rest[i] == '\\') ++i;
    }
    return std::unexpected(mistake_at(source_, {at_, at_ + 1}, "string without a closing quote"));
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

// Reads the inside of a string token, escape by escape.
class Unescaper {
 public:
  Unescaper(std::string_view source, const Token& token) : source_(source), token_(token) {
    rest_ = token.text.substr(1, token.text.size() - 2);
  }

  // Pieces between unescaped stars when `pattern`, else one.
  Result<std::vector<std::string>> run(bool pattern) {
    std::vector<std::string> pieces(1);
    while (!rest_.empty()) {
      const char c = take();
      if (c == '*' && pattern) {
        pieces.emplace_back();
      } else if (c != '\\') {
        pieces.back().push_back(c);
      } else if (pattern && rest_.starts_with('*')) {
        pieces.back().push_back(take());
      } else {
        OG_RETURN_IF_ERROR(escape(pieces.back()));
      }
    }
    return pieces;
  }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  Result<void> escape(std::string& out) {
    const char c = take();  // the lexer let no string end in a backslash
    switch (c) {
      case 'n': out.push_back('\n'); return {};
      case 'r': out.push_back('\r'); return {};
      case 't': out.push_back('\t'); return {};
      case '0': out.push_back('\0'); return {};
      case '\\':
      case '\'':
      case '"': out.push_back(c); return {};
      case 'x': return hex(out);
      case 'u': return unicode(out);
      default: return refused("unknown escape in a string");
    }
  }

  // Two hexadecimal digits of an ASCII character.
  Result<void> hex(std::string& out) {
    const auto value = rest_.size() < 2 ? std::nullopt : number(rest_.substr(0, 2));
    if (!value || *value > 0x7f) return refused("`\\x` needs two hexadecimal digits up to 7f");
    rest_.remove_prefix(2);
    out.push_back(static_cast<char>(*value));
    return {};
  }

  Result<void> unicode(std::string& out) {
    const std::size_t close = rest_.find('}');
    const auto value = rest_.starts_with('{') && close != std::string_view::npos && close <= 7
                           ? number(rest_.substr(1, close - 1))
                           : std::nullopt;
    if (!value || *value > 0x10ffff || (*value >= 0xd800 && *value <= 0xdfff)) {
      return refused("`\\u` needs a code point in braces, like `\\u{1f600}`");
    }
    rest_.remove_prefix(close + 1);
    base::append_utf8(out, static_cast<char32_t>(*value));
    return {};
  }

  static std::optional<unsigned> number(std::string_view digits) {
    if (digits.empty()) return std::nullopt;
    unsigned value = 0;
    for (const char c : digits) {
      const char lower = static_cast<char>(c | 0x20);
      if (!is_digit(c) && (lower < 'a' || lower > 'f')) return std::nullopt;
      value = value * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : lower - 'a' + 10);
    }
    return value;
  }

  [[nodiscard]] Result<void> refused(std::string message) const {
    return std::unexpected(mistake_at(source_, span_of(token_), std::move(message)));
  }

  std::string_view source_;
  const Token& token_;
  std::string_view rest_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (!base::is_valid_utf8(source)) return std::unexpected(bad_request("the policy text is not valid UTF-8"));
  return Lexer(source).run();
}

Result<std::string> unescape(std::string_view source, const Token& token) {
  OG_ASSIGN_OR_RETURN(auto pieces, Unescaper(source, token).run(false));
  return std::move(pieces.front());
}

Result<std::vector<std::string>> unescape_pattern(std::string_view source, const Token& token) {
  return Unescaper(source, token).run(true);
}

Error mistake_at(std::string_view source, base::SourceSpan span, std::string message, std::string_view help) {
  const base::SourcePlace place = base::place_of(source, span.begin);
  message.append(" (line ").append(std::to_string(place.line));
  message.append(", column ").append(std::to_string(place.column)).append(")");
  Error error = bad_request(std::move(message));
  error.context = base::render_excerpt(source, span, "", help);
  return error;
}

std::string shown(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end of the text";
  return std::string("'").append(token.text).append("'");
}

}  // namespace omnigraph::policy::cedar
