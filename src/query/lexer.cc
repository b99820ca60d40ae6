#include "query/lexer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace omnigraph::query {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_name_part(char c) { return is_lower(c) || is_upper(c) || is_digit(c); }

struct SymbolSpelling {
  std::string_view text;
  Symbol symbol;
};
// Longer spellings first.
constexpr std::array kSymbols{
    SymbolSpelling{"<=", Symbol::kLessEqual},  SymbolSpelling{">=", Symbol::kGreaterEqual},
    SymbolSpelling{"!=", Symbol::kNotEqual},   SymbolSpelling{"<", Symbol::kLess},
    SymbolSpelling{">", Symbol::kGreater},     SymbolSpelling{"=", Symbol::kEqual},
    SymbolSpelling{"{", Symbol::kLeftBrace},   SymbolSpelling{"}", Symbol::kRightBrace},
    SymbolSpelling{"(", Symbol::kLeftParen},   SymbolSpelling{")", Symbol::kRightParen},
    SymbolSpelling{"[", Symbol::kLeftBracket}, SymbolSpelling{"]", Symbol::kRightBracket},
    SymbolSpelling{":", Symbol::kColon},       SymbolSpelling{",", Symbol::kComma},
    SymbolSpelling{".", Symbol::kDot},         SymbolSpelling{"?", Symbol::kQuestion},
    SymbolSpelling{"+", Symbol::kPlus},        SymbolSpelling{"-", Symbol::kMinus},
    SymbolSpelling{"*", Symbol::kStar},        SymbolSpelling{"/", Symbol::kSlash},
    SymbolSpelling{"%", Symbol::kPercent},
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (skip_blanks()) read_token();
    add(TokenKind::kEnd, source_.size());
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  // Moves to the next token; false at the end of the text.
  bool skip_blanks() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else if (c == '/' && peek(1) == '/') {
        at_ = std::min(source_.find('\n', at_), source_.size());
      } else if (c == '/' && peek(1) == '*') {
        const std::size_t end = source_.find("*/", at_ + 2);
        if (end == std::string_view::npos) {
          const std::size_t begin = std::exchange(at_, source_.size());
          add_error({begin, begin + 2}, "unterminated comment: expected '*/'");
        } else {
          at_ = end + 2;
        }
      } else {
        return true;
      }
    }
    return false;
  }

  Token& add(TokenKind kind, std::size_t begin) {
    tokens_.push_back({.kind = kind, .span = {begin, at_}});
    return tokens_.back();
  }

  void add_error(base::SourceSpan span, std::string text, std::string help = "") {
    tokens_.push_back({.kind = TokenKind::kError, .span = span, .text = std::move(text), .help = std::move(help)});
  }

  std::string_view read_name() {
    const std::size_t begin = at_;
    while (is_name_part(peek())) ++at_;
    return source_.substr(begin, at_ - begin);
  }

  void read_token() {
    const std::size_t begin = at_;
    const char c = peek();
    if (is_lower(c) || is_upper(c)) {
      const std::string_view name = read_name();
      add(is_lower(c) ? TokenKind::kIdentifier : TokenKind::kTypeName, begin).name = name;
    } else if (is_digit(c)) {
      read_number();
    } else if (c == '"') {
      read_string();
    } else if (c == '$' || c == '@') {
      read_sigil();
    } else if (!read_symbol()) {
      read_stranger();
    }
  }

  void read_sigil() {
    const std::size_t begin = at_;
    const bool variable = peek() == '$';
    ++at_;
    if (!is_lower(peek())) {
      while (is_name_part(peek())) ++at_;
      add_error({begin, at_}, variable ? "expected a variable name after '$', starting with a-z or '_'"
                                       : "expected an annotation name after '@'");
      return;
    }
    const std::string_view name = read_name();
    add(variable ? TokenKind::kVariable : TokenKind::kAnnotation, begin).name = name;
  }

  void read_number() {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    bool real = peek() == '.' && is_digit(peek(1));
    if (real) {
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (skip_exponent()) real = true;
    const char* first = source_.data() + begin;
    const char* last = source_.data() + at_;
    const std::string written(first, last);
    if (real) {
      double value = 0;
      if (std::from_chars(first, last, value).ec == std::errc::result_out_of_range) {
        if (is_large(written)) {
          add_error({begin, at_}, "float literal exceeds the range of F64");
          return;
        }
        value = 0;
      }
      add(TokenKind::kFloat, begin).real = value;
      return;
    }
    std::uint64_t value = 0;
    constexpr std::uint64_t kSignedMax = 9223372036854775807u;
    if (std::from_chars(first, last, value).ec != std::errc{} || value > kSignedMax + 1) {
      add_error({begin, at_}, "integer literal " + written + " exceeds 9223372036854775807");
      return;
    }
    Token& token = add(TokenKind::kInteger, begin);
    token.needs_minus = value > kSignedMax;
    token.integer = std::bit_cast<std::int64_t>(value);
  }

  // `e6`, `E-6` behind a number; false: what follows is something else.
  bool skip_exponent() {
    if (peek() != 'e' && peek() != 'E') return false;
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (!is_digit(peek(1 + sign))) return false;
    at_ += 1 + sign;
    while (is_digit(peek())) ++at_;
    return true;
  }

  // Which side a number out of range is on: too large, or too small to tell from zero. Its decimal exponent decides.
  static bool is_large(const std::string& written) {
    const std::size_t exponent_at = std::min(written.find_first_of("eE"), written.size());
    const std::size_t point = std::min(written.find('.'), exponent_at);
    const std::size_t first = written.find_first_of("123456789");
    if (first >= exponent_at) return false;
    // What no text of a readable length can make up for; keeps the sum below in range.
    constexpr std::int64_t kExponentMax = std::int64_t{1} << 40;
    std::int64_t exponent = 0;
    if (exponent_at < written.size()) {
      const bool minus = written[exponent_at + 1] == '-';
      const std::size_t digits = exponent_at + (minus || written[exponent_at + 1] == '+' ? 2 : 1);
      const char* end = written.data() + written.size();
      if (std::from_chars(written.data() + digits, end, exponent).ec != std::errc{}) exponent = kExponentMax;
      exponent = std::min(exponent, kExponentMax) * (minus ? -1 : 1);
    }
    return static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first) + exponent > 0;
  }

  void read_string() {
    const std::size_t begin = at_++;
    std::string text;
    bool broken = false;
    while (at_ < source_.size() && source_[at_] != '"') {
      const char c = source_[at_++];
      if (c != '\\') {
        text.push_back(c);
      } else if (!read_escape(text, broken)) {
        broken = true;
      }
    }
    if (at_ >= source_.size()) {
      if (!broken) add_error({begin, begin + 1}, "unterminated string: expected '\"'");
      return;
    }
    ++at_;
    if (!broken) add(TokenKind::kString, begin).text = std::move(text);
  }

  // Behind the backslash. False: reported; only the first bad escape of a string is.
  bool read_escape(std::string& text, bool reported) {
    if (at_ >= source_.size()) return true;  // the string is unterminated, which the caller reports
    const std::size_t begin = at_ - 1;
    switch (source_[at_]) {
      case '"': text.push_back('"'); break;
      case '\\': text.push_back('\\'); break;
      case 'n': text.push_back('\n'); break;
      case 'r': text.push_back('\r'); break;
      case 't': text.push_back('\t'); break;
      default: {
        std::size_t end = at_;
        base::next_code_point(source_, end);
        if (!reported) {
          add_error({begin, end}, "unsupported escape sequence: " + std::string(source_.substr(begin, end - begin)),
                    "strings know \\\" \\\\ \\n \\r \\t");
        }
        at_ = end;
        return false;
      }
    }
    ++at_;
    return true;
  }

  bool read_symbol() {
    for (const SymbolSpelling& spelling : kSymbols) {
      if (!source_.substr(at_).starts_with(spelling.text)) continue;
      const std::size_t begin = at_;
      at_ += spelling.text.size();
      add(TokenKind::kSymbol, begin).symbol = spelling.symbol;
      return true;
    }
    return false;
  }

  void read_stranger() {
    const std::size_t begin = at_;
    base::next_code_point(source_, at_);
    const char c = source_[begin];
    std::string help;
    if (c == '#')
      help = "comments are written // or /* */";
    else if (c == '\'')
      help = "strings are written in double quotes";
    else if (c == ';')
      help = "clauses and statements have no separator";
    add_error({begin, at_}, "unexpected character '" + std::string(source_.substr(begin, at_ - begin)) + "'",
              std::move(help));
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::string_view symbol_text(Symbol symbol) {
  for (const SymbolSpelling& spelling : kSymbols) {
    if (spelling.symbol == symbol) return spelling.text;
  }
  return "";
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace omnigraph::query
