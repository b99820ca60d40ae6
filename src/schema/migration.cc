#include "schema/migration.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "schema/migration_compare.h"

namespace omnigraph::schema {
namespace {

TypeConstraints interface_constraints(const InterfaceType& type) {
  TypeConstraints constraints;
  for (const Property& property : type.properties) {
    if (property.declares_key) constraints.key.push_back(property.name);
    if (property.declares_unique) constraints.unique.push_back({property.name});
    if (property.declares_index) constraints.index.push_back({property.name});
  }
  std::ranges::sort(constraints.key);
  std::ranges::sort(constraints.unique);
  std::ranges::sort(constraints.index);
  return constraints;
}

template <class Type>
std::vector<std::uint32_t> by_name(const std::vector<Type>& types) {
  std::vector<std::uint32_t> order(types.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return types[i].name; });
  return order;
}

class Planner {
 public:
  Planner(const Catalog& accepted, const Catalog& desired, SchemaMatch match, const MigrationOptions& options)
      : accepted_(accepted), desired_(desired), options_(options) {
    plan_.match = std::move(match);
  }

  Result<MigrationPlan> run() {
    OG_RETURN_IF_ERROR(types(TypeKind::kInterface, accepted_.interfaces, desired_.interfaces, plan_.match.interfaces));
    OG_RETURN_IF_ERROR(types(TypeKind::kNode, accepted_.nodes, desired_.nodes, plan_.match.nodes));
    OG_RETURN_IF_ERROR(types(TypeKind::kEdge, accepted_.edges, desired_.edges, plan_.match.edges));
    return std::move(plan_);
  }

 private:
  template <class Type>
  Result<void> types(TypeKind kind, const std::vector<Type>& accepted, const std::vector<Type>& desired,
                     const std::vector<TypeMatch>& matches) {
    std::set<std::uint32_t> kept;
    for (const std::uint32_t i : by_name(desired)) {
      StepList steps(plan_.steps, kind, desired[i].name);
      if (!matches[i].accepted) {
        steps.add(StepKind::kAddType);
        continue;
      }
      kept.insert(*matches[i].accepted);
      OG_RETURN_IF_ERROR(compare(accepted[*matches[i].accepted], desired[i], pair_of(kind, i, matches[i]), steps));
    }
    for (const std::uint32_t i : by_name(accepted)) {
      if (kept.contains(i)) continue;
      StepList steps(plan_.steps, kind, accepted[i].name);
      if (kind == TypeKind::kInterface) {
        steps.unsupported("", "removing interface '" + accepted[i].name + "'");
      } else {
        steps.add(StepKind::kDropType).hard = options_.allow_data_loss;
      }
    }
    return {};
  }

  [[nodiscard]] TypePair pair_of(TypeKind kind, std::uint32_t index, const TypeMatch& match) const {
    TypePair pair{declared(accepted_, kind, *match.accepted), declared(desired_, kind, index), &match, {}};
    for (std::size_t i = 0; i < match.properties.size(); ++i) {
      if (const Property* before = pair.before_of(i)) {
        pair.new_names.emplace(before->name, (*pair.after.properties)[i].name);
      }
    }
    return pair;
  }

  template <class Type>
  Result<void> compare(const Type& before, const Type& after, const TypePair& pair, StepList& steps) {
    if (before.name != after.name) {
      MigrationStep& step = steps.add(StepKind::kRenameType);
      step.from = before.name;
      step.to = after.name;
    }
    compare_header(before, after, steps);
    if constexpr (requires { before.annotations; }) compare_annotations(before.annotations, after.annotations, steps);
    for (const std::uint32_t i : by_name(after.properties)) {
      OG_RETURN_IF_ERROR(compare_property(pair, i, options_, steps));
    }
    for (const std::uint32_t i : by_name(before.properties)) {
      const bool kept = pair.new_names.contains(before.properties[i].name);
      if (!kept) steps.add(StepKind::kDropProperty, before.properties[i].name).hard = options_.allow_data_loss;
    }
    OG_RETURN_IF_ERROR(compare_constraints(pair, options_, steps));
    if constexpr (std::is_same_v<Type, EdgeType>) {
      if (options_.data != nullptr) return compare_cardinality(pair, before, after, options_, steps);
    }
    return {};
  }

