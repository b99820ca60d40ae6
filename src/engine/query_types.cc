#include "engine/query_types.h"

#include <set>

namespace omnigraph::engine {
namespace {

using schema::EntityKind;
using schema::TypeRef;

class TypeCollector {
 public:
  explicit TypeCollector(const schema::Catalog& catalog) : catalog_(catalog) {}

  void add(const query::ReadQuery& read) {
    for (const query::Variable& variable : read.variables) types_.insert(variable.type);
    add_block(read.match);
  }

  void add(const query::Mutation& mutation) {
    const TypeRef type = mutation.type;
    const bool inserts = mutation.kind == query::ast::MutationKind::kInsert;
    if (type.kind == EntityKind::kEdge) {
      if (!inserts) types_.insert(type);
      add_endpoints(catalog_.edges[type.index]);
      return;
    }
    // A new node without a key gets an id that cannot be there.
    if (!inserts || !catalog_.nodes[type.index].constraints.key.empty()) types_.insert(type);
    if (mutation.kind == query::ast::MutationKind::kDelete) add_edges_of(type.index);
  }

  [[nodiscard]] std::vector<TypeRef> take() const { return {types_.begin(), types_.end()}; }

 private:
  void add_block(const query::Block& block) {
    for (const query::Traversal& step : block.traversals) {
      types_.insert({EntityKind::kEdge, step.edge_type});
      add_endpoints(catalog_.edges[step.edge_type]);
    }
    for (const query::Block& negation : block.negations) add_block(negation);
  }

  void add_endpoints(const schema::EdgeType& edge) {
    types_.insert({EntityKind::kNode, edge.source_index});
    types_.insert({EntityKind::kNode, edge.target_index});
  }

  void add_edges_of(std::uint32_t node) {
    for (std::uint32_t i = 0; i < catalog_.edges.size(); ++i) {
      const schema::EdgeType& edge = catalog_.edges[i];
      if (edge.source_index == node || edge.target_index == node) types_.insert({EntityKind::kEdge, i});
    }
  }

  const schema::Catalog& catalog_;
  std::set<TypeRef> types_;
};

}  // namespace

std::vector<TypeRef> types_read(const query::BoundQuery& query) {
  TypeCollector types(*query.catalog);
  if (query.read) types.add(*query.read);
  for (const query::Mutation& mutation : query.mutations) types.add(mutation);
  return types.take();
}

}  // namespace omnigraph::engine
