// Conditions on one variable in their fastest form: intervals over fixed-width columns tested in tight loops, string
// comparisons, one known row; everything else through RowExpr.
// Thread safety: immutable once made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/column.h"
#include "exec/expression.h"
#include "exec/runtime.h"
#include "exec/selection.h"

namespace omnigraph::exec {

struct RowPredicate {
  enum class Kind : std::uint8_t { kNever, kRow, kSigned, kUnsigned, kFloat, kDouble, kText, kGeneric };
  Kind kind = Kind::kNever;  // cheapest first
  const Column* column = nullptr;
  bool negated = false;                          // kSigned .. kDouble: outside the interval
  std::int64_t signed_low = 0, signed_high = 0;  // closed intervals in the column's own values
  std::uint64_t unsigned_low = 0, unsigned_high = 0;
  double double_low = 0, double_high = 0;          // kFloat: exactly representable as float
  query::CompareOp op = query::CompareOp::kEqual;  // kText
  std::string_view text{};                         // kText
  Ordinal row = kNoOrdinal;                        // kRow: kNoOrdinal = no row
  RowExpr expression{};                            // kGeneric
};

// `column op constant` for the rows of one table.
[[nodiscard]] RowPredicate column_predicate(const Column& column, query::CompareOp op, const Value& constant);
// `column in list` for the rows of one table; `list` outlives the predicate.
[[nodiscard]] RowPredicate member_predicate(const Column& column, const Value& list);
// A condition on exactly one variable.
[[nodiscard]] Result<RowPredicate> make_predicate(const query::Expr& condition, Runtime& runtime);

// A conjunction of predicates on one variable.
class RowFilter {
 public:
  void add(RowPredicate predicate);  // intervals on one column are intersected
  void set_variable(VariableId variable, std::size_t variable_count) {
    variable_ = variable;
    variable_count_ = variable_count;
  }
  [[nodiscard]] VariableId variable() const { return variable_; }
  [[nodiscard]] bool empty() const { return predicates_.empty(); }

  // Drops the rows that do not pass. Deleted rows are not considered.
  void select(Selection& selection) const;
  // Ands the verdict on rows in any order into the mask (1 = keeps).
  void mask_rows(std::span<const Ordinal> rows, std::span<std::uint8_t> mask) const;

 private:
  void select_listed(const RowPredicate& predicate, Selection& selection) const;
  void mask_one(const RowPredicate& predicate, std::span<const Ordinal> rows, std::span<std::uint8_t> mask) const;

  std::vector<RowPredicate> predicates_;
  VariableId variable_ = 0;
  std::size_t variable_count_ = 1;
};

}  // namespace omnigraph::exec
