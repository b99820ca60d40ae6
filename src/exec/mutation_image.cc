#include "exec/mutation_image.h"

#include <algorithm>
#include <array>

#include "columnar/builder.h"
#include "exec/filter_kernel.h"
#include "exec/key_lookup.h"
#include "graph/staged_rows.h"

namespace omnigraph::exec {
namespace {

constexpr std::size_t kScanRows = 4096;
// Rows of a batch handed to the write path.
constexpr std::size_t kHandOverRows = 16'384;
// Keys of system columns in columns_, beside property indexes.
constexpr std::uint32_t kIdColumn = 0xffffffffu;
constexpr std::uint32_t kSourceColumn = 0xfffffffeu;
constexpr std::uint32_t kDestinationColumn = 0xfffffffdu;

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

Result<const Column*> TypeImage::system(query::WhereField field) {
  return property(field == query::WhereField::kFrom ? kSourceColumn : kDestinationColumn);
}

// Base rows by an index, if the predicate allows: the whole key of a node, an endpoint of an edge.
Result<std::optional<std::vector<Ordinal>>> TypeImage::indexed_matches(const ImagePredicate& predicate) {
  using Found = std::optional<std::vector<Ordinal>>;
  if (predicate.op != query::CompareOp::kEqual) return Found();
  if (predicate.field == query::WhereField::kProperty) {
    const std::vector<std::string>& key = catalog_.constraints_of(type_).key;
    const schema::Property& property = catalog_.properties_of(type_)[predicate.property];
    if (type_.kind != schema::EntityKind::kNode || key.size() != 1 || key[0] != property.name) return Found();
    const KeyText text = key_text(property.type.scalar, predicate.value);
    if (text.outcome == KeyText::Outcome::kUnknown) return Found();
    if (text.outcome == KeyText::Outcome::kNoRow) return Found(std::vector<Ordinal>());
    OG_ASSIGN_OR_RETURN(const Ordinal row, base_->find(text.text));
    return Found(row == kNoOrdinal ? std::vector<Ordinal>() : std::vector<Ordinal>{row});
  }
  if (predicate.value.kind != Value::Kind::kString) return Found();
  const schema::EdgeType& edge = catalog_.edges[type_.index];
  const bool from = predicate.field == query::WhereField::kFrom;
  OG_ASSIGN_OR_RETURN(const auto nodes, snapshot_.node_table(from ? edge.source_index : edge.target_index));
  OG_ASSIGN_OR_RETURN(const Ordinal node, nodes->find(predicate.value.text));
  if (node == kNoOrdinal) return Found();
  OG_ASSIGN_OR_RETURN(const auto adjacency, snapshot_.adjacency(type_.index, from ? graph::AdjacencyDirection::kOut
                                                                                  : graph::AdjacencyDirection::kIn));
  const auto edges = adjacency->edges(node);
  std::vector<Ordinal> rows(edges.begin(), edges.end());
  std::ranges::sort(rows);
  return Found(std::move(rows));
}

Result<std::vector<Ordinal>> TypeImage::base_matches(const ImagePredicate& predicate) {
  OG_ASSIGN_OR_RETURN(auto indexed, indexed_matches(predicate));
  if (indexed.has_value()) return std::move(*indexed);
  std::vector<Ordinal> found;
  if (base_->physical_rows() == 0) return found;
  OG_ASSIGN_OR_RETURN(const Column* column, predicate.field == query::WhereField::kProperty
                                                ? property(predicate.property)
                                                : system(predicate.field));
  RowFilter filter;
  filter.set_variable(0, 1);
  filter.add(column_predicate(*column, predicate.op, predicate.value));
  std::array<std::uint8_t, kScanRows> storage;
  for (Ordinal first = 0; first < base_->physical_rows();) {
    const std::size_t count = std::min<std::size_t>(kScanRows, base_->physical_rows() - first);
    const std::span<std::uint8_t> mask(storage.data(), count);
    std::ranges::fill(mask, std::uint8_t{1});
    filter.mask_range(first, mask);
    for (std::size_t i = 0; i < count; ++i) {
      const Ordinal row = first + static_cast<Ordinal>(i);
      if (mask[i] != 0 && !base_->is_deleted(row)) found.push_back(row);
    }
    first += static_cast<Ordinal>(count);
  }
  return found;
}

Result<bool> TypeImage::row_holds(const ImageRow& row, const ImagePredicate& predicate) {
  Value value;
  if (predicate.field == query::WhereField::kFrom) {
    value = Value::of_text(row.source);
  } else if (predicate.field == query::WhereField::kTo) {
    value = Value::of_text(row.destination);
  } else if (row.cells[predicate.property].kind == Cell::Kind::kBase) {
    OG_ASSIGN_OR_RETURN(const Column* column, property(predicate.property));
    value = column->value(row.base);
  } else {
    value = value_of(row.cells[predicate.property].scalar);
  }
  return compare(predicate.op, value, predicate.value) == Truth::kTrue;
}

Result<std::vector<ImageMatch>> TypeImage::matches(const ImagePredicate& predicate) {
  std::vector<ImageMatch> out;
  if (predicate.value.is_null()) return out;
  OG_ASSIGN_OR_RETURN(const std::vector<Ordinal> base, base_matches(predicate));
  for (const Ordinal row : base) {
    if (!by_base_.contains(row) && !removed_.contains(row)) out.push_back({false, row});
  }
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    if (!rows_[i].live) continue;
    OG_ASSIGN_OR_RETURN(const bool holds, row_holds(rows_[i], predicate));
    if (holds) out.push_back({true, i});
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
      if (cell.kind == Cell::Kind::kBase) {
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

Result<void> TypeImage::put_rows(graph::WriteTransaction& transaction, const std::vector<const ImageRow*>& rows,
                                 graph::PutMode mode, bool generated) {
  if (rows.empty()) return {};
  auto staged = std::make_shared<graph::StagedRows>(catalog_, type_);
  for (std::size_t begin = 0; begin < rows.size(); begin += kHandOverRows) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kHandOverRows, rows.size() - begin));
    OG_ASSIGN_OR_RETURN(auto batch, batch_of({first, first + count}));
    OG_RETURN_IF_ERROR(staged->append(std::move(batch)));
  }
  transaction.put(std::move(staged), mode, generated);
  return {};
}

Result<void> TypeImage::hand_over(graph::WriteTransaction& transaction, bool generated) {
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
  OG_RETURN_IF_ERROR(put_rows(transaction, merged, graph::PutMode::kMerge, false));
  return put_rows(transaction, drawn, graph::PutMode::kAppend, true);
}

}  // namespace omnigraph::exec
