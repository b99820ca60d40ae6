#include "exec/mutation_image.h"

#include <algorithm>
#include <array>
#include <utility>

#include "columnar/builder.h"
#include "columnar/kernels.h"
#include "exec/evaluation_scope.h"
#include "exec/key_lookup.h"
#include "exec/row_condition.h"
#include "graph/put_replacing.h"
#include "graph/staged_rows.h"

namespace omnigraph::exec {
namespace {

using query::Expr;
using query::ExprKind;

// Rows of a batch handed to the write path.
constexpr std::size_t kHandOverRows = 16'384;
// Keys of system columns in columns_, beside property indexes.
constexpr std::uint32_t kIdColumn = 0xffffffffu;
constexpr std::uint32_t kSourceColumn = 0xfffffffeu;
constexpr std::uint32_t kDestinationColumn = 0xfffffffdu;

std::uint32_t column_key(const Expr& field) {
  switch (field.kind) {
    case ExprKind::kEntityId: return kIdColumn;
    case ExprKind::kEdgeFrom: return kSourceColumn;
    case ExprKind::kEdgeTo: return kDestinationColumn;
    default: return field.property;
  }
}

// `field op constant`, on either side.
std::optional<ImagePredicate> simple_predicate(const Expr& part, const ConstantOf& constant) {
  if (part.kind != ExprKind::kCompare) return std::nullopt;
  const Expr& left = part.args[0];
  const Expr& right = part.args[1];
  if (is_field(left) && is_row_constant(right)) return ImagePredicate{&left, part.op, value_of(constant(right))};
  const bool list = is_row_constant(left) && value_of(constant(left)).kind == Value::Kind::kScalars;
  if (part.op == query::CompareOp::kContains && list && is_field(right)) {
    return ImagePredicate{&right, query::CompareOp::kEqual, value_of(constant(left)), true};
  }
  const bool ordered = part.op != query::CompareOp::kContains && part.op != query::CompareOp::kStartsWith;
  if (!ordered || !is_row_constant(left) || !is_field(right)) return std::nullopt;
  return ImagePredicate{&right, mirrored(part.op), value_of(constant(left))};
}

}  // namespace

Result<const Column*> TypeImage::property(std::uint32_t index) {
  std::unique_ptr<Column>& column = columns_[index];
  if (column == nullptr) {
    OG_ASSIGN_OR_RETURN(auto data, index == kIdColumn            ? base_->ids()
                                   : index == kSourceColumn      ? base_->sources()
                                   : index == kDestinationColumn ? base_->destinations()
                                                                 : base_->property(index));
    column = std::make_unique<Column>(std::move(data));
  }
  return column.get();
}

Result<void> TypeImage::open_fields(const Expr& expr) {
  if (is_field(expr)) OG_RETURN_IF_ERROR(property(column_key(expr)));
  for (const Expr& arg : expr.args) OG_RETURN_IF_ERROR(open_fields(arg));
  return {};
}

Value TypeImage::field(const ImageMatch& match, const Expr& expr) const {
  Ordinal base = match.at;
  if (match.changed) {
    const ImageRow& row = rows_[match.at];
    if (expr.kind == ExprKind::kEntityId) return Value::of_text(row.id);
    if (expr.kind == ExprKind::kEdgeFrom) return Value::of_text(row.source);
    if (expr.kind == ExprKind::kEdgeTo) return Value::of_text(row.destination);
    const Cell& cell = row.cells[expr.property];
    if (cell.kind == Cell::Kind::kBlob) return cell.blob == nullptr ? Value() : Value::of_bool(true);
    if (cell.kind == Cell::Kind::kScalar) return value_of(cell.scalar);
    base = row.base;
  }
  return columns_.at(column_key(expr))->value(base);
}

// Base rows by an index, if the predicate allows: the id or the whole key of a node, an endpoint of an edge.
Result<std::optional<std::vector<Ordinal>>> TypeImage::indexed_rows(const ImagePredicate& predicate) {
  using Found = std::optional<std::vector<Ordinal>>;
  const bool node = type_.kind == schema::EntityKind::kNode;
  const ExprKind kind = predicate.field->kind;
  if (predicate.op != query::CompareOp::kEqual) return Found();
  if (predicate.member) return indexed_members(predicate);
  const auto by_id = [&](std::string_view id) -> Result<Found> {
    OG_ASSIGN_OR_RETURN(const Ordinal row, base_->find(id));
    return Found(row == kNoOrdinal ? std::vector<Ordinal>() : std::vector<Ordinal>{row});
  };
  if (kind == ExprKind::kProperty) {
    const std::vector<std::string>& key = catalog_.constraints_of(type_).key;
    const schema::Property& property = catalog_.properties_of(type_)[predicate.field->property];
    if (!node || key.size() != 1 || key[0] != property.name) return Found();
    const KeyText text = key_text(property.type.scalar, predicate.value);
    if (text.outcome == KeyText::Outcome::kUnknown) return Found();
    if (text.outcome == KeyText::Outcome::kNoRow) return Found(std::vector<Ordinal>());
    return by_id(text.text);
  }
  if (predicate.value.kind != Value::Kind::kString) return Found();
  if (kind == ExprKind::kEntityId) return by_id(predicate.value.text);
  const schema::EdgeType& edge = catalog_.edges[type_.index];
  const bool from = kind == ExprKind::kEdgeFrom;
  OG_ASSIGN_OR_RETURN(const auto nodes, snapshot_.node_table(from ? edge.source_index : edge.target_index));
  OG_ASSIGN_OR_RETURN(const Ordinal end, nodes->find(predicate.value.text));
  if (end == kNoOrdinal) return Found();
  OG_ASSIGN_OR_RETURN(const auto adjacency, snapshot_.adjacency(type_.index, from ? graph::AdjacencyDirection::kOut
                                                                                  : graph::AdjacencyDirection::kIn));
  const auto edges = adjacency->edges(end);
  std::vector<Ordinal> rows(edges.begin(), edges.end());
  std::ranges::sort(rows);
  return Found(std::move(rows));
}

// The rows of all items, if each of them has an answer.
Result<std::optional<std::vector<Ordinal>>> TypeImage::indexed_members(const ImagePredicate& predicate) {
  using Found = std::optional<std::vector<Ordinal>>;
  std::vector<Ordinal> all;
  for (const columnar::Scalar& item : *predicate.value.scalars) {
    if (item.is_null()) continue;
    OG_ASSIGN_OR_RETURN(const auto rows, indexed_rows({predicate.field, predicate.op, value_of(item)}));
    if (!rows.has_value()) return Found();
    all.insert(all.end(), rows->begin(), rows->end());
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return Found(std::move(all));
}

Result<RowFilter> TypeImage::filter_of(const std::vector<ImagePredicate>& predicates) {
  RowFilter filter;
  filter.set_variable(0, 1);
  for (const ImagePredicate& predicate : predicates) {
    OG_ASSIGN_OR_RETURN(const Column* column, property(column_key(*predicate.field)));
    filter.add(predicate.member ? member_predicate(*column, predicate.value)
                                : column_predicate(*column, predicate.op, predicate.value));
  }
  return filter;
}

// Live base rows that satisfy the predicates, ascending.
Result<std::vector<Ordinal>> TypeImage::base_candidates(const std::vector<ImagePredicate>& predicates) {
  std::vector<Ordinal> found;
  if (base_->physical_rows() == 0) return found;
  OG_ASSIGN_OR_RETURN(const RowFilter filter, filter_of(predicates));
  for (const ImagePredicate& predicate : predicates) {
    OG_ASSIGN_OR_RETURN(auto rows, indexed_rows(predicate));
    if (!rows.has_value()) continue;
    std::vector<std::uint8_t> mask(rows->size(), 1);
    filter.mask_rows(*rows, mask);
    for (std::size_t i = 0; i < rows->size(); ++i) {
      if (mask[i] != 0) found.push_back((*rows)[i]);
    }
    return found;
  }
  Selection selection;
  std::array<Ordinal, Selection::kListedMax> passing;
  for (Ordinal first = 0; first < base_->physical_rows();) {
    const std::size_t count = std::min<std::size_t>(Selection::kRowsMax, base_->physical_rows() - first);
    selection.select_all(filter.variable(), first, count);
    selection.drop(base_->deleted_words());
    filter.select(selection);
    found.insert(found.end(), passing.begin(),
                 passing.begin() + static_cast<std::ptrdiff_t>(selection.list(passing.data())));
    first += static_cast<Ordinal>(count);
  }
  return found;
}

Result<std::vector<ImageMatch>> TypeImage::matches(const Expr& where, const ConstantOf& constant) {
  OG_RETURN_IF_ERROR(open_fields(where));
  // Simple parts choose the base rows. Where a part may fail, only those in front of it: they are asked first.
  const bool fallible = may_fail(where);
  std::vector<ImagePredicate> predicates;
  std::vector<const Expr*> rest;
  for (const Expr* part : conjuncts(where)) {
    const auto predicate = simple_predicate(*part, constant);
    if (predicate.has_value() && (rest.empty() || !fallible)) {
      predicates.push_back(*predicate);
    } else {
      rest.push_back(part);
    }
  }
  OG_ASSIGN_OR_RETURN(const std::vector<Ordinal> candidates, base_candidates(predicates));
  ImageMatch at;
  const RowFields fields{[&](const Expr& expr) { return field(at, expr); }, constant};
  const auto holds = [&](const ImageMatch& match, const Expr& condition) -> Result<bool> {
    const EvaluationScope scope;
    at = match;
    OG_ASSIGN_OR_RETURN(const Value v, evaluate_row(condition, fields));
    return v.kind == Value::Kind::kBool && v.integer != 0;
  };
  std::vector<ImageMatch> out;
  for (const Ordinal row : candidates) {
    if (by_base_.contains(row) || removed_.contains(row)) continue;
    bool keeps = true;
    for (std::size_t i = 0; i < rest.size() && keeps; ++i) {
      OG_ASSIGN_OR_RETURN(keeps, holds({false, row}, *rest[i]));
    }
    if (keeps) out.push_back({false, row});
  }
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    if (!rows_[i].live) continue;
    OG_ASSIGN_OR_RETURN(const bool keeps, holds({true, i}, where));
    if (keeps) out.push_back({true, i});
  }
  return out;
}

Result<std::optional<ImageMatch>> TypeImage::find(std::string_view id) {
  using Found = std::optional<ImageMatch>;
  if (const auto it = by_id_.find(std::string(id)); it != by_id_.end()) return Found({true, it->second});
  OG_ASSIGN_OR_RETURN(const Ordinal row, base_->find(id));
  if (row == kNoOrdinal || removed_.contains(row)) return Found();
  return Found({false, row});
}

Result<std::string> TypeImage::id_of(const ImageMatch& match) {
  if (match.changed) return rows_[match.at].id;
  OG_ASSIGN_OR_RETURN(const Column* ids, property(kIdColumn));
  return std::string(ids->text(match.at));
}

Result<Value> TypeImage::value_of_property(const ImageMatch& match, std::uint32_t index) {
  Ordinal base = match.at;
  if (match.changed) {
    const Cell& cell = rows_[match.at].cells[index];
    if (cell.kind == Cell::Kind::kBlob) return cell.blob == nullptr ? Value() : Value::of_bool(true);
    const bool vector = catalog_.properties_of(type_)[index].type.is_vector();
    if (cell.kind == Cell::Kind::kScalar && vector) return cell.scalar.is_null() ? Value() : Value::of_bool(true);
    if (cell.kind == Cell::Kind::kScalar) return value_of(cell.scalar);
    base = rows_[match.at].base;
  }
  OG_ASSIGN_OR_RETURN(const Column* column, property(index));
  const Column::Slot slot = column->slot(base);
  if (slot.array->is_null(slot.index)) return Value();
  return slot.array->type().id == columnar::TypeId::kFixedSizeList ? Value::of_bool(true) : column->value(base);
}

Result<ImageRow*> TypeImage::change(const ImageMatch& match) {
  if (match.changed) return &rows_[match.at];
  ImageRow row;
  row.base = match.at;
  OG_ASSIGN_OR_RETURN(row.id, id_of(match));
  if (type_.kind == schema::EntityKind::kEdge) {
    OG_ASSIGN_OR_RETURN(const Column* sources, property(kSourceColumn));
    OG_ASSIGN_OR_RETURN(const Column* destinations, property(kDestinationColumn));
    row.source = sources->text(match.at);
    row.destination = destinations->text(match.at);
  }
  row.cells.resize(catalog_.properties_of(type_).size());
  const auto index = static_cast<std::uint32_t>(rows_.size());
  by_base_[row.base] = index;
  by_id_[row.id] = index;
  rows_.push_back(std::move(row));
  return &rows_.back();
}

Result<ImageRow*> TypeImage::put(std::string id) {
  OG_ASSIGN_OR_RETURN(const auto found, find(id));
  ImageRow* row = nullptr;
  if (found.has_value()) {
    OG_ASSIGN_OR_RETURN(row, change(*found));
  } else {
    by_id_[id] = static_cast<std::uint32_t>(rows_.size());
    row = &rows_.emplace_back();
    row->id = std::move(id);
  }
  // The whole entity is replaced: nothing of the former row stays.
  row->cells.assign(catalog_.properties_of(type_).size(), Cell{Cell::Kind::kScalar, {}, nullptr});
  row->filled.clear();
  return row;
}

void TypeImage::remove(const ImageMatch& match) {
  if (!match.changed) {
    removed_.insert(match.at);
    return;
  }
  ImageRow& row = rows_[match.at];
  row.live = false;
  by_id_.erase(row.id);
  if (row.base == kNoOrdinal) return;
  removed_.insert(row.base);
  by_base_.erase(row.base);
}

bool TypeImage::remove_base(Ordinal ordinal) {
  if (removed_.contains(ordinal)) return false;
  const auto it = by_base_.find(ordinal);
  remove(it == by_base_.end() ? ImageMatch{false, ordinal} : ImageMatch{true, it->second});
  return true;
}

Result<columnar::Batch> TypeImage::batch_of(const std::vector<const ImageRow*>& rows) {
  columnar::Batch batch;
  batch.fields = graph::staged_fields(catalog_, type_);
  batch.length = static_cast<std::int64_t>(rows.size());
  const std::size_t system_columns = type_.kind == schema::EntityKind::kEdge ? 3 : 1;
  for (std::size_t c = 0; c < batch.fields.size(); ++c) {
    columnar::ArrayBuilder builder(batch.fields[c].type);
    for (const ImageRow* row : rows) {
      if (c < system_columns) {
        builder.append_string(c == 0 ? row->id : c == 1 ? row->source : row->destination);
        continue;
      }
      const auto p = static_cast<std::uint32_t>(c - system_columns);
      const Cell& cell = row->cells[p];
      if (row->filled.contains(p)) {
        builder.append_null();
      } else if (cell.kind == Cell::Kind::kBase) {
        OG_ASSIGN_OR_RETURN(const Column* column, property(p));
        const Column::Slot slot = column->slot(row->base);
        if (slot.array->is_null(slot.index)) {
          builder.append_null();
        } else {
          builder.append_from(*slot.array, slot.index);
        }
      } else if (cell.kind == Cell::Kind::kBlob) {
        append_blob(builder, cell.blob.get());
      } else {
        builder.append_scalar(cell.scalar);
      }
    }
    batch.columns.push_back(builder.finish());
  }
  return batch;
}

std::shared_ptr<const graph::VectorFill> TypeImage::fill_of(const std::vector<const ImageRow*>& rows,
                                                            const std::shared_ptr<graph::TextVectors>& vectors) const {
  const auto filled = [](const ImageRow* row) { return !row->filled.empty(); };
  if (vectors == nullptr || std::ranges::none_of(rows, filled)) return nullptr;
  auto fill = std::make_shared<graph::VectorFill>();
  fill->vectors = vectors;
  for (const graph::FilledColumn& column : graph::filled_columns(catalog_, type_)) {
    graph::VectorFill::Column& out = fill->columns.emplace_back(graph::VectorFill::Column{column});
    for (const ImageRow* row : rows)
      out.rows.push_back(row->filled.contains(static_cast<std::uint32_t>(column.property)));
  }
  return fill;
}

Result<void> TypeImage::put_rows(graph::WriteTransaction& transaction, const std::vector<const ImageRow*>& rows,
                                 graph::PutMode mode, bool generated,
                                 const std::shared_ptr<graph::TextVectors>& vectors) {
  if (rows.empty()) return {};
  auto staged = std::make_shared<graph::StagedRows>(catalog_, type_);
  for (std::size_t begin = 0; begin < rows.size(); begin += kHandOverRows) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kHandOverRows, rows.size() - begin));
    OG_ASSIGN_OR_RETURN(auto batch, batch_of({first, first + count}));
    OG_RETURN_IF_ERROR(staged->append(std::move(batch)));
  }
  graph::put_filled(transaction, std::move(staged), mode, generated, fill_of(rows, vectors));
  return {};
}

