#include "graph/foreign_rows.h"

#include <algorithm>

#include "columnar/kernels.h"
#include "graph/identity.h"
#include "graph/row_equal.h"

namespace omnigraph::graph {
namespace {

using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;

constexpr std::size_t kBatchRows = 8192;

class ForeignChanges {
 public:
  ForeignChanges(const TableDrift& drift, const std::string& key, const Snapshot& head)
      : drift_(drift),
        head_(head),
        catalog_(*head.catalog()),
        type_(type_of_table(catalog_, key)),
        name_(catalog_.name_of(type_)) {}

  Result<void> run(WriteSet& writes) {
    OG_ASSIGN_OR_RETURN(theirs_, drift_.after->table(type_));
    OG_ASSIGN_OR_RETURN(ours_, head_.table(type_));
    OG_ASSIGN_OR_RETURN(RowComparer rows, RowComparer::open(*drift_.before, type_, head_, type_));
    std::vector<std::uint32_t> inserted, updated;
    TableWrites table;
    for (const EntityChange& change : drift_.changes) {
      if (change.before == kNoOrdinal) {
        inserted.push_back(change.after);
        continue;
      }
      OG_ASSIGN_OR_RETURN(const Ordinal now, ours_->find(change.id));
      bool untouched = now != kNoOrdinal;
      if (untouched) {
        OG_ASSIGN_OR_RETURN(untouched, rows.equal(change.before, now));
      }
      if (!untouched) {
        return std::unexpected(conflict(std::string(schema::kind_name(type_.kind)) + " '" + change.id + "' of " +
                                        name_ + " was changed by another tool and by a commit of this graph"));
      }
      if (change.after == kNoOrdinal) {
        table.removed.push_back(now);
      } else {
        updated.push_back(change.after);
      }
    }
    // An id that came here too, meanwhile, is a conflict; an update takes the row it updates.
    OG_RETURN_IF_ERROR(put(inserted, PutMode::kAppend, table));
    OG_RETURN_IF_ERROR(put(updated, PutMode::kMerge, table));
    writes.tables[type_] = std::move(table);
    return {};
  }

 private:
  Result<void> put(const std::vector<std::uint32_t>& ordinals, PutMode mode, TableWrites& table) {
    if (ordinals.empty()) return {};
    OG_ASSIGN_OR_RETURN(const std::vector<ColumnPtr> columns, read_columns());
    auto rows = std::make_shared<StagedRows>(catalog_, type_);
    for (std::size_t at = 0; at < ordinals.size(); at += kBatchRows) {
      const std::span<const std::uint32_t> some(ordinals.data() + at, std::min(kBatchRows, ordinals.size() - at));
      columnar::Batch batch{.fields = rows->fields(), .columns = {}, .length = static_cast<std::int64_t>(some.size())};
      for (const ColumnPtr& column : columns) batch.columns.push_back(columnar::take(*column, some));
      OG_RETURN_IF_ERROR(check_ids(batch));
      OG_RETURN_IF_ERROR(rows->append(std::move(batch)));
    }
    table.puts.push_back({.rows = std::move(rows), .mode = mode, .generated_ids = false});
    return {};
  }

  // As staged_fields() orders them.
  Result<std::vector<ColumnPtr>> read_columns() const {
    std::vector<ColumnPtr> columns;
    OG_ASSIGN_OR_RETURN(ColumnPtr ids, theirs_->ids());
    columns.push_back(std::move(ids));
    if (type_.kind == schema::EntityKind::kEdge) {
      OG_ASSIGN_OR_RETURN(ColumnPtr sources, theirs_->sources());
      columns.push_back(std::move(sources));
      OG_ASSIGN_OR_RETURN(ColumnPtr destinations, theirs_->destinations());
      columns.push_back(std::move(destinations));
    }
    for (std::size_t i = 0; i < catalog_.properties_of(type_).size(); ++i) {
      OG_ASSIGN_OR_RETURN(ColumnPtr column, theirs_->property(i));
      columns.push_back(std::move(column));
    }
    return columns;
  }

  // Every row has an id and, of a keyed type, the one that its key gives (chapter 01 section 6).
  Result<void> check_ids(const columnar::Batch& batch) const {
    const std::size_t system = staged_system_columns(type_.kind);
    for (std::size_t c = 0; c < system; ++c) {
      for (std::int64_t i = 0; i < batch.length; ++i) {
        if (batch.columns[c]->is_valid(i) && !batch.columns[c]->string_value(i).empty()) continue;
        return std::unexpected(bad_request("a row of " + name_ + " has no '" + batch.fields[c].name + "'"));
      }
    }
    const TypeIdentity* identity = head_.record().schema.find(catalog_.table_key(type_));
    if (identity == nullptr || identity->key_order.empty()) return {};
    std::vector<std::string> texts(identity->key_order.size());
    for (std::int64_t i = 0; i < batch.length; ++i) {
      bool complete = true;
      for (std::size_t m = 0; m < texts.size() && complete; ++m) {
        const std::size_t property = catalog_.nodes[type_.index].index_of(identity->key_order[m]);
        const columnar::Array& column = *batch.columns[system + property];
        complete = column.is_valid(i);  // a missing member is the write's to report
        if (!complete) break;
        OG_ASSIGN_OR_RETURN(texts[m], canonical_key_text(column, i, catalog_.properties_of(type_)[property].type));
      }
      if (!complete) continue;
      const std::string derived = id_of_key(texts);
      const std::string_view id = batch.columns[0]->string_value(i);
      if (id == derived) continue;
      return std::unexpected(
          bad_request("a row of " + name_ + " has id '" + std::string(id) + "' where its key gives '" + derived + "'"));
    }
    return {};
  }

  const TableDrift& drift_;
  const Snapshot& head_;
  const schema::Catalog& catalog_;
  const schema::TypeRef type_;
  const std::string& name_;
  TableViewPtr theirs_, ours_;
};

}  // namespace

Result<void> add_foreign_changes(const TableDrift& drift, const std::string& key, const Snapshot& head,
                                 WriteSet& writes) {
  return ForeignChanges(drift, key, head).run(writes);
}

}  // namespace omnigraph::graph
