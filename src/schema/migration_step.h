// One step of a migration plan, and how it is shown: JSON, a human line, the refusal (chapter 01 sections 9 and 10).
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_writer.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

enum class TypeKind : std::uint8_t { kInterface, kNode, kEdge };
[[nodiscard]] std::string_view type_kind_name(TypeKind kind);  // interface, node, edge

// A constraint by itself, in the names of one schema.
struct ConstraintSpec {
  enum class Kind : std::uint8_t { kKey, kUnique, kIndex, kRange, kCheck, kCard };
  Kind kind = Kind::kUnique;
  std::vector<std::string> columns{};  // kKey, kUnique, kIndex: by name; kRange, kCheck: one
  RangeConstraint range{};             // kRange
  CheckConstraint check{};             // kCheck
  std::uint32_t card_min = 0;          // kCard
  std::uint32_t card_max = kUnbounded;
};
[[nodiscard]] std::string constraint_text(const ConstraintSpec& constraint);  // @range(p, ..5)

enum class StepKind : std::uint8_t {
  kAddType,
  kRenameType,
  kAddProperty,
  kRenameProperty,
  kAddConstraint,
  kDropConstraint,
  kExtendEnum,
  kChangeType,
  kUpdateTypeMetadata,
  kUpdatePropertyMetadata,
  kDropType,
  kDropProperty,
  kUnsupported,
};

// Which members count depends on `kind`. Names are those of the desired schema, of dropped things the accepted ones.
struct MigrationStep {
  StepKind kind = StepKind::kUnsupported;
  TypeKind type_kind = TypeKind::kNode;
  std::string type_name{};
  std::string property_name{};
  std::string from{};  // renames
  std::string to{};
  PropertyType property_type{};  // kAddProperty; kChangeType: what it becomes
  PropertyType from_type{};      // kChangeType
  ConstraintSpec constraint{};
  std::vector<std::string> added_values{};  // kExtendEnum, sorted
  std::vector<Annotation> annotations{};    // metadata: the complete new set
  bool hard = false;                        // drops
  std::string entity{};                     // kUnsupported: node:T or node:T.p
  std::string reason{};
  std::string code{};  // may be empty
};

void write_step(base::JsonWriter& json, const MigrationStep& step);
[[nodiscard]] std::string step_text(const MigrationStep& step);
// What an apply of an unsupported step answers: `[CODE] reason`, or `reason`. kBadRequest.
[[nodiscard]] Error step_refusal(const MigrationStep& step);

}  // namespace omnigraph::schema
