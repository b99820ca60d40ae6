#include "exec/ordered_start.h"

#include <algorithm>
#include <array>
#include <utility>

#include "exec/ordered_lookup.h"
#include "graph/indexed_table.h"

namespace omnigraph::exec {
namespace {

// Rows of a file, by value, tested at a time.
constexpr std::size_t kWalkRows = 256;

// Walks one file's index from the end that comes first.
class FirstRows {
 public:
  FirstRows(const ScanSource& source, const Column& column, bool descending)
      : source_(source), column_(column), descending_(descending) {}

  // Appends the first `count` rows that pass, and those equal to the last; false if that takes more than `rows_max`.
  bool walk(const index::OrderedIndex& index, Ordinal start, std::uint64_t count, std::size_t rows_max,
            std::vector<Ordinal>& out) {
    const std::size_t size = index.rows().size();
    const std::size_t before = out.size();
    for (std::size_t at = 0; at < size;) {
      const std::size_t end = std::min(size, at + kWalkRows);
      rows_.clear();
      for (; at < end; ++at) {
        const Ordinal row = start + index.rows()[descending_ ? size - 1 - at : at];
        if (!source_.table->is_deleted(row)) rows_.push_back(row);
      }
      std::ranges::fill(mask_, std::uint8_t{1});
      source_.filter.mask_rows(rows_, std::span(mask_).first(rows_.size()));
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        const std::size_t found = out.size() - before;
        if (found >= count && order(column_.value(rows_[i]), column_.value(out[before + count - 1])) != 0) return true;
        if (mask_[i] != 0) out.push_back(rows_[i]);
      }
      if (at > rows_max) return false;
    }
    // All of the file that have a place in the index: nulls come next, and NaN.
    return out.size() - before >= count || (index.null_count() == 0 && index.nan_count() == 0);
  }

 private:
  const ScanSource& source_;
  const Column& column_;
  const bool descending_;
  std::vector<Ordinal> rows_;
  std::array<std::uint8_t, kWalkRows> mask_{};
};

}  // namespace

Result<void> start_at_first(Pipeline& pipeline, const query::ReadQuery& read, std::uint64_t count, Runtime& runtime) {
  if (!pipeline.source.has_value() || !pipeline.operators.empty() || pipeline.empty || read.order.empty()) return {};
  ScanSource& source = *pipeline.source;
  const query::Expr& key = resolve_alias(read.order[0].expr, read);
  if (source.is_lookup() || key.kind != query::ExprKind::kProperty || key.variable != source.variable) return {};
  const bool descending = read.order[0].descending;
  const graph::TableView& table = *source.table;
  const std::size_t rows_max = table.physical_rows() / kRowsScannedPerFound;
  if (count == 0 || count > rows_max) return {};
  const auto indexes = graph::ordered_indexes(table, key.property);
  const auto& fragments = table.manifest().fragments;
  std::size_t uncovered = 0;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (indexes[i] == nullptr) {
      uncovered += fragments[i].physical_rows;
    } else if ((descending ? indexes[i]->nan_count() : indexes[i]->null_count()) > 0) {
      return {};
    }
  }
  const bool none = std::ranges::all_of(indexes, [](const auto& each) { return each == nullptr; });
  if (none || uncovered > rows_max) return {};
  OG_ASSIGN_OR_RETURN(const Column* column, runtime.property(runtime.type_of(source.variable), key.property));
  FirstRows first(source, *column, descending);
  std::vector<Ordinal> rows;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const Ordinal start = table.fragment_start(i);
    if (indexes[i] != nullptr) {
      if (!first.walk(*indexes[i], start, count, rows_max, rows)) return {};
      continue;
    }
    const auto end = start + static_cast<Ordinal>(fragments[i].physical_rows);
    for (Ordinal row = start; row < end; ++row) {
      if (!table.is_deleted(row)) rows.push_back(row);
    }
  }
  std::ranges::sort(rows);
  pipeline.rows = pipeline.cost = source.estimated_rows = static_cast<double>(rows.size());
  source.listed = std::move(rows);
  return {};
}

}  // namespace omnigraph::exec
