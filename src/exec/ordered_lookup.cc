#include "exec/ordered_lookup.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "exec/filter_kernel.h"
#include "graph/indexed_table.h"

namespace omnigraph::exec {
namespace {

using query::CompareOp;
using query::Expr;
using query::ExprKind;

struct Comparison {  // of the property, which stands on the left
  CompareOp op;
  const Expr* constant;
};
using Comparisons = std::map<std::uint32_t, std::vector<Comparison>>;  // by property

// `a op b` as `b op a`; nullopt if that is none.
std::optional<CompareOp> turned_around(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual: return CompareOp::kEqual;
    case CompareOp::kLess: return CompareOp::kGreater;
    case CompareOp::kLessEqual: return CompareOp::kGreaterEqual;
    case CompareOp::kGreater: return CompareOp::kLess;
    case CompareOp::kGreaterEqual: return CompareOp::kLessEqual;
    default: return std::nullopt;
  }
}

void collect_comparisons(const Expr& condition, VariableId variable, Comparisons& out) {
  if (condition.kind == ExprKind::kAnd) {
    for (const Expr& arg : condition.args) collect_comparisons(arg, variable, out);
  }
  if (condition.kind != ExprKind::kCompare) return;
  const auto is_own = [&](const Expr& side) { return side.kind == ExprKind::kProperty && side.variable == variable; };
  const Expr& left = condition.args[0];
  const Expr& right = condition.args[1];
  if (is_own(left) && Runtime::is_constant(right)) {
    const bool served = turned_around(condition.op).has_value() || condition.op == CompareOp::kStartsWith;
    if (served) out[left.property].push_back({condition.op, &right});
  } else if (is_own(right) && Runtime::is_constant(left)) {
    if (const auto op = turned_around(condition.op)) out[right.property].push_back({*op, &left});
  }
}

// Places in OrderedIndex::rows().
struct Range {
  std::size_t begin = 0, end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

// Narrows the range to the rows that may pass. What does not compare passes nothing, which the filters see to.
void narrow(Range& range, const index::OrderedIndex& index, const Column& column, Ordinal start, CompareOp op,
            const Value& constant) {
  const auto first_not = [&](CompareOp before) {
    return index.first_not(
        [&](std::uint32_t row) { return compare(before, column.value(start + row), constant) == Truth::kTrue; });
  };
  switch (op) {
    case CompareOp::kEqual:
      range.begin = std::max(range.begin, first_not(CompareOp::kLess));
      range.end = std::min(range.end, first_not(CompareOp::kLessEqual));
      break;
    case CompareOp::kLess: range.end = std::min(range.end, first_not(CompareOp::kLess)); break;
    case CompareOp::kLessEqual: range.end = std::min(range.end, first_not(CompareOp::kLessEqual)); break;
    case CompareOp::kGreater: range.begin = std::max(range.begin, first_not(CompareOp::kLessEqual)); break;
    case CompareOp::kGreaterEqual: range.begin = std::max(range.begin, first_not(CompareOp::kLess)); break;
    case CompareOp::kStartsWith: {
      if (constant.kind != Value::Kind::kString) break;
      range.begin = std::max(range.begin, first_not(CompareOp::kLess));
      const std::size_t end = index.first_not(
          [&](std::uint32_t row) { return column.text(start + row).substr(0, constant.text.size()) <= constant.text; });
      range.end = std::min(range.end, end);
      break;
    }
    default: break;
  }
  range.end = std::max(range.begin, range.end);
}

// What the comparisons of one property leave.
struct Candidates {
  const Column* column = nullptr;
  const std::vector<Comparison>* comparisons = nullptr;
  std::vector<index::OrderedIndexPtr> indexes;  // by fragment
  std::vector<Range> ranges;
  std::size_t found = 0;    // by the indexes, deleted rows included
  std::size_t covered = 0;  // rows of files with an index
};

class OrderedLookup {
 public:
  OrderedLookup(const graph::TableView& table, schema::TypeRef type, Runtime& runtime)
      : table_(table), type_(type), runtime_(runtime) {}

