// What the parser makes of a `.pg` file: the written form with byte spans, before any name is resolved
// (chapter 01 section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/source_text.h"
#include "schema/catalog.h"

namespace omnigraph::schema::ast {

using base::SourceSpan;

// A word, a literal or a number as written (strings decoded), and where.
struct Text {
  std::string text;
  SourceSpan span;
};

struct KeywordValue {
  Text name;
  std::string value;
};

struct Annotation {
  Text name;
  std::optional<Text> value;
  std::vector<KeywordValue> keyword_values;
};

struct Property {
  Text name;
  PropertyType type;
  SourceSpan type_span;
  std::vector<Annotation> annotations;
};

enum class ConstraintKind : std::uint8_t { kKey, kUnique, kIndex, kRange, kCheck };

struct Constraint {
  ConstraintKind kind = ConstraintKind::kKey;
  SourceSpan span;
  std::vector<Text> columns;  // kRange, kCheck: one
  std::optional<Text> min;    // kRange: the number with its sign
  std::optional<Text> max;
  Text pattern;  // kCheck
};

enum class DeclarationKind : std::uint8_t { kInterface, kNode, kEdge };

struct Declaration {
  DeclarationKind kind = DeclarationKind::kNode;
  Text name;
  std::vector<Annotation> annotations;
  std::vector<Text> implements;
  Text source;  // edges
  Text target;
  std::uint32_t card_min = 0;
  std::uint32_t card_max = kUnbounded;
  std::vector<Property> properties;
  std::vector<Constraint> constraints;
};

struct File {
  std::vector<Declaration> declarations;
};

}  // namespace omnigraph::schema::ast
