#include "query/parser.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "query/compile.h"
#include "query/limits.h"

namespace omnigraph::query {
namespace {

constexpr std::array kScalarTypes{
    schema::ScalarType::kString, schema::ScalarType::kBool,     schema::ScalarType::kI32,  schema::ScalarType::kI64,
    schema::ScalarType::kU32,    schema::ScalarType::kU64,      schema::ScalarType::kF32,  schema::ScalarType::kF64,
    schema::ScalarType::kDate,   schema::ScalarType::kDateTime, schema::ScalarType::kBlob,
};
constexpr std::uint64_t kVectorDimensionMax = 2147483647;

// Offset of the first byte that is not UTF-8; the size when all are.
std::size_t first_invalid_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (at + length > text.size() || !base::is_valid_utf8(text.substr(at, length))) return at;
    at += length;
  }
  return at;
}

}  // namespace

std::string describe_token(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd: return "end of file";
    case TokenKind::kError: return "an unreadable token";
    case TokenKind::kVariable: return "variable '$" + std::string(token.name) + "'";
    case TokenKind::kIdentifier:
    case TokenKind::kTypeName: return quoted(token.name);
    case TokenKind::kInteger: return "integer " + std::to_string(token.integer);
    case TokenKind::kFloat: return "a float";
    case TokenKind::kString: return "a string";
    case TokenKind::kAnnotation: return "'@" + std::string(token.name) + "'";
    case TokenKind::kSymbol: break;
  }
  return quoted(symbol_text(token.symbol));
}

const Token& Parser::peek(std::size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

const Token& Parser::take() {
  const Token& token = peek();
  last_end_ = token.span.end;
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::accept(Symbol symbol) {
  if (!peek().is(symbol)) return false;
  take();
  return true;
}

bool Parser::accept_word(std::string_view word) {
  if (!peek().is_word(word)) return false;
  take();
  return true;
}

std::unexpected<Mistake> Parser::unexpected_token(std::string_view expected, std::string help) const {
  const Token& token = peek();
  // A token that could not be read explains itself.
  if (token.kind == TokenKind::kError) return mistake(token.span, token.text, token.help);
  return mistake(token.span, "expected " + std::string(expected) + ", found " + describe_token(token), std::move(help));
}

std::unexpected<Mistake> Parser::mistake(SourceSpan span, std::string text, std::string help) const {
  return std::unexpected(Mistake{span, std::move(text), std::move(help)});
}

Parsed<SourceSpan> Parser::expect(Symbol symbol, std::string_view where) {
  if (!peek().is(symbol)) {
    return unexpected_token(quoted(symbol_text(symbol)) + (where.empty() ? "" : " ") + std::string(where));
  }
  return take().span;
}

Parsed<SourceSpan> Parser::expect_word(std::string_view word, std::string_view where) {
  if (!peek().is_word(word)) {
    return unexpected_token(quoted(word) + (where.empty() ? "" : " ") + std::string(where));
  }
  return take().span;
}

Parsed<Token> Parser::expect_token(TokenKind kind, std::string_view what, std::string help) {
  if (peek().kind != kind) return unexpected_token(what, std::move(help));
  return take();
}

Parsed<Token> Parser::expect_type_name(std::string_view what) {
  std::string help;
  if (peek().kind == TokenKind::kIdentifier) help = "type names start with an upper-case letter";
  return expect_token(TokenKind::kTypeName, what, std::move(help));
}

Parsed<std::uint64_t> Parser::expect_integer(std::string_view what) {
  OG_ASSIGN_OR_RETURN(const Token token, expect_token(TokenKind::kInteger, what));
  if (token.needs_minus) return too_large(token);
  return static_cast<std::uint64_t>(token.integer);
}

std::unexpected<Mistake> Parser::too_large(const Token& token) const {
  return mistake(token.span, "integer literal 9223372036854775808 exceeds 9223372036854775807");
}

Parsed<void> Parser::check_depth() const {
  if (depth_ <= kNestingDepthMax) return {};
  return mistake(peek().span, "nesting exceeds " + std::to_string(kNestingDepthMax) + " levels");
}

bool Parser::at_query_start(std::size_t ahead) const {
  return peek(ahead).is_word("query") && peek(ahead + 1).kind == TokenKind::kIdentifier &&
         peek(ahead + 2).is(Symbol::kLeftParen);
}

void Parser::recover(std::size_t query_start) {
  if (at_ == query_start) take();
  while (peek().kind != TokenKind::kEnd && !at_query_start()) take();
}

ast::File Parser::parse_file(std::vector<Mistake>& mistakes) {
  ast::File file;
  while (peek().kind != TokenKind::kEnd && mistakes.size() < kReportedMistakesMax) {
    const std::size_t start = at_;
    depth_ = 0;
    in_mutation_ = false;
    if (auto query = parse_query()) {
      file.queries.push_back(std::move(*query));
    } else {
      mistakes.push_back(std::move(query).error());
      recover(start);
    }
  }
  return file;
}

Parsed<ast::Query> Parser::parse_query() {
  ast::Query query;
  const std::size_t begin = peek().span.begin;
  if (!accept_word("query")) {
    const std::array words{std::string("query")};
    std::string help = peek().kind == TokenKind::kIdentifier ? base::did_you_mean(peek().name, words) : "";
    if (peek().kind == TokenKind::kAnnotation) help = "annotations stand behind the parameter list";
    return unexpected_token("'query'", std::move(help));
  }
  std::string help;
  if (peek().kind == TokenKind::kTypeName) help = "query names start with a lower-case letter or '_'";
  OG_ASSIGN_OR_RETURN(const Token name, expect_token(TokenKind::kIdentifier, "a query name", std::move(help)));
  query.name = name.name;
  query.name_span = name.span;
  OG_RETURN_IF_ERROR(parse_parameters(query));
  while (peek().kind == TokenKind::kAnnotation) OG_RETURN_IF_ERROR(parse_annotation(query));
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftBrace, "to open the query body"));
  OG_RETURN_IF_ERROR(parse_body(query));
  query.span = span_since(begin);
  return query;
}

