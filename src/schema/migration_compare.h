// The planner's parts that compare one type with what it was. Inner to this room.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/migration.h"

namespace omnigraph::schema {

// What interfaces, nodes and edges have in common.
struct DeclaredType {
  TypeKind kind = TypeKind::kNode;
  std::uint32_t index = 0;  // in its catalog
  const std::string* name = nullptr;
  const std::vector<Property>* properties = nullptr;
  const std::vector<Annotation>* annotations = nullptr;  // null: interfaces have none
  TypeConstraints constraints;                           // of an interface: what its properties declare

  [[nodiscard]] const Property* find(std::string_view property) const;
  [[nodiscard]] TypeRef ref() const { return {kind == TypeKind::kEdge ? EntityKind::kEdge : EntityKind::kNode, index}; }
};
[[nodiscard]] DeclaredType declared(const Catalog& catalog, TypeKind kind, std::uint32_t index);

// One type that both schemas have.
struct TypePair {
  DeclaredType before, after;
  const TypeMatch* match = nullptr;
  std::map<std::string, std::string, std::less<>> new_names;  // of accepted properties that stay
  [[nodiscard]] const Property* before_of(std::size_t property) const {
    const auto& at = match->properties[property];
    return at ? &(*before.properties)[*at] : nullptr;
  }
};

// Where steps go, with the names of one type filled in.
class StepList {
 public:
  StepList(std::vector<MigrationStep>& steps, TypeKind kind, std::string type_name)
      : steps_(steps), kind_(kind), type_name_(std::move(type_name)) {}

  MigrationStep& add(StepKind kind, std::string property = {}) {
    MigrationStep& step = steps_.emplace_back();
    step.kind = kind;
    step.type_kind = kind_;
    step.type_name = type_name_;
    step.property_name = std::move(property);
    return step;
  }
  // `reason` complete but for ` is not supported in schema migration v1`.
  void unsupported(std::string_view property, std::string reason, std::string code = {}, std::string tail = {});
  // A condition of a validated change that does not hold; its reason names the entities.
  void violated(std::string_view property, const std::string& what, const Violations& violations, std::string code);
  [[nodiscard]] std::string subject(std::string_view property) const {  // 'T.p'
    return std::string("'").append(type_name_).append(".").append(property).append("'");
  }
  [[nodiscard]] const std::string& type_name() const { return type_name_; }

 private:
  [[nodiscard]] std::string entity(std::string_view property) const;
  std::vector<MigrationStep>& steps_;
  TypeKind kind_;
  std::string type_name_;
};

// One property that both have, or (before null) a new one.
[[nodiscard]] Result<void> compare_property(const TypePair& pair, std::size_t property, const MigrationOptions& options,
                                            StepList& steps);
[[nodiscard]] Result<void> compare_constraints(const TypePair& pair, const MigrationOptions& options, StepList& steps);
[[nodiscard]] Result<void> compare_cardinality(const TypePair& pair, const EdgeType& before, const EdgeType& after,
                                               const MigrationOptions& options, StepList& steps);
// The part of annotations that a migration may change: @description and @instruction.
[[nodiscard]] std::vector<Annotation> documentation(const std::vector<Annotation>& annotations);
[[nodiscard]] bool same_custom_annotations(const std::vector<Annotation>& a, const std::vector<Annotation>& b);
[[nodiscard]] bool same_documentation(const std::vector<Annotation>& a, const std::vector<Annotation>& b);

}  // namespace omnigraph::schema
