// Insert, update, delete (chapter 02 sections 4 and 9: T10 to T14; chapter 14 section 7: T16).
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
  row_type_ = type;
  Mutation bound{.kind = statement.kind, .type = type, .span = statement.span};
  OG_RETURN_IF_ERROR(bind_assignments(statement, bound));
  if (statement.kind == ast::MutationKind::kInsert) OG_RETURN_IF_ERROR(check_required(statement, bound));
  if (statement.where) {
    OG_ASSIGN_OR_RETURN(bound.where, bind_condition(*statement.where, Place::kRow));
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
    const bool update = statement.kind == ast::MutationKind::kUpdate;
    const bool edge = bound.type.kind == EntityKind::kEdge;
    const bool end = edge && (assignment.property == "from" || assignment.property == "to");
    if (!update && end) {
      OG_RETURN_IF_ERROR(bind_edge_end(assignment, bound));
      continue;
    }
    std::uint32_t index = 0;
    while (index < properties.size() && properties[index].name != assignment.property) ++index;
    if (edge && update && (end || index == properties.size())) {
      return fail("T16",
                  "update of edge type '" + type_text + "' can only assign its declared properties, not '" +
                      assignment.property + "'",
                  assignment.span, "to move an edge, delete it and insert it again");
    }
    if (index == properties.size()) {
      std::vector<std::string> names;
      if (bound.type.kind == EntityKind::kEdge) names = {"from", "to"};
      for (const schema::Property& known : properties) names.push_back(known.name);
      return fail("T11",
                  std::string(schema::kind_name(bound.type.kind)) + " type '" + type_text + "' has no property '" +
                      assignment.property + "'",
                  assignment.span, base::did_you_mean(assignment.property, names));
    }
    if (update && std::find(key.begin(), key.end(), assignment.property) != key.end()) {
      return fail("", "cannot update @key property '" + assignment.property + "' — delete and re-insert instead",
                  assignment.span);
    }
    const ValueTarget target{type_text, assignment.property, properties[index].type, ValueUse::kAssignment};
    OG_ASSIGN_OR_RETURN(Expr value, bind_assigned(assignment.value, target, update ? Place::kRow : Place::kInsert));
    bound.assignments.push_back({index, std::move(value)});
  }
  return {};
}

