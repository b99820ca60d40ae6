#include "exec/mutate.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "base/ulid.h"
#include "columnar/builder.h"
#include "exec/evaluation_scope.h"
#include "exec/key_lookup.h"
#include "exec/mutation_image.h"
#include "exec/mutation_value.h"
#include "exec/row_condition.h"
#include "graph/identity.h"

namespace omnigraph::exec {
namespace {

using query::Expr;
using query::ExprKind;
using query::Mutation;
using schema::EntityKind;
using schema::TypeRef;

class MutationExecution {
 public:
  MutationExecution(const query::BoundQuery& query, const std::vector<columnar::Scalar>& parameters,
                    graph::WriteTransaction& transaction, const MutateContext& context)
      : query_(query),
        catalog_(*query.catalog),
        parameters_(parameters),
        transaction_(transaction),
        context_(context),
        now_{columnar::DateTimeValue{context.now_ms}} {}

  Result<MutationCounts> run() {
    for (const Mutation& statement : query_.mutations) OG_RETURN_IF_ERROR(run_statement(statement));
    if (counts_.affected_nodes == 0 && counts_.affected_edges == 0) return counts_;
    for (const TypeRef& type : reads_) transaction_.note_read(type);
    for (auto& [type, image] : images_) {
      const bool generated = type.kind == EntityKind::kEdge || catalog_.constraints_of(type).key.empty();
      OG_RETURN_IF_ERROR(image->hand_over(transaction_, generated, context_.vectors));
    }
    return counts_;
  }

 private:
  Result<void> run_statement(const Mutation& statement) {
    switch (statement.kind) {
      case query::ast::MutationKind::kInsert:
        return statement.type.kind == EntityKind::kNode ? insert_node(statement) : insert_edge(statement);
      case query::ast::MutationKind::kUpdate: return update(statement);
      case query::ast::MutationKind::kDelete: return remove(statement);
    }
    return {};
  }

  const columnar::Scalar& scalar(const Expr& expr) const {
    if (expr.kind == ExprKind::kParameter) return parameters_[expr.parameter];
    return expr.kind == ExprKind::kNow ? now_ : expr.literal;
  }

  Result<TypeImage*> image(TypeRef type) {
    auto& entry = images_[type];
    if (entry == nullptr) {
      OG_ASSIGN_OR_RETURN(auto base, transaction_.base()->table(type));
      entry = std::make_unique<TypeImage>(*transaction_.base(), catalog_, type, std::move(base));
    }
    OG_RETURN_IF_ERROR(entry->unfold());
    return entry.get();
  }

  // Whether a vector that is not given follows from its text. One that must be there and has no text is told of when
  // the rows are checked.
  bool may_fill(const schema::Property& property) const { return context_.vectors != nullptr && property.embed; }

  // The constants of the query alone; an insert has no row.
  RowFields constants() const {
    return {{}, [this](const Expr& expr) -> const columnar::Scalar& { return scalar(expr); }};
  }

  Result<Cell> cell_of(const query::Assignment& assignment, TypeRef type, const RowFields& fields) const {
    const schema::Property& property = catalog_.properties_of(type)[assignment.property];
    const EvaluationScope scope;
    OG_ASSIGN_OR_RETURN(const Value computed, evaluate_row(assignment.value, fields));
    const columnar::Scalar value = scalar_of(computed);
    Cell cell;
    cell.kind = property.type.is_blob() ? Cell::Kind::kBlob : Cell::Kind::kScalar;
    if (value.is_null()) {
      if (property.type.nullable || may_fill(property)) return cell;
      const std::vector<std::string>& key = catalog_.constraints_of(type).key;
      if (std::ranges::find(key, property.name) != key.end()) {
        return std::unexpected(bad_request("insert @key property '" + property.name + "' cannot contain null"));
      }
      return std::unexpected(bad_request("non-nullable property '" + property.name + "' of " + catalog_.name_of(type) +
                                         " cannot be set to null"));
    }
    if (property.type.is_blob()) {
      const auto* text = std::get_if<std::string>(&value.value);
      if (text == nullptr) {
        return std::unexpected(bad_request("cannot convert value to Blob for property '" + property.name +
                                           "': it takes a String or Blob parameter"));
      }
      OG_ASSIGN_OR_RETURN(cell.blob, blob_value(*text, property, context_));
      return cell;
    }
    OG_ASSIGN_OR_RETURN(cell.scalar, converted_value(value, property, catalog_.name_of(type)));
    return cell;
  }

