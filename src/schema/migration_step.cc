#include "schema/migration_step.h"

#include <array>

#include "schema/range_bound.h"

namespace omnigraph::schema {
namespace {

using base::JsonWriter;

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (text.append(parts), ...);
  return text;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

// As a `.pg` file writes it.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += c;
    }
  }
  return out + '"';
}

std::string range_text(const RangeConstraint& range) {
  std::string text = range.min ? bound_text(*range.min) : std::string();
  text += "..";
  if (range.max) text += bound_text(*range.max);
  return text;
}

std::string card_text(const ConstraintSpec& card) {
  std::string text = std::to_string(card.card_min);
  text += "..";
  if (card.card_max != kUnbounded) text += std::to_string(card.card_max);
  return text;
}

void write_type(JsonWriter& json, const PropertyType& type) {
  json.begin_object().key("scalar");
  if (type.is_vector()) {
    json.begin_object().key("Vector").unsigned_integer(type.vector_dimension).end_object();
  } else {
    json.string(scalar_name(type.scalar));
  }
  json.key("nullable").boolean(type.nullable).key("list").boolean(type.list).key("enum_values");
  if (type.is_enum()) {
    json.begin_array();
    for (const std::string& value : type.enum_values) json.string(value);
    json.end_array();
  } else {
    json.null();
  }
  json.end_object();
}

void write_bound(JsonWriter& json, const std::optional<columnar::Scalar>& bound) {
  if (bound) {
    json.raw(bound_text(*bound));
  } else {
    json.null();
  }
}

void write_constraint(JsonWriter& json, const ConstraintSpec& constraint) {
  const auto columns = [&](std::string_view name) {
    json.key(name).begin_array();
    for (const std::string& column : constraint.columns) json.string(column);
    json.end_array();
  };
  json.begin_object();
  switch (constraint.kind) {
    case ConstraintSpec::Kind::kKey: columns("Key"); break;
    case ConstraintSpec::Kind::kUnique: columns("Unique"); break;
    case ConstraintSpec::Kind::kIndex: columns("Index"); break;
    case ConstraintSpec::Kind::kRange:
      json.key("Range").begin_object().key("property").string(constraint.range.property).key("min");
      write_bound(json, constraint.range.min);
      json.key("max");
      write_bound(json, constraint.range.max);
      json.end_object();
      break;
    case ConstraintSpec::Kind::kCheck:
      json.key("Check").begin_object().key("property").string(constraint.check.property);
      json.key("pattern").string(constraint.check.pattern).end_object();
      break;
    case ConstraintSpec::Kind::kCard:
      json.key("Card").begin_object().key("min").unsigned_integer(constraint.card_min).key("max");
      if (constraint.card_max == kUnbounded) {
        json.null();
      } else {
        json.unsigned_integer(constraint.card_max);
      }
      json.end_object();
      break;
  }
  json.end_object();
}

