#include "schema/admission.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/text.h"
#include "schema/pattern.h"
#include "schema/range_bound.h"

namespace omnigraph::schema {
namespace {

using ast::ConstraintKind;
using ast::DeclarationKind;

constexpr std::string_view kRangeUsage = "@range requires property name and bounds: @range(prop, min..max)";
constexpr std::string_view kCheckUsage = "@check requires property name and pattern: @check(prop, \"regex\")";

std::string_view constraint_word(ConstraintKind kind) {
  constexpr std::array<std::string_view, 5> kWords{"key", "unique", "index", "range", "check"};
  return kWords[static_cast<std::size_t>(kind)];
}

bool is_blank(std::string_view text) { return base::trim_unicode(text).empty(); }
bool has_value(const ast::Annotation& annotation) { return annotation.value && !is_blank(annotation.value->text); }
bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// `list`, `vector` or `blob` if a column of this type cannot carry the constraint or binding `word`, else empty.
std::string_view unsupported_shape(std::string_view word, const PropertyType& type, bool body_form) {
  if (type.list) {
    if (is_one_of(word, {"key", "unique", "embed"}) || (word == "index" && !body_form)) return "list";
    return "";
  }
  if (type.is_vector()) return is_one_of(word, {"key", "unique"}) ? "vector" : "";
  if (type.is_blob()) return is_one_of(word, {"key", "unique", "index", "embed"}) ? "blob" : "";
  return "";
}

// The rules of one declared type. What an interface injects was judged with the interface; here only what depends
// on the node: key count and embed sources.
class TypeChecker {
 public:
  TypeChecker(const ResolvedType& type, bool accepted, Diagnostics& diagnostics)
      : type_(type), declaration_(*type.declaration), accepted_(accepted), diagnostics_(diagnostics) {}

  void run() {
    header_annotations();
    for (const ast::Property& property : declaration_.properties) property_annotations(property);
    for (const ast::Constraint& constraint : declaration_.constraints) body_constraint(constraint);
    if (declaration_.kind != DeclarationKind::kNode) return;
    key_count();
    for (const ResolvedProperty& property : type_.properties) embed_source(*property.source);
  }

 private:
  [[nodiscard]] const std::string& name() const { return declaration_.name.text; }
  [[nodiscard]] bool is_edge() const { return declaration_.kind == DeclarationKind::kEdge; }
  [[nodiscard]] std::string qualified(const ast::Property& property) const { return name() + "." + property.name.text; }
  [[nodiscard]] std::string subject() const { return (is_edge() ? "edge " : "node ") + name(); }

  void mistake(SourceSpan span, std::string message, std::string help = {}) {
    diagnostics_.admission(span, std::move(message), std::move(help));
  }

  // ---- annotations

  void header_annotations() {
    for (const ast::Annotation& annotation : declaration_.annotations) {
      const std::string& word = annotation.name.text;
      if (is_one_of(word, {"key", "unique", "index", "embed"})) {
        mistake(annotation.name.span,
                is_edge()
                    ? "@" + word + " is not supported on edges (edge " + name() + ")"
                    : "@" + word + " is only supported on node properties or as body constraint (node " + name() + ")");
      } else if (is_one_of(word, {"range", "check"})) {
        misplaced_value_constraint(annotation);
      }
    }
    common_annotations(declaration_.annotations, subject());
  }

  void misplaced_value_constraint(const ast::Annotation& annotation) {
    const std::string& word = annotation.name.text;
    mistake(annotation.name.span, is_edge() ? "@" + word + " constraint is not supported on edges (edge " + name() + ")"
                                            : std::string(word == "range" ? kRangeUsage : kCheckUsage));
  }

  // @description, @instruction and @rename_from mean the same on types and properties.
  void common_annotations(const std::vector<ast::Annotation>& annotations, const std::string& target) {
    std::set<std::string_view> seen;
    for (const ast::Annotation& annotation : annotations) {
      const std::string& word = annotation.name.text;
      if (!is_one_of(word, {"description", "instruction", "rename_from"})) continue;
      const SourceSpan span = annotation.name.span;
      if (!seen.insert(word).second) {
        mistake(span, target + " declares @" + word + " multiple times");
      } else if (word == "rename_from") {
        if (!annotation.keyword_values.empty()) {
          mistake(span, "@rename_from on " + target + " does not accept keyword arguments");
        } else if (!has_value(annotation)) {
          mistake(span, "@rename_from on " + target + " requires exactly one non-empty positional value");
        }
      } else if (!has_value(annotation)) {
        mistake(span, "@" + word + " on " + target + " requires a non-empty value");
      }
    }
  }

