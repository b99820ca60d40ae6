#include "graph/table_file.h"

#include <algorithm>

namespace omnigraph::graph {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::TypeId;

TableFile::TableFile(const TableLayout& layout, const HasValues& has_values) : layout_(layout) {
  for (std::size_t i = 0; i < layout.fields.size(); ++i) {
    Column column{.index = i, .field = layout.fields[i], .children = {}, .field_ids = layout.field_ids[i]};
    if (column.field.type.id == TypeId::kStruct) {
      std::vector<columnar::Field> kept;
      column.field_ids.resize(1);
      for (std::size_t child = 0; child < layout.fields[i].type.child_count(); ++child) {
        if (!has_values(i, child)) continue;
        column.children.push_back(child);
        column.field_ids.push_back(layout.field_ids[i][child + 1]);
        kept.push_back(layout.fields[i].type.child(child));
      }
      column.field.type = columnar::struct_of(std::move(kept));
    } else if (i >= layout.system_columns && !has_values(i, std::nullopt)) {
      continue;
    }
    columns_.push_back(std::move(column));
  }
}

// The ids of the manifest where they are consecutive within each column, else numbers that only this file uses: the
// manifest's entry decides (chapter 10 section 4.3).
std::vector<lance::ColumnSpec> TableFile::specs() {
  const bool own = std::any_of(columns_.begin(), columns_.end(), [](const Column& column) {
    return column.field_ids.back() - column.field_ids.front() + 1 != static_cast<std::int32_t>(column.field_ids.size());
  });
  std::vector<lance::ColumnSpec> written;
  std::int32_t next = 0;
  for (const Column& column : columns_) {
    const std::int32_t first = own ? next : column.field_ids.front();
    written.push_back({column.field, first, layout_.classes[column.index]});
    for (std::size_t i = 0; i < column.field_ids.size(); ++i) {
      const auto at = static_cast<std::size_t>(first) + i;
      if (id_of_written_.size() <= at) id_of_written_.resize(at + 1, -1);
      id_of_written_[at] = column.field_ids[i];
    }
    next += static_cast<std::int32_t>(column.field_ids.size());
  }
  return written;
}

void TableFile::open(bool packed, lance::ByteSink sink) {
  writer_ = lance::make_file_writer(specs(), {.packed = packed}, std::move(sink));
}

Result<void> TableFile::append(const std::vector<ArrayPtr>& arrays, std::int64_t length) {
  if (length == 0) return {};
  std::vector<ArrayPtr> chosen;
  for (const Column& column : columns_) {
    const ArrayPtr& array = arrays[column.index];
    if (column.field.type.id != TypeId::kStruct) {
      chosen.push_back(array);
      continue;
    }
    Array::Parts parts{.type = column.field.type, .length = length};
    for (const std::size_t child : column.children) parts.children.push_back(array->child(child));
    chosen.push_back(std::make_shared<const Array>(std::move(parts)));
  }
  return writer_->append(chosen, length);
}

Result<lance::DataFileEntry> TableFile::finish(std::string path, std::uint64_t row_count) {
  OG_ASSIGN_OR_RETURN(const lance::WrittenFile written, writer_->finish());
  OG_CHECK(written.row_count == row_count);
  lance::DataFileEntry entry;
  entry.path = std::move(path);
  for (const std::int32_t id : written.fields) entry.fields.push_back(id_of_written_[static_cast<std::size_t>(id)]);
  entry.column_indices = written.column_indices;
  entry.file_size_bytes = written.size_bytes;
  return entry;
}

}  // namespace omnigraph::graph