Result<void> TypeImage::unfold() {
  const BulkChange bulk = std::exchange(bulk_, {});
  for (const Ordinal row : bulk.rows) {
    OG_ASSIGN_OR_RETURN(ImageRow * changed, change({false, row}));
    for (const auto& [property, cell] : bulk.values) changed->cells[property] = cell;
  }
  return {};
}

// The rows as change_all() leaves them, a column at a time.
Result<columnar::Batch> TypeImage::bulk_batch(std::span<const Ordinal> rows) {
  columnar::Batch batch;
  batch.fields = graph::staged_fields(catalog_, type_);
  batch.length = static_cast<std::int64_t>(rows.size());
  const std::size_t system_columns = type_.kind == schema::EntityKind::kEdge ? 3 : 1;
  for (std::size_t c = 0; c < batch.fields.size(); ++c) {
    const auto p = static_cast<std::uint32_t>(c - system_columns);
    const auto assigned =
        std::ranges::find_if(bulk_.values, [&](const auto& value) { return c >= system_columns && value.first == p; });
    if (assigned != bulk_.values.end()) {
      columnar::ArrayBuilder builder(batch.fields[c].type);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (assigned->second.kind == Cell::Kind::kBlob) {
          append_blob(builder, assigned->second.blob.get());
        } else {
          builder.append_scalar(assigned->second.scalar);
        }
      }
      batch.columns.push_back(builder.finish());
      continue;
    }
    OG_ASSIGN_OR_RETURN(const auto base, c >= system_columns ? base_->property(p)
                                         : c == 0            ? base_->ids()
                                         : c == 1            ? base_->sources()
                                                             : base_->destinations());
    batch.columns.push_back(columnar::take(*base, rows));
  }
  return batch;
}

