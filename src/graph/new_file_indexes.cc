#include "graph/new_file_indexes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/warning.h"
#include "columnar/kernels.h"
#include "graph/collecting_transaction.h"
#include "graph/derived_data.h"
#include "graph/make_index.h"
#include "graph/staged_rows.h"
#include "graph/store_indexes.h"

namespace omnigraph::graph {
namespace {

using columnar::ArrayPtr;
using columnar::ChunkedArray;

ArrayPtr copy_of(const columnar::Array& array) {
  std::vector<std::uint32_t> all(static_cast<std::size_t>(array.length()));
  std::iota(all.begin(), all.end(), 0u);
  return columnar::take(array, all);
}

}  // namespace

void FileIndexing::leave(schema::TypeRef type, const std::string& path) {
  const std::lock_guard lock(mutex_);
  left_[type].insert(path);
}

FileIndexing::Files FileIndexing::left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

void index_files(WriteTransaction& transaction, std::shared_ptr<FileIndexing> indexing) {
  if (auto* collecting = dynamic_cast<CollectingTransaction*>(&transaction)) {
    collecting->index_files(std::move(indexing));
  }
}

bool declares_texts(const schema::Catalog& catalog, schema::TypeRef type) {
  return std::ranges::any_of(declared_indexes(catalog, type),
                             [](const DeclaredIndex& declared) { return declared.kind == index::IndexKind::kText; });
}

NewFileIndexes::NewFileIndexes(const TableState& table, const TableLayout& layout, const TableFile& file,
                               std::uint64_t rows, FileIndexing* indexing)
    : table_(table), layout_(layout), rows_(rows), indexing_(indexing) {
  if (indexing == nullptr || rows < kLoadIndexedRowsMin) return;
  spilled_ = std::ranges::any_of(table.pieces, [](const StagedPiece& p) { return p.rows->spilled_bytes() > 0; });
  for (const DeclaredIndex& declared : declared_indexes(*table.catalog, table.type)) {
    if (declared.kind == index::IndexKind::kWords) continue;  // only fuzzy() would use them
    if (declared.property == kIdColumn) {
      add(declared.kind, {0}, file);
    } else if (declared.property == kEndpointColumns) {
      add(declared.kind, {layout.system_columns - 2, layout.system_columns - 1}, file);
    } else {
      add(declared.kind, {layout.system_columns + declared.property}, file);
    }
  }
}

void NewFileIndexes::add(index::IndexKind kind, std::vector<std::size_t> columns, const TableFile& file) {
  NewIndex made{.kind = kind, .columns = std::move(columns), .field_ids = {}};
  for (const std::size_t column : made.columns) {
    const auto found = std::ranges::find(file.columns(), column, &TableFile::Column::index);
    if (found == file.columns().end()) return;  // nothing but nulls
    made.field_ids.insert(made.field_ids.end(), found->field_ids.begin(), found->field_ids.end());
  }
  made.held.resize(made.columns.size());
  if (kind == index::IndexKind::kText) made.text.emplace(index::TermKind::kToken);
  indexes_.push_back(std::move(made));
}

void NewFileIndexes::append(std::size_t i, const std::vector<ArrayPtr>& arrays) {
  NewIndex& made = indexes_[i];
  if (made.left) return;
  if (made.text) return made.text->append(*arrays[made.columns.front()]);
  for (std::size_t c = 0; c < made.columns.size(); ++c) {
    const ArrayPtr& array = arrays[made.columns[c]];
    if (spilled_) made.held_bytes += array_bytes(*array);
    made.left = made.left || made.held_bytes > indexing_->held_bytes_max();
    if (!made.left) made.held[c].push_back(spilled_ ? copy_of(*array) : array);
  }
  if (made.left) made.held.clear();
}

void NewFileIndexes::store(std::size_t i, objectstore::ObjectStore& store, const lance::DataFileEntry& file) {
  NewIndex& made = indexes_[i];
  if (made.left) {
    // Long texts in their order: reading them back would take the memory that was to be spared; `optimize` makes it.
    if (made.kind != index::IndexKind::kOrdered) indexing_->leave(table_.type, file.path);
    return;
  }
  if (const auto stored = put(made, store, file); !stored) {
    base::warn("index_not_stored",
               "an index of new rows is not there until `omnigraph optimize`: " + stored.error().message);
  }
}

Result<void> NewFileIndexes::put(NewIndex& made, objectstore::ObjectStore& store,
                                 const lance::DataFileEntry& file) const {
  std::vector<std::int32_t> columns;
  for (const std::int32_t id : made.field_ids) {
    const auto at = std::ranges::find(file.fields, id) - file.fields.begin();
    columns.push_back(file.column_indices[static_cast<std::size_t>(at)]);
  }
  const index::IndexSource source{
      .kind = made.kind, .rows = rows_, .parameters = index_parameters(index_recipe(made.kind), columns)};
  Buffer bytes;
  if (made.text) {
    bytes = made.text->finish(source.parameters);
    made.text.reset();
  } else {
    std::vector<ChunkedArray> values;
    for (std::size_t c = 0; c < made.columns.size(); ++c) {
      values.emplace_back(layout_.fields[made.columns[c]].type, std::move(made.held[c]));
    }
    bytes = make_index(source, values.front(), values.back());
  }
  // One that a power loss tears is told by its checksum and made again.
  return store.put(index_key(made.kind, file.path, source.parameters), bytes.bytes(),
                   objectstore::Durability::kWriteBack);
}

}  // namespace omnigraph::graph