  static void compare_header(const InterfaceType&, const InterfaceType&, StepList&) {}

  static void compare_header(const NodeType& before, const NodeType& after, StepList& steps) {
    const std::set<std::string> a(before.implements.begin(), before.implements.end());
    const std::set<std::string> b(after.implements.begin(), after.implements.end());
    if (a != b) steps.unsupported("", "changing implemented interfaces on node '" + after.name + "'");
  }

  void compare_header(const EdgeType& before, const EdgeType& after, StepList& steps) const {
    const auto& nodes = plan_.match.nodes;
    if (nodes[after.source_index].accepted != before.source_index ||
        nodes[after.target_index].accepted != before.target_index) {
      steps.unsupported("", "changing edge endpoints on '" + after.name + "'");
    }
    const bool same_card = before.card_min == after.card_min && before.card_max == after.card_max;
    if (!same_card && options_.data == nullptr) {
      steps.unsupported("", "changing cardinality on edge '" + after.name + "'");
    }
  }

  static void compare_annotations(const std::vector<Annotation>& before, const std::vector<Annotation>& after,
                                  StepList& steps) {
    if (!same_custom_annotations(before, after)) {
      steps.unsupported("", "changing annotations beyond @description/@instruction");
    }
    if (!same_documentation(before, after)) {
      steps.add(StepKind::kUpdateTypeMetadata).annotations = documentation(after);
    }
  }

  const Catalog& accepted_;
  const Catalog& desired_;
  const MigrationOptions& options_;
  MigrationPlan plan_;
};

}  // namespace

const Property* DeclaredType::find(std::string_view property) const {
  const auto found = std::ranges::find(*properties, property, &Property::name);
  return found == properties->end() ? nullptr : &*found;
}

DeclaredType declared(const Catalog& catalog, TypeKind kind, std::uint32_t index) {
  switch (kind) {
    case TypeKind::kInterface: {
      const InterfaceType& type = catalog.interfaces[index];
      return {kind, index, &type.name, &type.properties, nullptr, interface_constraints(type)};
    }
    case TypeKind::kNode: {
      const NodeType& type = catalog.nodes[index];
      return {kind, index, &type.name, &type.properties, &type.annotations, type.constraints};
    }
    case TypeKind::kEdge: break;
  }
  const EdgeType& type = catalog.edges[index];
  return {kind, index, &type.name, &type.properties, &type.annotations, type.constraints};
}

std::string StepList::entity(std::string_view property) const {
  std::string text = std::string(type_kind_name(kind_)) + ":" + type_name_;
  if (!property.empty()) text.append(".").append(property);
  return text;
}

void StepList::unsupported(std::string_view property, std::string reason, std::string code, std::string tail) {
  MigrationStep& step = add(StepKind::kUnsupported, std::string(property));
  step.entity = entity(property);
  step.reason = std::move(reason) + " is not supported in schema migration v1" + tail;
  step.code = std::move(code);
}

void StepList::violated(std::string_view property, const std::string& what, const Violations& violations,
                        std::string code) {
  MigrationStep& step = add(StepKind::kUnsupported, std::string(property));
  step.entity = entity(property);
  step.reason = what + ": " + std::to_string(violations.count) + " entities violate it, first: ";
  for (std::size_t i = 0; i < violations.first.size(); ++i) {
    if (i > 0) step.reason += ", ";
    step.reason.append("'").append(violations.first[i]).append("'");
  }
  step.code = std::move(code);
}

const MigrationStep* MigrationPlan::first_unsupported() const {
  const auto found = std::ranges::find(steps, StepKind::kUnsupported, &MigrationStep::kind);
  return found == steps.end() ? nullptr : &*found;
}

Result<MigrationPlan> plan_migration(const Catalog& accepted, const Catalog& desired, SchemaMatch match,
                                     const MigrationOptions& options) {
  return Planner(accepted, desired, std::move(match), options).run();
}

Result<MigrationPlan> plan_migration(const Catalog& accepted, const Catalog& desired, const MigrationOptions& options) {
  OG_ASSIGN_OR_RETURN(SchemaMatch match, match_schemas(accepted, desired));
  return plan_migration(accepted, desired, std::move(match), options);
}

}  // namespace omnigraph::schema
