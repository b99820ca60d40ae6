#include "exec/runtime.h"

#include <utility>

#include "exec/path_finder.h"

namespace omnigraph::exec {

Error query_error(std::string message) { return bad_request("query: " + std::move(message)); }

const columnar::Scalar& Runtime::scalar(const query::Expr& expr) const {
  switch (expr.kind) {
    case query::ExprKind::kParameter: return parameters_[expr.parameter];
    case query::ExprKind::kNow: return now_;
    default: OG_CHECK(expr.kind == query::ExprKind::kLiteral); return expr.literal;
  }
}

Result<graph::TableViewPtr> Runtime::table(schema::TypeRef type) {
  auto& entry = tables_[type];
  if (entry == nullptr) {
    OG_ASSIGN_OR_RETURN(entry, snapshot_.table(type));
  }
  return entry;
}

Result<const Column*> Runtime::property(schema::TypeRef type, std::uint32_t property) {
  auto& entry = columns_[{type, property}];
  if (entry == nullptr) {
    OG_ASSIGN_OR_RETURN(const auto view, table(type));
    OG_ASSIGN_OR_RETURN(auto data, property == kIdColumn ? view->ids() : view->property(property));
    entry = std::make_unique<Column>(std::move(data));
  }
  return entry.get();
}

Result<const Column*> Runtime::ids(schema::TypeRef type) { return property(type, kIdColumn); }

Result<std::shared_ptr<const PathFinder>> Runtime::path_finder(std::uint32_t path) {
  auto& entry = path_finders_[path];
  if (entry == nullptr) {
    OG_ASSIGN_OR_RETURN(entry, PathFinder::make(query_.read->paths[path].traversal, *this));
  }
  return entry;
}

void Runtime::fail(Error error) {
  {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_.has_value()) failure_ = std::move(error);
  }
  stop();
}

Result<void> Runtime::check_failure() const {
  const std::lock_guard lock(failure_mutex_);
  if (failure_.has_value()) return std::unexpected(*failure_);
  return {};
}

Result<const index::Adjacency*> Runtime::adjacency(std::uint32_t edge_type, graph::AdjacencyDirection direction) {
  auto& entry = adjacency_[{edge_type, direction}];
  if (entry == nullptr) {
    OG_ASSIGN_OR_RETURN(entry, snapshot_.adjacency(edge_type, direction));
  }
  return entry.get();
}

}  // namespace omnigraph::exec
