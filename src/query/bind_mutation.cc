// Insert, update, delete (chapter 02 sections 4 and 9: T10 to T14, T16).
#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "query/binder.h"

namespace omnigraph::query {

using schema::EntityKind;
using schema::ScalarType;
using schema::TypeRef;

Result<void> Binder::bind_mutations(const std::vector<ast::Mutation>& statements) {
  if (options_.refuse_mixed_writes) {
    if (auto mixing = mixing_error(query_)) return std::unexpected(bad_request(std::move(*mixing)));
  }
  for (const ast::Mutation& statement : statements) {
    OG_ASSIGN_OR_RETURN(Mutation bound, bind_statement(statement));
    bound_->mutations.push_back(std::move(bound));
  }
  return {};
}

// Node types first, then edge types.
Result<TypeRef> Binder::resolve_target(const ast::Mutation& statement) const {
  if (const auto node = catalog_->find_node(statement.type)) return TypeRef{EntityKind::kNode, *node};
  if (const auto edge = catalog_->find_edge(statement.type)) return TypeRef{EntityKind::kEdge, *edge};
  std::vector<std::string> names;
  for (const schema::NodeType& type : catalog_->nodes) names.push_back(type.name);
  for (const schema::EdgeType& type : catalog_->edges) names.push_back(type.name);
  return fail("T10", "unknown node or edge type '" + statement.type + "'", statement.type_span,
              base::did_you_mean(statement.type, names));
}

Result<Mutation> Binder::bind_statement(const ast::Mutation& statement) {
  OG_ASSIGN_OR_RETURN(const TypeRef type, resolve_target(statement));
  if (statement.kind == ast::MutationKind::kUpdate && type.kind == EntityKind::kEdge) {
    return fail("T16", "update of edge type '" + catalog_->name_of(type) + "' is not supported", statement.type_span,
                "delete the edge and insert it again");
  }
  Mutation bound{.kind = statement.kind, .type = type, .span = statement.span};
  OG_RETURN_IF_ERROR(bind_assignments(statement, bound));
  if (statement.kind == ast::MutationKind::kInsert) OG_RETURN_IF_ERROR(check_required(statement, bound));
  if (statement.where) {
    OG_ASSIGN_OR_RETURN(bound.where, bind_where(*statement.where, type));
  }
  return bound;
}

Result<void> Binder::bind_assignments(const ast::Mutation& statement, Mutation& bound) {
  const std::string& type_text = catalog_->name_of(bound.type);
  const auto& properties = catalog_->properties_of(bound.type);
  const auto& key = catalog_->constraints_of(bound.type).key;
  std::set<std::string_view> assigned;
  for (const ast::Assignment& assignment : statement.assignments) {
    if (!assigned.insert(assignment.property).second) {
      return fail("T13", "property '" + assignment.property + "' is assigned twice", assignment.span);
    }
    if (bound.type.kind == EntityKind::kEdge && (assignment.property == "from" || assignment.property == "to")) {
      OG_RETURN_IF_ERROR(bind_edge_end(assignment, bound));
      continue;
    }
    std::uint32_t index = 0;
    while (index < properties.size() && properties[index].name != assignment.property) ++index;
    if (index == properties.size()) {
      std::vector<std::string> names;
      if (bound.type.kind == EntityKind::kEdge) names = {"from", "to"};
      for (const schema::Property& known : properties) names.push_back(known.name);
      return fail("T11", std::string(schema::kind_name(bound.type.kind)) + " type '" + type_text +
                             "' has no property '" + assignment.property + "'",
                  assignment.span, base::did_you_mean(assignment.property, names));
    }
    const bool update = statement.kind == ast::MutationKind::kUpdate;
    if (update && std::find(key.begin(), key.end(), assignment.property) != key.end()) {
      return fail("", "cannot update @key property '" + assignment.property + "' — delete and re-insert instead",
                  assignment.span);
    }
    OG_ASSIGN_OR_RETURN(Expr value, bind_value(assignment.value, {type_text, assignment.property,
                                                                  properties[index].type, ValueUse::kAssignment}));
    bound.assignments.push_back({index, std::move(value)});
  }
  return {};
}

Result<void> Binder::bind_edge_end(const ast::Assignment& assignment, Mutation& bound) {
  const ValueTarget target{catalog_->name_of(bound.type), assignment.property, scalar_type(ScalarType::kString),
                           ValueUse::kAssignment};
  OG_ASSIGN_OR_RETURN(Expr value, bind_value(assignment.value, target));
  (assignment.property == "from" ? bound.from : bound.to) = std::move(value);
  return {};
}

// An omitted vector may be computed from its source when that is assigned.
Result<void> Binder::check_required(const ast::Mutation& statement, const Mutation& bound) const {
  const std::string& type_text = catalog_->name_of(bound.type);
  const auto assigned = [&statement](std::string_view name) {
    return std::any_of(statement.assignments.begin(), statement.assignments.end(),
                       [name](const ast::Assignment& assignment) { return assignment.property == name; });
  };
  if (bound.type.kind == EntityKind::kEdge) {
    for (const std::string_view end : {"from", "to"}) {
      if (!assigned(end)) {
        return fail("T12", "insert of edge '" + type_text + "' needs '" + std::string(end) + "'", statement.type_span,
                    "assign the id of the node at that end");
      }
    }
  }
  for (const schema::Property& property : catalog_->properties_of(bound.type)) {
    if (property.type.nullable || assigned(property.name)) continue;
    if (property.embed && assigned(property.embed->source)) continue;
    const std::string source = property.embed ? " or its @embed source '" + property.embed->source + "'" : "";
    return fail("T12", "insert of '" + type_text + "' omits non-nullable property '" + property.name + "'" + source,
                statement.type_span);
  }
  return {};
}

Result<Predicate> Binder::bind_where(const ast::Predicate& predicate, TypeRef type) {
  const std::string& type_text = catalog_->name_of(type);
  Predicate bound{.op = predicate.op};
  ValueTarget target{type_text, predicate.property, scalar_type(ScalarType::kString), ValueUse::kPredicate};
  if (type.kind == EntityKind::kEdge && (predicate.property == "from" || predicate.property == "to")) {
    bound.field = predicate.property == "from" ? WhereField::kFrom : WhereField::kTo;
    OG_ASSIGN_OR_RETURN(bound.value, bind_value(predicate.value, target));
    return bound;
  }
  const auto& properties = catalog_->properties_of(type);
  while (bound.property < properties.size() && properties[bound.property].name != predicate.property) ++bound.property;
  if (bound.property == properties.size()) {
    std::vector<std::string> names;
    if (type.kind == EntityKind::kEdge) names = {"from", "to"};
    for (const schema::Property& known : properties) names.push_back(known.name);
    return fail("T11", std::string(schema::kind_name(type.kind)) + " type '" + type_text + "' has no property '" +
                           predicate.property + "'",
                predicate.span, base::did_you_mean(predicate.property, names));
  }
  target.type = properties[bound.property].type;
  if (target.type.is_blob()) {
    return fail("T11", "blob property " + target.text() + " cannot be used in WHERE predicates", predicate.span);
  }
  if (!target.type.is_plain_scalar()) {
    return fail("T7", std::string(target.type.list ? "list" : "vector") + " property " + target.text() +
                          " cannot be compared in where",
                predicate.span);
  }
  OG_ASSIGN_OR_RETURN(bound.value, bind_value(predicate.value, target));
  return bound;
}

}  // namespace omnigraph::query