void write_annotations(JsonWriter& json, const std::vector<Annotation>& annotations) {
  json.key("annotations").begin_array();
  for (const Annotation& annotation : annotations) {
    json.begin_object().key("name").string(annotation.name).key("value");
    json.string_or_null(annotation.values.empty() ? "" : annotation.values.front(), !annotation.values.empty());
    if (!annotation.keyword_values.empty()) {
      json.key("kwargs").begin_object();
      for (const auto& [name, value] : annotation.keyword_values) json.key(name).string(value);
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
}

// String, [I32]?, Enum(a|b)?
std::string shown_type(const PropertyType& type) {
  if (!type.is_enum()) return type_text(type);
  return concat("Enum(", joined(type.enum_values, "|"), type.nullable ? ")?" : ")");
}

std::string shown_annotations(const std::vector<Annotation>& annotations) {
  std::vector<std::string> parts;
  for (const Annotation& annotation : annotations) {
    std::string text = concat("@", annotation.name);
    if (!annotation.values.empty()) text += concat("(", quoted(annotation.values.front()), ")");
    parts.push_back(std::move(text));
  }
  return concat("(", joined(parts, ", "), ")");
}

std::string_view tier_of(std::string_view code) { return code == "OG-MF-106" ? "destructive" : "validated"; }

std::string_view kind_word(StepKind kind) {
  constexpr std::array<std::string_view, 13> kWords{
      "add_type",        "rename_type",   "add_property",      "rename_property",      "add_constraint",
      "drop_constraint", "extend_enum",   "change_type",       "update_type_metadata", "update_property_metadata",
      "drop_type",       "drop_property", "unsupported_change"};
  return kWords[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view type_kind_name(TypeKind kind) {
  constexpr std::array<std::string_view, 3> kNames{"interface", "node", "edge"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string constraint_text(const ConstraintSpec& constraint) {
  switch (constraint.kind) {
    case ConstraintSpec::Kind::kKey: return concat("@key(", joined(constraint.columns, ", "), ")");
    case ConstraintSpec::Kind::kUnique: return concat("@unique(", joined(constraint.columns, ", "), ")");
    case ConstraintSpec::Kind::kIndex: return concat("@index(", joined(constraint.columns, ", "), ")");
    case ConstraintSpec::Kind::kRange:
      return concat("@range(", constraint.range.property, ", ", range_text(constraint.range), ")");
    case ConstraintSpec::Kind::kCheck:
      return concat("@check(", constraint.check.property, ", ", quoted(constraint.check.pattern), ")");
    case ConstraintSpec::Kind::kCard: return concat("@card(", card_text(constraint), ")");
  }
  return {};
}

void write_step(JsonWriter& json, const MigrationStep& step) {
  json.begin_object().key("kind").string(kind_word(step.kind));
  const std::string_view mode = step.hard ? "hard" : "soft";
  if (step.kind == StepKind::kUnsupported) {
    json.key("entity").string(step.entity).key("reason").string(step.reason);
    if (!step.code.empty()) json.key("code").string(step.code);
    json.end_object();
    return;
  }
  json.key("type_kind").string(type_kind_name(step.type_kind));
  switch (step.kind) {
    case StepKind::kAddType: json.key("name").string(step.type_name); break;
    case StepKind::kRenameType: json.key("from").string(step.from).key("to").string(step.to); break;
    case StepKind::kAddProperty:
      json.key("type_name").string(step.type_name).key("property_name").string(step.property_name);
      json.key("property_type");
      write_type(json, step.property_type);
      break;
    case StepKind::kRenameProperty:
      json.key("type_name").string(step.type_name).key("from").string(step.from).key("to").string(step.to);
      break;
    case StepKind::kAddConstraint:
    case StepKind::kDropConstraint:
      json.key("type_name").string(step.type_name).key("constraint");
      write_constraint(json, step.constraint);
      break;
    case StepKind::kExtendEnum:
      json.key("type_name").string(step.type_name).key("property_name").string(step.property_name);
      json.key("added_values").begin_array();
      for (const std::string& value : step.added_values) json.string(value);
      json.end_array();
      break;
    case StepKind::kChangeType:
      json.key("type_name").string(step.type_name).key("property_name").string(step.property_name).key("from_type");
      write_type(json, step.from_type);
      json.key("to_type");
      write_type(json, step.property_type);
      break;
    case StepKind::kUpdateTypeMetadata:
      json.key("name").string(step.type_name);
      write_annotations(json, step.annotations);
      break;
    case StepKind::kUpdatePropertyMetadata:
      json.key("type_name").string(step.type_name).key("property_name").string(step.property_name);
      write_annotations(json, step.annotations);
      break;
    case StepKind::kDropType: json.key("name").string(step.type_name).key("mode").string(mode); break;
    case StepKind::kDropProperty:
      json.key("type_name").string(step.type_name).key("property_name").string(step.property_name);
      json.key("mode").string(mode);
      break;
    case StepKind::kUnsupported: break;
  }
  json.end_object();
}

std::string step_text(const MigrationStep& step) {
  const std::string kind(type_kind_name(step.type_kind));
  const std::string type = concat(kind, " '", step.type_name, "'");
  const auto property = [&](const std::string& name) { return concat("'", step.type_name, ".", name, "'"); };
  const std::string mode = step.hard ? " (hard mode)" : " (soft mode)";
  switch (step.kind) {
    case StepKind::kAddType: return concat("add ", kind, " type '", step.type_name, "'");
    case StepKind::kRenameType: return concat("rename ", kind, " type '", step.from, "' -> '", step.to, "'");
    case StepKind::kAddProperty:
      return concat("add property ", property(step.property_name), " (", shown_type(step.property_type), ") on ", type);
    case StepKind::kRenameProperty:
      return concat("rename property ", property(step.from), " -> ", property(step.to), " on ", type);
    case StepKind::kAddConstraint: return concat("add constraint ", constraint_text(step.constraint), " on ", type);
    case StepKind::kDropConstraint: return concat("drop constraint ", constraint_text(step.constraint), " on ", type);
    case StepKind::kExtendEnum: {
      std::vector<std::string> added;
      for (const std::string& value : step.added_values) added.push_back(concat("+", value));
      return concat("extend enum ", property(step.property_name), " (", joined(added, ", "), ") on ", type);
    }
    case StepKind::kChangeType:
      return concat("change type of ", property(step.property_name), " ", shown_type(step.from_type), " -> ",
                    shown_type(step.property_type), " on ", type);
    case StepKind::kUpdateTypeMetadata:
      return concat("update metadata on ", type, " ", shown_annotations(step.annotations));
    case StepKind::kUpdatePropertyMetadata:
      return concat("update metadata on property ", property(step.property_name), " of ", type, " ",
                    shown_annotations(step.annotations));
    case StepKind::kDropType: return concat("drop ", kind, " type '", step.type_name, "'", mode);
    case StepKind::kDropProperty: return concat("drop property ", property(step.property_name), " of ", type, mode);
    case StepKind::kUnsupported: {
      const std::string bracket =
          step.code.empty() ? std::string() : concat(" [", step.code, ", ", tier_of(step.code), "]");
      return concat("unsupported change on ", step.entity, bracket, ": ", step.reason);
    }
  }
  return {};
}

Error step_refusal(const MigrationStep& step) {
  return bad_request(step.code.empty() ? step.reason : concat("[", step.code, "] ", step.reason));
}

}  // namespace omnigraph::schema