  void property_annotations(const ast::Property& property) {
    std::set<std::string_view> seen;
    for (const ast::Annotation& annotation : property.annotations) {
      const std::string& word = annotation.name.text;
      const SourceSpan span = annotation.name.span;
      if (is_one_of(word, {"range", "check"})) misplaced_value_constraint(annotation);
      if (word == "instruction") {
        mistake(span, "@instruction is only supported on node and edge types (property " + qualified(property) + ")");
      }
      if (!is_one_of(word, {"key", "unique", "index", "embed"})) continue;
      if (!seen.insert(word).second) {
        mistake(span, "property " + qualified(property) + " declares @" + word + " multiple times");
      } else if (is_edge() && is_one_of(word, {"key", "embed"})) {
        mistake(span, "@" + word + " is not supported on edge properties (edge " + qualified(property) + ")");
      } else if (column_shape(word, property, span, /*body_form=*/false) && word == "embed") {
        embed_arguments(property, annotation);
      }
    }
    std::vector<ast::Annotation> common = property.annotations;
    std::erase_if(common, [](const ast::Annotation& a) { return a.name.text == "instruction"; });
    common_annotations(common, "property " + qualified(property));
  }

  // Reports a column whose type cannot carry the constraint `word`.
  bool column_shape(std::string_view word, const ast::Property& property, SourceSpan span, bool body_form) {
    const std::string_view shape = unsupported_shape(word, property.type, body_form);
    if (!shape.empty()) {
      const bool tolerated = accepted_ && body_form && word == "unique";
      if (!tolerated) {
        mistake(span, std::string("@").append(word) + " is not supported on " + std::string(shape) + " property " +
                          qualified(property));
      }
      return false;
    }
    if (word == "key" && property.type.nullable) {
      mistake(span, "@key property " + qualified(property) + " cannot be nullable");
      return false;
    }
    return true;
  }

  // ---- embeddings

  void embed_arguments(const ast::Property& property, const ast::Annotation& annotation) {
    const SourceSpan span = annotation.name.span;
    if (!property.type.is_vector()) {
      return mistake(span, "@embed is only supported on vector properties (" + qualified(property) + ")");
    }
    if (!has_value(annotation)) {
      return mistake(span, "@embed on " + qualified(property) + " requires a source property name");
    }
    for (const ast::KeywordValue& argument : annotation.keyword_values) {
      if (argument.name.text == "model") continue;
      mistake(argument.name.span, "@embed on " + qualified(property) + " has unknown argument '" + argument.name.text +
                                      "=' (only 'model' is supported)");
    }
  }

  void embed_source(const ast::Property& property) {
    if (!property.type.is_vector()) return;
    const auto embed = std::ranges::find(property.annotations, "embed",
                                         [](const ast::Annotation& a) -> std::string_view { return a.name.text; });
    if (embed == property.annotations.end() || !has_value(*embed)) return;
    const ast::Property* source = type_.find(embed->value->text);
    if (source == nullptr) {
      mistake(embed->value->span,
              "@embed on " + qualified(property) + " references unknown source property " + embed->value->text,
              base::did_you_mean(embed->value->text, property_names()));
    } else if (!source->type.is_plain_scalar() || source->type.scalar != ScalarType::kString ||
               source->type.is_enum()) {
      mistake(embed->value->span, "@embed source property " + qualified(*source) + " must be String");
    }
  }

  // ---- constraints

  [[nodiscard]] std::vector<std::string> property_names() const {
    std::vector<std::string> names;
    for (const ResolvedProperty& property : type_.properties) names.push_back(property.source->name.text);
    return names;
  }