Result<void> Binder::bind_edge_end(const ast::Assignment& assignment, Mutation& bound) {
  const ValueTarget target{catalog_->name_of(bound.type), assignment.property, scalar_type(ScalarType::kString),
                           ValueUse::kAssignment};
  OG_ASSIGN_OR_RETURN(Expr value, bind_assigned(assignment.value, target, Place::kInsert));
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

// null, a value as in a property map, or an expression over the row as it was.
Result<Expr> Binder::bind_assigned(const ast::Expr& value, const ValueTarget& target, Place place) {
  switch (value.kind) {
    case ast::ExprKind::kNull: return Expr{.kind = ExprKind::kLiteral, .type = target.type, .span = value.span};
    case ast::ExprKind::kLiteral:
    case ast::ExprKind::kList:
    case ast::ExprKind::kVariable:
    case ast::ExprKind::kNow: return bind_value(value, target);
    default: break;
  }
  OG_ASSIGN_OR_RETURN(Expr expr, bind_row_value(value, place));
  if (target.type.is_blob()) {
    return fail("T3", "blob property " + target.text() + " takes no expression", value.span,
                "declare a String or Blob parameter and assign that");
  }
  if (!compatible(expr.type, target.type)) {
    return fail("T7",
                "property " + target.text() + " is " + type_name(target.type) + ", '" + written(value) + "' is " +
                    type_name(expr.type),
                value.span);
  }
  return expr;
}

Result<Expr> Binder::bind_row_value(const ast::Expr& value, Place place) {
  // A vector may be copied from one property to another, though it cannot be compared.
  if (value.kind == ast::ExprKind::kAlias) {
    OG_ASSIGN_OR_RETURN(Expr name, bind_row_name(value, place, Blobs::kAllowed));
    if (!name.type.is_blob()) return name;
    return fail("T24", "blob property '" + value.name + "' cannot be read as a value", value.span);
  }
  return bind_filter_operand(value, place);
}

// A bare name: on an edge `from` and `to` are the endpoints even where properties of these names are declared.
Result<Expr> Binder::bind_row_name(const ast::Expr& name, Place place, Blobs blobs) {
  const std::string& type_text = catalog_->name_of(row_type_);
  const bool edge = row_type_.kind == EntityKind::kEdge;
  if (name.name == "null") {
    return fail("T7", "'null' is not a value: a comparison with null matches no row, use 'is null'", name.span,
                "write 'is null' or 'is not null'");
  }
  if (place == Place::kInsert) {
    return fail("T11", quoted(name.name) + " is not a value: an insert has no row to read a property from", name.span,
                "write a literal, a parameter, null or an expression of these");
  }
  Expr bound{.kind = ExprKind::kProperty, .type = scalar_type(ScalarType::kString), .span = name.span, .variable = 0};
  if (edge && (name.name == "from" || name.name == "to")) {
    bound.kind = name.name == "from" ? ExprKind::kEdgeFrom : ExprKind::kEdgeTo;
    return bound;
  }
  const auto& properties = catalog_->properties_of(row_type_);
  while (bound.property < properties.size() && properties[bound.property].name != name.name) ++bound.property;
  if (bound.property == properties.size() && name.name == "id") {
    bound.kind = ExprKind::kEntityId;
    return bound;
  }
  if (bound.property == properties.size()) {
    std::vector<std::string> names{"id"};
    if (edge) names.insert(names.end(), {"from", "to"});
    for (const schema::Property& known : properties) names.push_back(known.name);
    return fail("T11",
                std::string(schema::kind_name(row_type_.kind)) + " type '" + type_text + "' has no property '" +
                    name.name + "'",
                name.span, base::did_you_mean(name.name, names));
  }
  bound.type = properties[bound.property].type;
  if (bound.type.is_blob() && blobs == Blobs::kRefused) {
    return fail("T11", "blob property '" + type_text + "." + name.name + "' cannot be used in WHERE predicates",
                name.span, "only 'is null' and 'is not null' may ask about a Blob");
  }
  return bound;
}

bool Binder::is_plain_predicate(const ast::Expr& condition) {
  if (condition.op == CompareOp::kContains || condition.op == CompareOp::kStartsWith) return false;
  if (condition.args[0].kind != ast::ExprKind::kAlias) return false;
  switch (condition.args[1].kind) {
    case ast::ExprKind::kLiteral:
    case ast::ExprKind::kList:
    case ast::ExprKind::kVariable:
    case ast::ExprKind::kNow: return true;
    default: return false;
  }
}

Result<Expr> Binder::bind_plain_predicate(const ast::Expr& predicate) {
  const ast::Expr& name = predicate.args[0];
  OG_ASSIGN_OR_RETURN(Expr field, bind_row_name(name, Place::kRow));
  ValueTarget target{catalog_->name_of(row_type_), name.name, field.type, ValueUse::kPredicate};
  if (!target.type.is_plain_scalar()) {
    return fail("T7",
                std::string(target.type.list ? "list" : "vector") + " property " + target.text() +
                    " cannot be compared in where",
                name.span, target.type.list ? "write 'contains' or 'in' for membership" : "");
  }
  OG_ASSIGN_OR_RETURN(Expr value, bind_value(predicate.args[1], target));
  Expr compare{.kind = ExprKind::kCompare,
               .type = scalar_type(ScalarType::kBool, true),
               .span = predicate.span,
               .op = predicate.op};
  compare.args.push_back(std::move(field));
  compare.args.push_back(std::move(value));
  return compare;
}

}  // namespace omnigraph::query
