// Rows of one type on their way into a write: columnar batches, in memory up to a budget, beyond it in a temporary
// local file. Parsed once, used by every attempt of the write.
// Columns: `id` utf8, edges also `src`, `dst` utf8, then every property of the type in catalog order, as
// schema::column_type says (all nullable here; the validation checks for missing values).
// Not thread safe while appending; const afterwards, and then readable by several threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

[[nodiscard]] std::vector<columnar::Field> staged_fields(const schema::Catalog& catalog, schema::TypeRef type);
// Columns before the first property.
[[nodiscard]] constexpr std::size_t staged_system_columns(schema::EntityKind kind) {
  return kind == schema::EntityKind::kEdge ? 3 : 1;
}
// Bytes that an array's rows take, shared buffers counted as if they were its own.
[[nodiscard]] std::uint64_t array_bytes(const columnar::Array& array);

// Memory that several StagedRows share. Thread safe.
class StagingBudget {
 public:
  explicit StagingBudget(std::uint64_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}
  // False, and nothing taken, when less than `bytes` is left.
  [[nodiscard]] bool take(std::uint64_t bytes) {
    if (left_.fetch_sub(static_cast<std::int64_t>(bytes)) >= static_cast<std::int64_t>(bytes)) return true;
    give_back(bytes);
    return false;
  }
  void give_back(std::uint64_t bytes) { left_.fetch_add(static_cast<std::int64_t>(bytes)); }

 private:
  std::atomic<std::int64_t> left_;
};

// A batch of more rows than this is cut when it is appended, so that what is read back stays small.
inline constexpr std::int64_t kStagedBatchRowsMax = 65'536;

class StagedRows {
 public:
  StagedRows(const schema::Catalog& catalog, schema::TypeRef type, std::uint64_t memory_budget_bytes = 256u << 20);
  StagedRows(const schema::Catalog& catalog, schema::TypeRef type, std::shared_ptr<StagingBudget> budget);
  ~StagedRows();
  StagedRows(const StagedRows&) = delete;
  StagedRows& operator=(const StagedRows&) = delete;

  [[nodiscard]] schema::TypeRef type() const { return type_; }
  [[nodiscard]] const std::vector<columnar::Field>& fields() const { return fields_; }
  [[nodiscard]] std::uint64_t row_count() const { return row_count_; }

  // Columns as fields() says.
  [[nodiscard]] Result<void> append(columnar::Batch batch);
  [[nodiscard]] std::size_t batch_count() const;
  [[nodiscard]] Result<columnar::Batch> batch(std::size_t index) const;  // spilled ones are read back
  // One column of a batch; of a spilled one the others are not touched.
  [[nodiscard]] Result<columnar::ArrayPtr> column(std::size_t index, std::size_t column) const;
  [[nodiscard]] std::uint64_t batch_start(std::size_t index) const;  // row number of its first row
  [[nodiscard]] std::uint64_t batch_rows(std::size_t index) const;
  [[nodiscard]] std::uint64_t batch_bytes(std::size_t index) const;
  // Whether any row of the batch has a value there; `child` counts the children of a struct column.
  [[nodiscard]] bool has_values(std::size_t index, std::size_t column) const;
  [[nodiscard]] bool child_has_values(std::size_t index, std::size_t column, std::size_t child) const;
  [[nodiscard]] std::uint64_t spilled_bytes() const;

 private:
  struct Impl;
  [[nodiscard]] Result<void> append_piece(columnar::Batch batch);
  schema::TypeRef type_;
  std::vector<columnar::Field> fields_;
  std::uint64_t row_count_ = 0;
  std::unique_ptr<Impl> impl_;
};

}  // namespace omnigraph::graph