  Result<std::vector<Cell>> inserted_cells(const Mutation& statement) const {
    const auto& properties = catalog_.properties_of(statement.type);
    std::vector<Cell> cells(properties.size());
    std::vector<bool> assigned(properties.size());
    for (std::size_t p = 0; p < properties.size(); ++p) {
      cells[p].kind = properties[p].type.is_blob() ? Cell::Kind::kBlob : Cell::Kind::kScalar;
    }
    for (const query::Assignment& assignment : statement.assignments) {
      OG_ASSIGN_OR_RETURN(cells[assignment.property], cell_of(assignment, statement.type, constants()));
      assigned[assignment.property] = true;
    }
    for (std::size_t p = 0; p < properties.size(); ++p) {
      if (!assigned[p] && !properties[p].type.nullable && !may_fill(properties[p])) {
        return std::unexpected(bad_request("missing required property '" + properties[p].name + "'"));
      }
    }
    return cells;
  }

  // The id that follows from the key, or a drawn one.
  Result<std::string> node_id(TypeRef type, const std::vector<Cell>& cells) const {
    const schema::NodeType& node = catalog_.nodes[type.index];
    if (node.constraints.key.empty()) return base::new_ulid();
    std::vector<std::string> texts;
    for (const std::string& member : key_members(*transaction_.base(), catalog_, type)) {
      const std::size_t p = node.index_of(member);
      columnar::ArrayBuilder builder(schema::column_type(node.properties[p].type));
      builder.append_scalar(cells[p].scalar);
      OG_ASSIGN_OR_RETURN(std::string text, graph::canonical_key_text(*builder.finish(), 0, node.properties[p].type));
      texts.push_back(std::move(text));
    }
    return graph::id_of_key(texts);
  }

  Result<void> insert_node(const Mutation& statement) {
    OG_ASSIGN_OR_RETURN(auto cells, inserted_cells(statement));
    OG_ASSIGN_OR_RETURN(std::string id, node_id(statement.type, cells));
    OG_ASSIGN_OR_RETURN(TypeImage * nodes, image(statement.type));
    OG_ASSIGN_OR_RETURN(ImageRow * row, nodes->put(std::move(id)));
    row->cells = std::move(cells);
    for (const graph::FilledColumn& column : filled_columns(statement.type)) {
      const auto vector = static_cast<std::uint32_t>(column.property);
      if (row->cells[vector].scalar.is_null()) row->filled.insert(vector);
    }
    ++counts_.affected_nodes;
    return {};
  }

  std::vector<graph::FilledColumn> filled_columns(TypeRef type) const {
    if (context_.vectors == nullptr) return {};
    return graph::filled_columns(catalog_, type);
  }

  // Whether vectors may follow from what an update assigns, row by row.
  bool sets_filled_text(const Mutation& statement) const {
    return std::ranges::any_of(filled_columns(statement.type), [&](const graph::FilledColumn& column) {
      return std::ranges::find(statement.assignments, column.source, &query::Assignment::property) !=
             statement.assignments.end();
    });
  }

  // Vectors of a row that the statement leaves to their text: it sets the text to something else, or there was none.
  // Those that it assigns follow the text no longer.
  Result<std::set<std::uint32_t>> filled_after(const Mutation& statement, const std::vector<Cell>& values,
                                               TypeImage& rows, const ImageMatch& match) const {
    std::set<std::uint32_t> filled;
    if (match.changed) filled = rows.rows()[match.at].filled;
    for (const graph::FilledColumn& column : filled_columns(statement.type)) {
      const auto vector = static_cast<std::uint32_t>(column.property);
      const auto assigned = [&](std::size_t property) {
        return std::ranges::find(statement.assignments, property, &query::Assignment::property);
      };
      if (assigned(vector) != statement.assignments.end()) {
        filled.erase(vector);
        continue;
      }
      const auto text = assigned(column.source);
      if (text == statement.assignments.end()) continue;
      const columnar::Scalar& next = values[static_cast<std::size_t>(text - statement.assignments.begin())].scalar;
      const auto* next_text = std::get_if<std::string>(&next.value);
      OG_ASSIGN_OR_RETURN(const Value before, rows.value_of_property(match, static_cast<std::uint32_t>(column.source)));
      const bool was_text = before.kind == Value::Kind::kString;
      const bool same = next_text == nullptr ? !was_text : was_text && before.text == *next_text;
      OG_ASSIGN_OR_RETURN(const Value stored, rows.value_of_property(match, vector));
      if (!same || stored.kind == Value::Kind::kNull) filled.insert(vector);
    }
    return filled;
  }

