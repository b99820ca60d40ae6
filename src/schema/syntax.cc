#include "schema/syntax.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "schema/lexer.h"
#include "schema/limits.h"

namespace omnigraph::schema {
namespace {

using ast::ConstraintKind;
using ast::DeclarationKind;

constexpr std::array<std::pair<std::string_view, ScalarType>, 11> kScalars{{
    {"String", ScalarType::kString},
    {"Bool", ScalarType::kBool},
    {"I32", ScalarType::kI32},
    {"I64", ScalarType::kI64},
    {"U32", ScalarType::kU32},
    {"U64", ScalarType::kU64},
    {"F32", ScalarType::kF32},
    {"F64", ScalarType::kF64},
    {"Date", ScalarType::kDate},
    {"DateTime", ScalarType::kDateTime},
    {"Blob", ScalarType::kBlob},
}};

constexpr std::array<std::pair<std::string_view, ConstraintKind>, 5> kConstraints{{
    {"key", ConstraintKind::kKey},
    {"unique", ConstraintKind::kUnique},
    {"index", ConstraintKind::kIndex},
    {"range", ConstraintKind::kRange},
    {"check", ConstraintKind::kCheck},
}};

std::optional<ConstraintKind> constraint_kind(const Token& word) {
  if (word.kind != TokenKind::kIdent) return std::nullopt;
  const auto* found = std::ranges::find(kConstraints, word.text, &std::pair<std::string_view, ConstraintKind>::first);
  if (found == kConstraints.end()) return std::nullopt;
  return found->second;
}

bool is_reserved(std::string_view name, DeclarationKind kind) {
  constexpr std::array<std::string_view, 7> kEverywhere{
      "id",        "_rowid", "_rowaddr", "_rowoffset", "_row_created_at_version", "_row_last_updated_at_version",
      "_tombstone"};
  if (std::ranges::find(kEverywhere, name) != kEverywhere.end()) return true;
  return kind == DeclarationKind::kEdge && (name == "src" || name == "dst");
}

std::string_view word_of(DeclarationKind kind) {
  switch (kind) {
    case DeclarationKind::kInterface: return "interface";
    case DeclarationKind::kNode: return "node";
    case DeclarationKind::kEdge: return "edge";
  }
  return "";
}

// nullopt: more digits than 64 bits hold.
std::optional<std::uint64_t> parse_digits(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

class Parser {
 public:
  Parser(std::string_view source, Diagnostics& diagnostics)
      : lexer_(source), diagnostics_(diagnostics), current_(lexer_.next(0)) {}

  ast::File file() {
    ast::File file;
    while (current_.kind != TokenKind::kEnd) {
      ast::Declaration declaration;
      if (declaration_header(declaration)) {
        body(declaration);
      } else {
        skip_to_declaration();
      }
      if (!declaration.name.text.empty()) file.declarations.push_back(std::move(declaration));
    }
    return file;
  }

 private:
  // ---- tokens

  void advance(LexMode mode = LexMode::kDefault) { current_ = lexer_.next(current_.span.end, mode); }
  [[nodiscard]] Token following() const { return lexer_.next(current_.span.end); }

  // Reports at the current token what should have stood there. A token that is wrong by itself says why instead.
  bool fail(const std::string& expected, std::string help = {}) {
    if (current_.kind == TokenKind::kBad) {
      diagnostics_.syntax(current_.span, current_.text);
    } else {
      diagnostics_.syntax(current_.span, "expected " + expected + ", found " + describe(current_), std::move(help));
    }
    return false;
  }

  bool expect(std::string_view punct, std::string_view place) {
    if (!current_.is(punct)) return fail("'" + std::string(punct) + "' " + std::string(place));
    advance();
    return true;
  }

  bool take(TokenKind kind, std::string_view expected, ast::Text& out) {
    if (current_.kind != kind) return fail(std::string(expected));
    out = {current_.text, current_.span};
    advance();
    return true;
  }

  bool type_name(std::string_view what, ast::Text& out) {
    if (current_.kind == TokenKind::kIdent) {
      return fail(std::string(what), "names of types start with an upper-case letter");
    }
    return take(TokenKind::kTypeName, what, out);
  }

  // ---- recovery

  [[nodiscard]] bool at_keyword() const {
    return current_.is_word("node") || current_.is_word("edge") || current_.is_word("interface");
  }
  [[nodiscard]] bool at_declaration() const { return at_keyword() && following().kind == TokenKind::kTypeName; }

  [[nodiscard]] bool at_body_constraint() const {
    if (!current_.is("@")) return false;
    const Token word = following();
    return constraint_kind(word).has_value() && lexer_.next(word.span.end).is("(");
  }

  void skip_to_declaration() {
    while (current_.kind != TokenKind::kEnd && !at_declaration()) advance();
  }

  // To the next token that can begin a member, or end the body. `begin`: where the failed member began; at least
  // one token past it is skipped.
  void skip_to_member(std::size_t begin) {
    if (current_.span.begin == begin) advance();
    while (current_.kind != TokenKind::kEnd && !current_.is("}") && !at_declaration() && !at_body_constraint()) {
      if (current_.kind == TokenKind::kIdent && following().is(":")) return;
      advance();
    }
  }

  // ---- declarations

  bool declaration_header(ast::Declaration& out) {
    if (current_.is_word("interface")) {
      out.kind = DeclarationKind::kInterface;
    } else if (current_.is_word("node")) {
      out.kind = DeclarationKind::kNode;
    } else if (current_.is_word("edge")) {
      out.kind = DeclarationKind::kEdge;
    } else {
      return fail("'interface', 'node' or 'edge'");
    }
    advance();
    ast::Text name;
    if (!type_name("a type name after '" + std::string(word_of(out.kind)) + "'", name)) return false;
    bool complete = true;
    if (out.kind == DeclarationKind::kEdge) complete = edge_header(out);
    if (out.kind == DeclarationKind::kNode) complete = node_header(out);
    // A half-read declaration is dropped, as its mistake is reported.
    if (complete) out.name = std::move(name);
    return complete;
  }

  bool node_header(ast::Declaration& out) {
    if (!header_annotations(out)) return false;
    if (!current_.is_word("implements")) return true;
    do {
      advance();
      ast::Text name;
      if (!type_name("an interface name", name)) return false;
      out.implements.push_back(std::move(name));
    } while (current_.is(","));
    if (current_.is("@")) return fail("'{'", "annotations of a node stand before 'implements'");
    return true;
  }

  bool edge_header(ast::Declaration& out) {
    if (!expect(":", "after the edge name") || !type_name("the source node type", out.source)) return false;
    if (!expect("->", "between source and target type") || !type_name("the target node type", out.target)) return false;
    if (current_.is("@") && following().is_word("card") && !cardinality(out)) return false;
    return header_annotations(out);
  }

  // REQUIRES: at `@card`.
  bool cardinality(ast::Declaration& out) {
    advance();
    advance();
    ast::Text min;
    ast::Text max;
    if (!expect("(", "after @card") || !take(TokenKind::kInt, "the smallest number of edges", min)) return false;
    if (!expect("..", "in @card(min..max)")) return false;
    if (current_.kind == TokenKind::kInt) {
      max = {current_.text, current_.span};
      advance();
    }
    if (!expect(")", "to close @card")) return false;

    const auto bound = [&](const ast::Text& number, std::string_view which) -> std::optional<std::uint32_t> {
      const auto value = parse_digits(number.text);
      if (value && *value <= 0xffffffffu) return static_cast<std::uint32_t>(*value);
      diagnostics_.admission(number.span, "invalid cardinality " + std::string(which) + ": " + number.text,
                             "the largest bound is 4294967295");
      return std::nullopt;
    };
    const auto low = bound(min, "min");
    const auto high = max.text.empty() ? std::optional(kUnbounded) : bound(max, "max");
    if (low && high && *low > *high) {
      diagnostics_.admission(
          min.span, "cardinality min (" + std::to_string(*low) + ") exceeds max (" + std::to_string(*high) + ")");
    }
    out.card_min = low.value_or(0);
    out.card_max = high.value_or(kUnbounded);
    return true;
  }

  bool header_annotations(ast::Declaration& out) {
    while (current_.is("@")) {
      const Token word = following();
      if (out.kind == DeclarationKind::kEdge && word.is_word("card")) {
        return fail("'{'", "@card stands directly after the target type");
      }
      if (at_body_constraint()) {  // Admission says where it belongs.
        advance();
        out.annotations.push_back({{current_.text, current_.span}, std::nullopt, {}});
        advance();
        if (!skip_parentheses()) return false;
        continue;
      }
      if (!annotation(out.annotations)) return false;
    }
    return true;
  }

  // REQUIRES: at '('.
  bool skip_parentheses() {
    int depth = 0;
    do {
      if (current_.is("(")) ++depth;
      if (current_.is(")")) --depth;
      if (current_.kind == TokenKind::kEnd || current_.kind == TokenKind::kBad) return fail("')'");
      advance();
    } while (depth > 0);
    return true;
  }

  // ---- bodies

  void body(ast::Declaration& out) {
    if (out.kind == DeclarationKind::kEdge && !current_.is("{")) {
      if (current_.kind == TokenKind::kEnd || at_keyword()) return;
    }
    if (!current_.is("{")) {
      fail("'{' to open the body of " + std::string(word_of(out.kind)) + " " + out.name.text);
      skip_to_declaration();
      return;
    }
    advance();
    while (!current_.is("}")) {
      if (current_.kind == TokenKind::kEnd || at_declaration()) {
        fail("'}' to close " + std::string(word_of(out.kind)) + " " + out.name.text);
        return;
      }
      const std::size_t begin = current_.span.begin;
      if (!member(out)) skip_to_member(begin);
    }
    advance();
  }

  bool member(ast::Declaration& out) {
    if (current_.is("@")) {
      if (out.kind == DeclarationKind::kInterface) {
        return fail("a property", "interfaces have no body constraints; annotate the property instead");
      }
      return constraint(out);
    }
    if (current_.is(",")) return fail("a property", "properties are separated by white space alone");
    if (current_.kind == TokenKind::kTypeName) {
      return fail("a property name", "property names start with a lower-case letter or '_'");
    }
    if (current_.kind != TokenKind::kIdent) {
      return fail(out.kind == DeclarationKind::kInterface ? "a property or '}'" : "a property, a constraint or '}'");
    }
    ast::Property property;
    property.name = {current_.text, current_.span};
    if (is_reserved(current_.text, out.kind)) {
      diagnostics_.admission(current_.span, "property name '" + current_.text + "' is reserved");
    }
    advance();
    if (!expect(":", "after the property name") || !type(property)) return false;
    while (current_.is("@") && !at_body_constraint()) {
      if (!annotation(property.annotations)) return false;
    }
    out.properties.push_back(std::move(property));
    return true;
  }

  // ---- types

  bool type(ast::Property& out) {
    const std::size_t begin = current_.span.begin;
    std::size_t end = begin;
    bool read = false;
    if (current_.is("[")) {
      read = list_type(out.type, end);
    } else if (current_.is_word("enum")) {
      read = enum_type(out.type, end);
    } else if (current_.is_word("Vector")) {
      read = vector_type(out.type, end);
    } else {
      end = current_.span.end;
      read = scalar(out.type.scalar);
    }
    if (!read) return false;
    if (current_.is("?")) {
      out.type.nullable = true;
      end = current_.span.end;
      advance();
    }
    out.type_span = {begin, end};
    return true;
  }

  bool scalar(ScalarType& out) {
    const auto* found = std::ranges::find(kScalars, current_.text, &std::pair<std::string_view, ScalarType>::first);
    if (current_.kind != TokenKind::kTypeName || found == kScalars.end()) {
      std::vector<std::string> names{"Vector", "enum"};
      for (const auto& [name, scalar_type] : kScalars) names.emplace_back(name);
      const bool word = current_.kind == TokenKind::kTypeName || current_.kind == TokenKind::kIdent;
      return fail("a type", word ? base::did_you_mean(current_.text, names) : "");
    }
    out = found->second;
    advance();
    return true;
  }

  bool list_type(PropertyType& out, std::size_t& end) {
    advance();
    if (current_.is("[") || current_.is_word("enum") || current_.is_word("Vector")) {
      return fail("a scalar type", "lists hold scalars: no lists, enums or vectors");
    }
    const SourceSpan item = current_.span;
    if (!scalar(out.scalar)) return false;
    if (out.scalar == ScalarType::kBlob) diagnostics_.admission(item, "list of Blob is not supported");
    if (current_.is("?")) return fail("']'", "list items are never null; [..]? makes the list nullable");
    out.list = true;
    end = current_.span.end;
    return expect("]", "after the item type");
  }

  bool enum_type(PropertyType& out, std::size_t& end) {
    advance();
    if (!current_.is("(")) return fail("'(' after enum");
    do {
      advance(LexMode::kEnum);
      ast::Text value;
      if (!take(TokenKind::kEnumValue, "an enum value", value)) return false;
      const auto at = std::ranges::lower_bound(out.enum_values, value.text);
      if (at != out.enum_values.end() && *at == value.text) {
        diagnostics_.admission(value.span, "enum type cannot include duplicate values");
      } else {
        out.enum_values.insert(at, std::move(value.text));
      }
    } while (current_.is(","));
    end = current_.span.end;
    return expect(")", "after the enum values");
  }

  bool vector_type(PropertyType& out, std::size_t& end) {
    advance();
    ast::Text dimension;
    if (!expect("(", "after Vector") || !take(TokenKind::kInt, "the number of dimensions", dimension)) return false;
    const auto value = parse_digits(dimension.text);
    if (value == 0) {
      diagnostics_.admission(dimension.span, "Vector dimension must be greater than zero");
    } else if (!value || *value > kVectorDimensionMax) {
      diagnostics_.admission(dimension.span, "Vector dimension " + dimension.text + " exceeds maximum supported " +
                                                 std::to_string(kVectorDimensionMax));
    }
    out.scalar = ScalarType::kF32;
    out.vector_dimension =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(value.value_or(1), 1, kVectorDimensionMax));
    end = current_.span.end;
    return expect(")", "after the number of dimensions");
  }

  // ---- annotations and constraints

  // REQUIRES: at '@'.
  bool annotation(std::vector<ast::Annotation>& out) {
    advance();
    ast::Annotation result;
    if (!take(TokenKind::kIdent, "an annotation name after '@'", result.name)) return false;
    if (current_.is("(")) {
      advance();
      if (current_.kind != TokenKind::kIdent && !at_literal()) return fail("a string, number, true, false or name");
      result.value = ast::Text{current_.text, current_.span};
      advance();
      while (current_.is(",")) {
        if (!keyword_value(result)) return false;
      }
      if (!expect(")", "to close @" + result.name.text)) return false;
    }
    out.push_back(std::move(result));
    return true;
  }

  [[nodiscard]] bool at_literal() const {
    return current_.kind == TokenKind::kString || current_.kind == TokenKind::kInt ||
           current_.kind == TokenKind::kFloat || current_.is_word("true") || current_.is_word("false");
  }

  bool keyword_value(ast::Annotation& out) {
    advance();
    ast::KeywordValue entry;
    if (!take(TokenKind::kIdent, "an argument name", entry.name)) return false;
    if (std::ranges::any_of(out.keyword_values, [&](const auto& k) { return k.name.text == entry.name.text; })) {
      diagnostics_.syntax(entry.name.span, "argument '" + entry.name.text + "=' is given twice");
    }
    if (!expect("=", "after the argument name")) return false;
    if (!at_literal()) return fail("a string, number, true or false");
    entry.value = current_.text;
    advance();
    out.keyword_values.push_back(std::move(entry));
    return true;
  }

  // REQUIRES: at '@'.
  bool constraint(ast::Declaration& out) {
    ast::Constraint result;
    result.span = current_.span;
    advance();
    const auto kind = constraint_kind(current_);
    if (!kind)
      return fail("key, unique, index, range or check", "other annotations stand after the type they describe");
    result.kind = *kind;
    const std::string name = current_.text;
    result.span.end = current_.span.end;
    advance();

    bool read = false;
    if (*kind == ConstraintKind::kRange) {
      read = range_arguments(result);
    } else if (*kind == ConstraintKind::kCheck) {
      read = check_arguments(result);
    } else {
      read = expect("(", "after @" + name) && columns(result);
    }
    if (!read) return false;
    result.span.end = current_.span.end;
    if (!expect(")", "to close @" + name)) return false;
    out.constraints.push_back(std::move(result));
    return true;
  }

  bool columns(ast::Constraint& out) {
    while (true) {
      if (current_.kind != TokenKind::kIdent) {
        if (current_.kind == TokenKind::kBad) return fail("");
        diagnostics_.syntax(current_.span, "expected property name in constraint");
        return false;
      }
      out.columns.push_back({current_.text, current_.span});
      advance();
      if (!current_.is(",")) return true;
      advance();
    }
  }

  bool incomplete(const ast::Constraint& constraint, std::string message) {
    if (current_.kind == TokenKind::kBad) return fail("");
    diagnostics_.admission(constraint.span, std::move(message));
    return false;
  }

  // `(name ,` of @range and @check.
  bool first_argument(ast::Constraint& out) {
    if (!current_.is("(")) return false;
    advance();
    if (current_.kind != TokenKind::kIdent) return false;
    out.columns.push_back({current_.text, current_.span});
    advance();
    if (!current_.is(",")) return false;
    advance();
    return true;
  }

  bool range_arguments(ast::Constraint& out) {
    const std::string usage = "@range requires property name and bounds: @range(prop, min..max)";
    if (!first_argument(out)) return incomplete(out, usage);
    if (at_number() && !number(out.min)) return false;
    if (!current_.is("..") && !current_.is(")")) return fail("'..' between the bounds");
    if (!current_.is("..")) return incomplete(out, usage);
    advance();
    if (at_number() && !number(out.max)) return false;
    if (!out.min && !out.max) return incomplete(out, usage);
    return true;
  }

  bool check_arguments(ast::Constraint& out) {
    const std::string usage = "@check requires property name and pattern: @check(prop, \"regex\")";
    if (!first_argument(out) || current_.kind != TokenKind::kString) return incomplete(out, usage);
    out.pattern = {current_.text, current_.span};
    advance();
    return true;
  }

  [[nodiscard]] bool at_number() const {
    return current_.is("-") || current_.kind == TokenKind::kInt || current_.kind == TokenKind::kFloat;
  }

  bool number(std::optional<ast::Text>& out) {
    ast::Text result{"", current_.span};
    if (current_.is("-")) {
      result.text = "-";
      advance();
    }
    if (current_.kind != TokenKind::kInt && current_.kind != TokenKind::kFloat) return fail("a number");
    result.text += current_.text;
    result.span.end = current_.span.end;
    advance();
    out = std::move(result);
    return true;
  }

  Lexer lexer_;
  Diagnostics& diagnostics_;
  Token current_;
};

}  // namespace

ast::File parse_syntax(std::string_view source, Diagnostics& diagnostics) { return Parser(source, diagnostics).file(); }

}  // namespace omnigraph::schema