Parsed<void> Parser::parse_parameters(ast::Query& query) {
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftParen, "and the parameter list"));
  if (accept(Symbol::kRightParen)) return {};
  do {
    OG_ASSIGN_OR_RETURN(ast::Parameter parameter, parse_parameter());
    query.parameters.push_back(std::move(parameter));
  } while (accept(Symbol::kComma));
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "or ',' after the parameter"));
  return {};
}

Parsed<ast::Parameter> Parser::parse_parameter() {
  ast::Parameter parameter;
  OG_ASSIGN_OR_RETURN(const Token name, expect_token(TokenKind::kVariable, "a parameter '$name: Type'"));
  parameter.name = name.name;
  parameter.span = name.span;
  OG_RETURN_IF_ERROR(expect(Symbol::kColon, "and the parameter type"));
  OG_RETURN_IF_ERROR(parse_parameter_type(parameter));
  return parameter;
}

Parsed<void> Parser::parse_parameter_type(ast::Parameter& parameter) {
  const std::size_t begin = peek().span.begin;
  schema::PropertyType& type = parameter.type;
  if (accept(Symbol::kLeftBracket)) {
    OG_ASSIGN_OR_RETURN(type.scalar, parse_scalar_name());
    type.list = true;
    OG_RETURN_IF_ERROR(expect(Symbol::kRightBracket, "to close the list type"));
    parameter.type_text = "[" + std::string(schema::scalar_name(type.scalar)) + "]";
  } else if (peek().kind == TokenKind::kTypeName && peek().name == "Vector") {
    take();
    OG_RETURN_IF_ERROR(expect(Symbol::kLeftParen, "and the vector dimension"));
    OG_ASSIGN_OR_RETURN(const std::uint64_t dimension, expect_integer("the vector dimension"));
    OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "after the vector dimension"));
    parameter.type_text = "Vector(" + std::to_string(dimension) + ")";
    parameter.type_known = dimension >= 1 && dimension <= kVectorDimensionMax;
    type.scalar = schema::ScalarType::kF32;
    type.vector_dimension = parameter.type_known ? static_cast<std::uint32_t>(dimension) : 0;
  } else {
    OG_ASSIGN_OR_RETURN(type.scalar, parse_scalar_name());
    parameter.type_text = schema::scalar_name(type.scalar);
  }
  parameter.type_span = span_since(begin);
  type.nullable = accept(Symbol::kQuestion);
  return {};
}

