// One data file of a table in the making: which columns of the layout it has, and the writing of its rows. A property
// without any value is left out, but never a struct's header (chapter 10 section 8.1).
// Not thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/prepare_files.h"
#include "lance/file_writer.h"

namespace omnigraph::graph {

class TableFile {
 public:
  // A column of this file; of a struct only the children that have values.
  struct Column {
    std::size_t index = 0;  // in the layout
    columnar::Field field;
    std::vector<std::size_t> children;
    std::vector<std::int32_t> field_ids;
  };
  // Whether any row of the file has a value in a column of the layout, or in a child of a struct column.
  using HasValues = std::function<bool(std::size_t column, std::optional<std::size_t> child)>;

  // `layout` must outlive the file.
  TableFile(const TableLayout& layout, const HasValues& has_values);

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }

  // The next three in this order; append as often as needed.
  void open(bool packed, lance::ByteSink sink);
  // `arrays`: all columns of the layout.
  [[nodiscard]] Result<void> append(const std::vector<columnar::ArrayPtr>& arrays, std::int64_t length);
  // The manifest's entry for the file; `row_count` is checked. REQUIRES: open() ran.
  [[nodiscard]] Result<lance::DataFileEntry> finish(std::string path, std::uint64_t row_count);
  [[nodiscard]] std::uint64_t bytes_so_far() const { return writer_->bytes_so_far(); }

 private:
  [[nodiscard]] std::vector<lance::ColumnSpec> specs();

  const TableLayout& layout_;
  std::vector<Column> columns_;
  std::vector<std::int32_t> id_of_written_;  // manifest's field id of each id inside the file
  std::unique_ptr<lance::FileWriter> writer_;
};

}  // namespace omnigraph::graph