  Result<Candidates> candidates(std::uint32_t property, const std::vector<Comparison>& comparisons) {
    Candidates out;
    out.comparisons = &comparisons;
    const auto& fragments = table_.manifest().fragments;
    out.indexes = graph::ordered_indexes(table_, property);
    out.ranges.resize(fragments.size());
    if (std::ranges::all_of(out.indexes, [](const auto& each) { return each == nullptr; })) return out;
    OG_ASSIGN_OR_RETURN(out.column, runtime_.property(type_, property));
    for (std::size_t i = 0; i < fragments.size(); ++i) {
      if (out.indexes[i] == nullptr) continue;
      out.covered += fragments[i].physical_rows;
      out.ranges[i] = {0, out.indexes[i]->rows().size()};
      for (const Comparison& comparison : comparisons) {
        narrow(out.ranges[i], *out.indexes[i], *out.column, table_.fragment_start(i), comparison.op,
               value_of(runtime_.scalar(*comparison.constant)));
      }
      out.found += out.ranges[i].size();
    }
    return out;
  }

  [[nodiscard]] std::vector<Ordinal> rows_of(const Candidates& candidates) const {
    RowFilter filter;
    for (const Comparison& comparison : *candidates.comparisons) {
      filter.add(column_predicate(*candidates.column, comparison.op, value_of(runtime_.scalar(*comparison.constant))));
    }
    std::vector<Ordinal> rows;
    const auto& fragments = table_.manifest().fragments;
    for (std::size_t i = 0; i < fragments.size(); ++i) {
      const Ordinal start = table_.fragment_start(i);
      if (candidates.indexes[i] == nullptr) {
        test(filter, start, start + static_cast<Ordinal>(fragments[i].physical_rows), rows);
        continue;
      }
      const auto before = static_cast<std::ptrdiff_t>(rows.size());
      const Range& range = candidates.ranges[i];
      for (const std::uint32_t row : candidates.indexes[i]->rows().subspan(range.begin, range.size())) {
        if (!table_.is_deleted(start + row)) rows.push_back(start + row);
      }
      std::sort(rows.begin() + before, rows.end());
    }
    return rows;
  }

 private:
  void test(const RowFilter& filter, Ordinal begin, Ordinal end, std::vector<Ordinal>& out) const {
    std::vector<Ordinal> rows;
    std::array<std::uint8_t, kBatchRows> mask_storage;
    for (Ordinal first = begin; first < end;) {
      rows.clear();
      for (; first < end && rows.size() < kBatchRows; ++first) {
        if (!table_.is_deleted(first)) rows.push_back(first);
      }
      const std::span<std::uint8_t> mask(mask_storage.data(), rows.size());
      std::ranges::fill(mask, std::uint8_t{1});
      filter.mask_rows(rows, mask);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (mask[i] != 0) out.push_back(rows[i]);
      }
    }
  }

  const graph::TableView& table_;
  const schema::TypeRef type_;
  Runtime& runtime_;
};

}  // namespace

Result<std::optional<std::vector<Ordinal>>> find_by_order(VariableId variable,
                                                          const std::vector<const Expr*>& conditions,
                                                          Runtime& runtime) {
  using Found = std::optional<std::vector<Ordinal>>;
  Comparisons comparisons;
  for (const Expr* condition : conditions) collect_comparisons(*condition, variable, comparisons);
  if (comparisons.empty()) return Found();
  const schema::TypeRef type = runtime.type_of(variable);
  OG_ASSIGN_OR_RETURN(const auto table, runtime.table(type));
  if (table->physical_rows() < graph::kIndexedRowsMin) return Found();
  OrderedLookup lookup(*table, type, runtime);
  std::optional<Candidates> best;
  for (const auto& [property, of] : comparisons) {
    OG_ASSIGN_OR_RETURN(Candidates candidates, lookup.candidates(property, of));
    const bool few = candidates.found * kRowsScannedPerFound <= candidates.covered;
    if (!few || candidates.covered * 2 < table->physical_rows()) continue;
    if (!best || candidates.found < best->found) best = std::move(candidates);
  }
  if (!best) return Found();
  return Found(lookup.rows_of(*best));
}

}  // namespace omnigraph::exec