Parsed<schema::ScalarType> Parser::parse_scalar_name() {
  std::vector<std::string> names;
  std::string all;
  for (const schema::ScalarType scalar : kScalarTypes) {
    if (peek().kind == TokenKind::kTypeName && peek().name == schema::scalar_name(scalar)) {
      take();
      return scalar;
    }
    names.emplace_back(schema::scalar_name(scalar));
    all.append(all.empty() ? "" : ", ").append(names.back());
  }
  if (peek().kind == TokenKind::kTypeName) {
    return mistake(peek().span,
                   "unknown parameter type '" + std::string(peek().name) + "': expected " + all +
                       ", Vector(N) or a list such as [String]",
                   base::did_you_mean(peek().name, names));
  }
  return unexpected_token("a parameter type (" + all + ", Vector(N) or a list such as [String])");
}

Parsed<void> Parser::parse_annotation(ast::Query& query) {
  const Token name = take();
  if (name.name == "mixed") {
    if (query.mixed) {
      return mistake(name.span, "duplicate @mixed on query '" + query.name + "': expected it at most once");
    }
    query.mixed = name.span;
    return {};
  }
  const bool description = name.name == "description";
  if (!description && name.name != "instruction") {
    return mistake(name.span, "unknown query annotation '@" + std::string(name.name) +
                                  "': expected @description(\"..\"), @instruction(\"..\"), @mixed or '{'");
  }
  OG_RETURN_IF_ERROR(expect(Symbol::kLeftParen, "and the annotation text"));
  OG_ASSIGN_OR_RETURN(Token text, expect_token(TokenKind::kString, "a string"));
  OG_RETURN_IF_ERROR(expect(Symbol::kRightParen, "after the annotation text"));
  std::optional<std::string>& slot = description ? query.description : query.instruction;
  if (slot) {
    return mistake(name.span,
                   "duplicate @" + std::string(name.name) + " on query '" + query.name + "': expected it at most once");
  }
  slot = std::move(text.text);
  return {};
}

Parsed<void> Parser::parse_body(ast::Query& query) {
  if (peek().is_word("match")) {
    if (query.mixed) {
      return mistake(*query.mixed, "expected a mutation behind @mixed, but query '" + query.name + "' is a read",
                     "remove @mixed: a read writes nothing");
    }
    OG_ASSIGN_OR_RETURN(query.body, parse_read());
  } else {
    OG_ASSIGN_OR_RETURN(query.body, parse_mutations());
  }
  return {};
}

Result<ast::File> parse_file(std::string_view source, std::string_view file_name) {
  if (const std::size_t bad = first_invalid_byte(source); bad < source.size()) {
    const base::SourcePlace place = base::place_of(source.substr(0, bad), bad);
    return std::unexpected(bad_request("parse error: expected UTF-8 text, found an invalid byte at " +
                                       std::to_string(place.line) + ":" + std::to_string(place.column)));
  }
  std::vector<Mistake> mistakes;
  ast::File file = Parser(tokenize(source)).parse_file(mistakes);
  if (!mistakes.empty()) return std::unexpected(parse_error({source, file_name}, mistakes));
  return file;
}

}  // namespace omnigraph::query
