// Operation descriptors: what a query returns, reads and writes (chapter 02 section 10).
#include <algorithm>
#include <set>
#include <utility>

#include "query/lint.h"
#include "query/types.h"

namespace omnigraph::query {
namespace {

using schema::Catalog;
using schema::EntityKind;
using schema::ScalarType;
using schema::TypeRef;

std::string_view scalar_kind(ScalarType type) {
  switch (type) {
    case ScalarType::kString: return "string";
    case ScalarType::kBool: return "bool";
    case ScalarType::kI32:
    case ScalarType::kU32: return "int";
    case ScalarType::kI64:
    case ScalarType::kU64: return "bigint";
    case ScalarType::kF32:
    case ScalarType::kF64: return "float";
    case ScalarType::kDate: return "date";
    case ScalarType::kDateTime: return "datetime";
    case ScalarType::kBlob: return "blob";
  }
  return "object";
}

// Node before edge, then by name: Catalog keeps both sorted.
using TypeSet = std::set<TypeRef>;

std::vector<TypeUse> type_uses(const TypeSet& types, const Catalog& catalog) {
  std::vector<TypeUse> uses;
  for (const TypeRef type : types) uses.push_back({std::string(schema::kind_name(type.kind)), catalog.name_of(type)});
  return uses;
}

void add_edge(TypeSet& types, const Catalog& catalog, std::uint32_t edge) {
  types.insert({EntityKind::kEdge, edge});
  types.insert({EntityKind::kNode, catalog.edges[edge].source_index});
  types.insert({EntityKind::kNode, catalog.edges[edge].target_index});
}

TypeSet read_types(const ReadQuery& read, const Catalog& catalog) {
  TypeSet types;
  // Variables of `not` blocks are in the same table.
  for (const Variable& variable : read.variables) {
    if (variable.type.kind == EntityKind::kNode) types.insert(variable.type);
  }
  std::vector<const Block*> blocks{&read.match};
  while (!blocks.empty()) {
    const Block* block = blocks.back();
    blocks.pop_back();
    for (const Traversal& traversal : block->traversals) add_edge(types, catalog, traversal.edge_type);
    for (const Block& negation : block->negations) blocks.push_back(&negation);
    for (const Block& optional : block->optionals) blocks.push_back(&optional);
  }
  return types;
}

void add_mutation_types(const Mutation& mutation, const Catalog& catalog, TypeSet& reads, TypeSet& writes) {
  reads.insert(mutation.type);
  writes.insert(mutation.type);
  if (mutation.kind == ast::MutationKind::kInsert && mutation.type.kind == EntityKind::kEdge) {
    add_edge(reads, catalog, mutation.type.index);
  }
  if (mutation.kind != ast::MutationKind::kDelete || mutation.type.kind != EntityKind::kNode) return;
  for (std::uint32_t edge = 0; edge < catalog.edges.size(); ++edge) {
    const schema::EdgeType& type = catalog.edges[edge];
    if (type.source_index != mutation.type.index && type.target_index != mutation.type.index) continue;
    reads.insert({EntityKind::kEdge, edge});
    writes.insert({EntityKind::kEdge, edge});
  }
}

FieldDescriptor describe_projection(const Projection& projection) {
  FieldDescriptor field = describe(projection.name, projection.expr.type);
  switch (projection.expr.kind) {
    case ExprKind::kTextMatch:
    case ExprKind::kFuzzy:
    case ExprKind::kBm25:
    case ExprKind::kRrf: field.nullable = false; break;
    default: break;
  }
  return field;
}

}  // namespace

FieldDescriptor describe(std::string name, const schema::PropertyType& type) {
  FieldDescriptor field{
      .name = std::move(name), .kind = std::string(scalar_kind(type.scalar)), .nullable = type.nullable};
  if (type.list) field.item_kind = std::exchange(field.kind, "list");
  if (type.is_vector()) {
    field.kind = "vector";
    field.vector_dim = type.vector_dimension;
  }
  return field;
}

Operation describe_operation(const BoundQuery& query) {
  Operation operation;
  TypeSet reads;
  TypeSet writes;
  if (query.read) {
    for (const Projection& projection : query.read->projections) {
      operation.result.push_back(describe_projection(projection));
    }
    reads = read_types(*query.read, *query.catalog);
  }
  for (const Mutation& mutation : query.mutations) add_mutation_types(mutation, *query.catalog, reads, writes);
  operation.reads = type_uses(reads, *query.catalog);
  operation.writes = type_uses(writes, *query.catalog);
  return operation;
}

}  // namespace omnigraph::query