Result<void> TypeImage::put_bulk(graph::WriteTransaction& transaction) {
  auto staged = std::make_shared<graph::StagedRows>(catalog_, type_);
  const std::span<const Ordinal> rows(bulk_.rows);
  for (std::size_t begin = 0; begin < rows.size(); begin += kHandOverRows) {
    OG_ASSIGN_OR_RETURN(auto batch, bulk_batch(rows.subspan(begin, std::min(kHandOverRows, rows.size() - begin))));
    OG_RETURN_IF_ERROR(staged->append(std::move(batch)));
  }
  graph::put_replacing(transaction, std::move(staged), bulk_.rows);
  return {};
}

Result<void> TypeImage::hand_over(graph::WriteTransaction& transaction, bool generated,
                                  const std::shared_ptr<graph::TextVectors>& vectors) {
  if (!bulk_.rows.empty()) return put_bulk(transaction);
  if (!removed_.empty()) {
    std::vector<Ordinal> gone(removed_.begin(), removed_.end());
    std::ranges::sort(gone);
    transaction.remove(type_, gone);
  }
  std::vector<const ImageRow*> merged;
  std::vector<const ImageRow*> drawn;
  for (const ImageRow& row : rows_) {
    if (row.live) (generated && row.base == kNoOrdinal ? drawn : merged).push_back(&row);
  }
  OG_RETURN_IF_ERROR(put_rows(transaction, merged, graph::PutMode::kMerge, false, vectors));
  return put_rows(transaction, drawn, graph::PutMode::kAppend, true, vectors);
}

}  // namespace omnigraph::exec