  Result<std::string> endpoint(const std::optional<Expr>& expr, std::string_view name, TypeRef type) const {
    if (expr.has_value()) {
      const EvaluationScope scope;
      OG_ASSIGN_OR_RETURN(const Value value, evaluate_row(*expr, constants()));
      if (value.kind == Value::Kind::kString) return std::string(value.text);
    }
    return std::unexpected(bad_request("insert of edge '" + catalog_.name_of(type) + "' needs a node id in '" +
                                       std::string(name) + "', not null"));
  }

  Result<void> insert_edge(const Mutation& statement) {
    OG_ASSIGN_OR_RETURN(std::string source, endpoint(statement.from, "from", statement.type));
    OG_ASSIGN_OR_RETURN(std::string destination, endpoint(statement.to, "to", statement.type));
    OG_ASSIGN_OR_RETURN(auto cells, inserted_cells(statement));
    OG_ASSIGN_OR_RETURN(TypeImage * edges, image(statement.type));
    ImageRow row;
    row.id = base::new_ulid();
    row.source = std::move(source);
    row.destination = std::move(destination);
    row.cells = std::move(cells);
    edges->append(std::move(row));
    ++counts_.affected_edges;
    return {};
  }

  Result<std::vector<ImageMatch>> matches(const Mutation& statement, TypeImage& rows) {
    OG_CHECK(statement.where.has_value());
    reads_.insert(statement.type);
    return rows.matches(*statement.where, constants().constant);
  }

  // The new cells of one row: all right-hand sides see it as it was.
  Result<std::vector<Cell>> updated_cells(const Mutation& statement, const TypeImage& rows,
                                          const ImageMatch& match) const {
    const RowFields fields{[&](const Expr& expr) { return rows.field(match, expr); }, constants().constant};
    std::vector<Cell> cells;
    for (const query::Assignment& assignment : statement.assignments) {
      OG_ASSIGN_OR_RETURN(Cell cell, cell_of(assignment, statement.type, fields));
      cells.push_back(std::move(cell));
    }
    return cells;
  }

  // Values that hold for every row are converted once, and are checked even if no row matches.
  Result<std::optional<std::vector<Cell>>> constant_cells(const Mutation& statement) const {
    std::vector<Cell> cells;
    bool all = true;
    for (const query::Assignment& assignment : statement.assignments) {
      if (!is_row_constant(assignment.value)) {
        all = false;
        continue;
      }
      OG_ASSIGN_OR_RETURN(Cell cell, cell_of(assignment, statement.type, constants()));
      cells.push_back(std::move(cell));
    }
    if (!all) return std::optional<std::vector<Cell>>();
    return std::optional(std::move(cells));
  }

  Result<void> update(const Mutation& statement) {
    OG_ASSIGN_OR_RETURN(TypeImage * rows, image(statement.type));
    OG_ASSIGN_OR_RETURN(const auto constant, constant_cells(statement));
    OG_ASSIGN_OR_RETURN(const auto found, matches(statement, *rows));
    (statement.type.kind == EntityKind::kNode ? counts_.affected_nodes : counts_.affected_edges) += found.size();
    if (constant.has_value() && rows->is_untouched() && !sets_filled_text(statement)) {
      std::vector<Ordinal> changed;
      for (const ImageMatch& match : found) changed.push_back(match.at);
      std::vector<std::pair<std::uint32_t, Cell>> values;
      for (std::size_t i = 0; i < constant->size(); ++i) {
        values.emplace_back(static_cast<std::uint32_t>(statement.assignments[i].property), (*constant)[i]);
      }
      rows->change_all(std::move(changed), std::move(values));
      return {};
    }
    for (const query::Assignment& assignment : statement.assignments) {
      OG_RETURN_IF_ERROR(rows->open_fields(assignment.value));
    }
    for (const ImageMatch& match : found) {
      std::vector<Cell> computed;
      if (!constant.has_value()) {
        OG_ASSIGN_OR_RETURN(computed, updated_cells(statement, *rows, match));
      }
      const std::vector<Cell>& values = constant.has_value() ? *constant : computed;
      OG_ASSIGN_OR_RETURN(auto filled, filled_after(statement, values, *rows, match));
      OG_ASSIGN_OR_RETURN(ImageRow * row, rows->change(match));
      row->filled = std::move(filled);
      for (std::size_t i = 0; i < values.size(); ++i) row->cells[statement.assignments[i].property] = values[i];
    }
    return {};
  }

