// Rows of one type on their way into a write: columnar batches, in memory up to a budget, beyond it in a temporary
// local file. Parsed once, used by every attempt of the write.
// Columns: `id` utf8, edges also `src`, `dst` utf8, then every property of the type in catalog order, as
// schema::column_type says (all nullable here; the validation checks for missing values).
// Not thread safe while appending; const afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

[[nodiscard]] std::vector<columnar::Field> staged_fields(const schema::Catalog& catalog, schema::TypeRef type);

class StagedRows {
 public:
  StagedRows(const schema::Catalog& catalog, schema::TypeRef type, std::uint64_t memory_budget_bytes = 256u << 20);
  ~StagedRows();
  StagedRows(const StagedRows&) = delete;
  StagedRows& operator=(const StagedRows&) = delete;

  [[nodiscard]] schema::TypeRef type() const { return type_; }
  [[nodiscard]] const std::vector<columnar::Field>& fields() const { return fields_; }
  [[nodiscard]] std::uint64_t row_count() const { return row_count_; }

  [[nodiscard]] Result<void> append(columnar::Batch batch);
  [[nodiscard]] std::size_t batch_count() const;
  [[nodiscard]] Result<columnar::Batch> batch(std::size_t index) const;  // spilled ones are read back
  [[nodiscard]] std::uint64_t batch_start(std::size_t index) const;      // row number of its first row

 private:
  struct Impl;
  schema::TypeRef type_;
  std::vector<columnar::Field> fields_;
  std::uint64_t row_count_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace omnigraph::graph
