// The total order of result rows (chapter 02 section 6.6): the listed keys, then the ids of all variables; of distinct
// rows (chapter 14 section 4): the listed keys, then all columns. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "exec/expression.h"
#include "exec/plan.h"

namespace omnigraph::exec {

// Maps values of one column to integers such that a smaller integer means an earlier value; equal integers mean
// nothing. REQUIRES: values of one column.
[[nodiscard]] std::uint64_t order_prefix(const Value& value);

class RowOrder {
 public:
  // Keys from `first` on of the query's order, then the ids of the outer block's variables in byte order of their
  // names.
  static Result<RowOrder> make(const query::ReadQuery& read, std::size_t first, Runtime& runtime);
  // The query's order, then its projections.
  static Result<RowOrder> make_of_columns(const query::ReadQuery& read, Runtime& runtime);

  // prefixes[i] of batch row i by the first key; rows with a smaller prefix come first.
  void prefixes(const Tuples& batch, std::vector<std::uint64_t>& out) const;
  // Drops rows of the selection that come after row `worst` by the first key, as far as a tight loop can tell.
  void drop_later(const Tuples& rows, std::size_t worst, Selection& selection) const;
  // <0, 0, >0
  [[nodiscard]] int compare_rows(const Tuples& a, std::size_t row_a, const Tuples& b, std::size_t row_b) const;

 private:
  struct Key {
    RowExpr expr;
    bool descending = false;
    bool nullable = false;  // reads a variable that may be null
  };
  struct Id {
    VariableId variable;
    const Column* ids;
  };
  Result<void> add_keys(const query::ReadQuery& read, std::size_t first, Runtime& runtime);
  Result<void> add_key(const query::Expr& expr, bool descending, Runtime& runtime);

  std::vector<Key> keys_;
  std::vector<Id> ids_;
};

// Sink that keeps the first `limit` rows of the order.
class TopSink final : public Stage {
 public:
  TopSink(const RowOrder& order, std::vector<VariableId> variables, std::size_t variable_count,
          std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());
  void push(const Tuples& batch) override;
  bool take_selected(const Selection& selection) override;
  void finish() override {}
  // Takes over the rows of another worker.
  void absorb(const TopSink& other) { push(other.rows_); }
  // The rows in order, each of weight 1.
  [[nodiscard]] Tuples take();

 private:
  void shrink();
  std::vector<std::uint32_t> sorted_index(std::size_t count);

  const RowOrder& order_;
  const std::vector<VariableId> variables_;
  const std::uint64_t limit_;
  Tuples rows_;
  std::vector<std::uint64_t> prefixes_;
  std::vector<std::uint64_t> batch_prefixes_;
  Tuples listed_;        // of a selection
  bool is_cut_ = false;  // the first limit_ rows are in order, none of those cut off comes before them
  std::uint64_t threshold_ = std::numeric_limits<std::uint64_t>::max();  // rows with a greater prefix are out
};

// The rows of `in` at `index`, weights dropped.
[[nodiscard]] Tuples select_rows(const Tuples& in, const std::vector<std::uint32_t>& index,
                                 const std::vector<VariableId>& variables);

}  // namespace omnigraph::exec