  Result<void> remove(const Mutation& statement) {
    OG_ASSIGN_OR_RETURN(TypeImage * rows, image(statement.type));
    OG_ASSIGN_OR_RETURN(const auto found, matches(statement, *rows));
    if (statement.type.kind == EntityKind::kEdge) {
      for (const ImageMatch& match : found) rows->remove(match);
      counts_.affected_edges += found.size();
      return {};
    }
    OG_RETURN_IF_ERROR(remove_incident(statement.type, *rows, found));
    for (const ImageMatch& match : found) rows->remove(match);
    counts_.affected_nodes += found.size();
    return {};
  }

  // Deletes the edges, of any type, at either end of the nodes.
  Result<void> remove_incident(TypeRef type, TypeImage& nodes, const std::vector<ImageMatch>& found) {
    std::vector<Ordinal> base;
    std::unordered_set<std::string> ids;
    for (const ImageMatch& match : found) {
      const Ordinal row = match.changed ? nodes.rows()[match.at].base : match.at;
      if (row != kNoOrdinal) base.push_back(row);
      OG_ASSIGN_OR_RETURN(std::string id, nodes.id_of(match));
      ids.insert(std::move(id));
    }
    for (std::uint32_t e = 0; e < catalog_.edges.size(); ++e) {
      const schema::EdgeType& edge = catalog_.edges[e];
      if (edge.source_index == type.index)
        OG_RETURN_IF_ERROR(remove_edges(e, base, ids, graph::AdjacencyDirection::kOut));
      if (edge.target_index == type.index)
        OG_RETURN_IF_ERROR(remove_edges(e, base, ids, graph::AdjacencyDirection::kIn));
    }
    return {};
  }

  Result<void> remove_edges(std::uint32_t edge_type, const std::vector<Ordinal>& nodes,
                            const std::unordered_set<std::string>& ids, graph::AdjacencyDirection direction) {
    const TypeRef type{EntityKind::kEdge, edge_type};
    // An edge that another writer adds to one of these nodes must not survive them.
    reads_.insert(type);
    OG_ASSIGN_OR_RETURN(TypeImage * edges, image(type));
    if (!nodes.empty()) {
      OG_ASSIGN_OR_RETURN(const auto adjacency, transaction_.base()->adjacency(edge_type, direction));
      for (const Ordinal node : nodes) {
        for (const Ordinal edge : adjacency->edges(node)) counts_.affected_edges += edges->remove_base(edge) ? 1 : 0;
      }
    }
    for (std::uint32_t i = 0; i < edges->rows().size(); ++i) {
      const ImageRow& row = edges->rows()[i];
      if (!row.live || row.base != kNoOrdinal) continue;
      if (!ids.contains(direction == graph::AdjacencyDirection::kOut ? row.source : row.destination)) continue;
      edges->remove({true, i});
      ++counts_.affected_edges;
    }
    return {};
  }

  const query::BoundQuery& query_;
  const schema::Catalog& catalog_;
  const std::vector<columnar::Scalar>& parameters_;
  graph::WriteTransaction& transaction_;
  const MutateContext& context_;
  const columnar::Scalar now_;
  std::map<TypeRef, std::unique_ptr<TypeImage>> images_;
  std::set<TypeRef> reads_;
  MutationCounts counts_;
};

}  // namespace

Result<MutationCounts> execute_mutation(const query::BoundQuery& query, const std::vector<columnar::Scalar>& parameters,
                                        graph::WriteTransaction& transaction, const MutateContext& context) {
  if (!query.is_mutation()) return std::unexpected(bad_request("query '" + query.name + "' is a read; run it as one"));
  return MutationExecution(query, parameters, transaction, context).run();
}

}  // namespace omnigraph::exec