  void body_constraint(const ast::Constraint& constraint) {
    const std::string word(constraint_word(constraint.kind));
    if (is_edge() && !is_one_of(word, {"unique", "index"})) {
      return mistake(constraint.span, "@" + word + " constraint is not supported on edges (edge " + name() + ")");
    }
    for (const ast::Text& column : constraint.columns) {
      if (is_edge() && is_one_of(column.text, {"src", "dst"})) continue;
      const ast::Property* property = type_.find(column.text);
      if (property == nullptr) {
        mistake(column.span, "@" + word + " on " + name() + " references unknown property '" + column.text + "'",
                base::did_you_mean(column.text, property_names()));
      } else if (constraint.kind == ConstraintKind::kRange) {
        range(constraint, *property);
      } else if (constraint.kind == ConstraintKind::kCheck) {
        check(constraint, *property);
      } else {
        column_shape(word, *property, column.span, /*body_form=*/true);
      }
    }
  }

  void range(const ast::Constraint& constraint, const ast::Property& property) {
    if (!property.type.is_numeric()) {
      if (accepted_ && property.type.list) return;
      return mistake(constraint.span,
                     "@range on " + qualified(property) + " requires a numeric type, got " + type_text(property.type));
    }
    const auto bound = [&](const std::optional<ast::Text>& number) -> std::optional<columnar::Scalar> {
      if (!number) return std::nullopt;
      auto value = range_bound(property.type, number->text);
      if (!value) {
        mistake(number->span, "@range bound " + number->text + " on " + qualified(property) + " does not fit " +
                                  std::string(scalar_name(property.type.scalar)) + "; leave the bound open");
      }
      return value;
    };
    const auto min = bound(constraint.min);
    const auto max = bound(constraint.max);
    if (min && max && compare_bounds(*min, *max) > 0) {
      mistake(constraint.span,
              "@range min (" + bound_text(*min) + ") exceeds max (" + bound_text(*max) + ") on " + qualified(property));
    }
  }

  void check(const ast::Constraint& constraint, const ast::Property& property) {
    if (!property.type.is_plain_scalar() || property.type.scalar != ScalarType::kString) {
      if (accepted_ && property.type.list) return;
      return mistake(constraint.span,
                     "@check on " + qualified(property) + " requires String type, got " + type_text(property.type));
    }
    const Pattern pattern(constraint.pattern.text);
    if (!pattern.is_valid() && !accepted_) {
      mistake(constraint.pattern.span, "@check on " + qualified(property) + " has invalid regex '" +
                                           constraint.pattern.text + "': " + pattern.complaint());
    }
  }

  void key_count() {
    std::vector<SourceSpan> keys;
    for (const ResolvedProperty& property : type_.properties) {
      const auto key = std::ranges::find(property.source->annotations, "key",
                                         [](const ast::Annotation& a) -> std::string_view { return a.name.text; });
      if (key != property.source->annotations.end()) keys.push_back(key->name.span);
    }
    for (const ast::Constraint& constraint : declaration_.constraints) {
      if (constraint.kind == ConstraintKind::kKey) keys.push_back(constraint.span);
    }
    if (keys.size() < 2) return;
    mistake(keys[1], "node type " + name() + " has multiple @key constraints; only one is supported",
            "a key of several properties is written @key(a, b) in the body");
  }

  const ResolvedType& type_;
  const ast::Declaration& declaration_;
  const bool accepted_;
  Diagnostics& diagnostics_;
};

}  // namespace

void check_admission(const std::vector<ResolvedType>& types, bool accepted, Diagnostics& diagnostics) {
  for (const ResolvedType& type : types) TypeChecker(type, accepted, diagnostics).run();
}

bool is_tolerated_only(const ast::Constraint& constraint, const ResolvedType& type) {
  return std::ranges::any_of(constraint.columns, [&](const ast::Text& column) {
    const ast::Property* property = type.find(column.text);
    if (property == nullptr) return false;  // src, dst
    switch (constraint.kind) {
      case ConstraintKind::kUnique: return !unsupported_shape("unique", property->type, true).empty();
      case ConstraintKind::kRange: return property->type.list;
      case ConstraintKind::kCheck: return property->type.list || !Pattern(constraint.pattern.text).is_valid();
      default: return false;
    }
  });
}

}  // namespace omnigraph::schema
