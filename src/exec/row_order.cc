#include "exec/row_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "exec/filter_kernel.h"

namespace omnigraph::exec {
namespace {

using columnar::TypeId;

// Rows kept beyond the limit before they are cut back to it: the first cut gives the bound that keeps most rows out.
constexpr std::size_t kSpareRows = 256;

inline std::uint64_t prefix_of_int(std::int64_t i) {
  // One bit short, to leave room for U64 values above; ties are compared in full.
  return (static_cast<std::uint64_t>(i) ^ (std::uint64_t{1} << 63)) >> 1;
}

inline std::uint64_t prefix_of_double(double d) {
  const auto bits = std::bit_cast<std::uint64_t>(d + 0.0);
  const std::uint64_t flip = (std::uint64_t{0} - (bits >> 63)) | (std::uint64_t{1} << 63);  // Negative: all bits.
  return std::isnan(d) ? std::numeric_limits<std::uint64_t>::max() : bits ^ flip;
}

template <class T, class Map>
void gather_prefixes(const Column& column, const std::vector<Ordinal>& rows, std::vector<std::uint64_t>& out,
                     Map&& map) {
  column.gather<T>(rows, [&](std::size_t i, T v) { out[i] = map(v); });
}

}  // namespace

std::uint64_t order_prefix(const Value& v) {
  switch (v.kind) {
    case Value::Kind::kNull: return 0;
    case Value::Kind::kUint: return (std::uint64_t{3} << 62) | ((v.natural - (std::uint64_t{1} << 63)) >> 2);
    case Value::Kind::kFloat: return prefix_of_double(v.single);
    case Value::Kind::kDouble: return prefix_of_double(v.real);
    case Value::Kind::kString: {
      std::uint64_t prefix = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        prefix = (prefix << 8) | (i < v.text.size() ? static_cast<unsigned char>(v.text[i]) : 0u);
      }
      return prefix;
    }
    case Value::Kind::kBool:
    case Value::Kind::kInt:
    case Value::Kind::kDate:
    case Value::Kind::kDateTime: return prefix_of_int(v.integer);
    default: return 0;
  }
}

Result<void> RowOrder::add_key(const query::Expr& expr, bool descending, Runtime& runtime) {
  OG_ASSIGN_OR_RETURN(RowExpr bound, bind_expression(expr, runtime, WithoutValue::kFails));
  const bool nullable = bound.kind == RowExpr::Kind::kColumn && runtime.is_optional(bound.variable);
  keys_.push_back({std::move(bound), descending, nullable});
  return {};
}

Result<void> RowOrder::add_keys(const query::ReadQuery& read, std::size_t first, Runtime& runtime) {
  for (std::size_t i = first; i < read.order.size(); ++i) {
    OG_RETURN_IF_ERROR(add_key(read.order[i].expr, read.order[i].descending, runtime));
  }
  return {};
}

Result<RowOrder> RowOrder::make_of_columns(const query::ReadQuery& read, Runtime& runtime) {
  RowOrder order;
  OG_RETURN_IF_ERROR(order.add_keys(read, 0, runtime));
  for (const query::Projection& projection : read.projections) {
    OG_RETURN_IF_ERROR(order.add_key(projection.expr, false, runtime));
  }
  return order;
}

Result<RowOrder> RowOrder::make(const query::ReadQuery& read, std::size_t first, Runtime& runtime) {
  RowOrder order;
  OG_RETURN_IF_ERROR(order.add_keys(read, first, runtime));
  std::vector<VariableId> variables;
  for (VariableId v = 0; v < read.variables.size(); ++v) {
    if (read.variables[v].depth == 0 && !read.variables[v].path) variables.push_back(v);
  }
  std::ranges::stable_sort(variables, {}, [&](VariableId v) -> const std::string& { return read.variables[v].name; });
  for (const VariableId v : variables) {
    OG_ASSIGN_OR_RETURN(const Column* ids, runtime.ids(read.variables[v].type));
    order.ids_.push_back({v, ids});
  }
  return order;
}

void RowOrder::prefixes(const Tuples& batch, std::vector<std::uint64_t>& out) const {
  out.assign(batch.size, 0);
  const bool by_id = keys_.empty();
  if (by_id && ids_.empty()) return;
  const Column* column = by_id ? ids_[0].ids : keys_[0].expr.column;
  const bool descending = !by_id && keys_[0].descending;
  if (!by_id && (keys_[0].expr.kind != RowExpr::Kind::kColumn || keys_[0].nullable)) {
    for (std::size_t i = 0; i < batch.size; ++i) {
      const EvaluationScope scope;
      out[i] = order_prefix(evaluate(keys_[0].expr, batch, i));
    }
  } else {
    const std::vector<Ordinal>& rows = batch.columns[by_id ? ids_[0].variable : keys_[0].expr.variable];
    switch (column->type().id) {
      case TypeId::kFloat64:
        gather_prefixes<double>(*column, rows, out, [](double d) { return prefix_of_double(d); });
        break;
      case TypeId::kFloat32:
        gather_prefixes<float>(*column, rows, out, [](float f) { return prefix_of_double(f); });
        break;
      case TypeId::kInt32:
      case TypeId::kDate32:
        gather_prefixes<std::int32_t>(*column, rows, out, [](std::int32_t i) { return prefix_of_int(i); });
        break;
      case TypeId::kInt64:
      case TypeId::kDate64:
        gather_prefixes<std::int64_t>(*column, rows, out, [](std::int64_t i) { return prefix_of_int(i); });
        break;
      default:
        for (std::size_t i = 0; i < rows.size(); ++i) {
          if (rows[i] != kNoOrdinal) out[i] = order_prefix(column->value(rows[i]));
        }
    }
  }
  if (descending) {
    for (std::uint64_t& p : out) p = ~p;
  }
}

void RowOrder::drop_later(const Tuples& rows, std::size_t worst, Selection& selection) const {
  if (keys_.empty()) return;
  const Key& key = keys_[0];
  if (key.expr.kind != RowExpr::Kind::kColumn || key.nullable || key.expr.variable != selection.variable()) return;
  const Column& column = *key.expr.column;
  // Ascending, nulls come first.
  if (!key.descending && column.has_nulls()) return;
  const Value bound = column.value(rows.columns[key.expr.variable][worst]);
  const bool number = bound.is_number() || bound.kind == Value::Kind::kDate || bound.kind == Value::Kind::kDateTime;
  if (!number || (bound.is_number() && std::isnan(to_double(bound)))) return;
  // Descending, a NaN comes first: it is not less than the bound.
  RowPredicate later =
      column_predicate(column, key.descending ? query::CompareOp::kLess : query::CompareOp::kGreater, bound);
  if (later.kind == RowPredicate::Kind::kGeneric) return;
  later.negated = !later.negated;
  RowFilter filter;
  filter.set_variable(selection.variable(), rows.columns.size());
  filter.add(std::move(later));
  filter.select(selection);
}

int RowOrder::compare_rows(const Tuples& a, std::size_t row_a, const Tuples& b, std::size_t row_b) const {
  for (const Key& key : keys_) {
    const EvaluationScope scope;
    const int o = order(evaluate(key.expr, a, row_a), evaluate(key.expr, b, row_b));
    if (o != 0) return key.descending ? -o : o;
  }
  for (const Id& id : ids_) {
    const Ordinal x = a.columns[id.variable][row_a];
    const Ordinal y = b.columns[id.variable][row_b];
    if (x == y) continue;
    if (x == kNoOrdinal || y == kNoOrdinal) return x == kNoOrdinal ? -1 : 1;
    if (const int o = id.ids->text(x).compare(id.ids->text(y)); o != 0) return o;
  }
  return 0;
}

TopSink::TopSink(const RowOrder& order, std::vector<VariableId> variables, std::size_t variable_count,
                 std::uint64_t limit)
    : order_(order), variables_(std::move(variables)), limit_(limit), rows_(variable_count), listed_(variable_count) {}

void TopSink::push(const Tuples& batch) {
  if (limit_ == 0) return;
  order_.prefixes(batch, batch_prefixes_);
  for (std::size_t i = 0; i < batch.size; ++i) {
    if (batch_prefixes_[i] > threshold_) continue;
    const std::uint64_t copies = std::min(batch.weight(i), limit_);
    for (const VariableId v : variables_) {
      rows_.columns[v].insert(rows_.columns[v].end(), copies, batch.columns[v][i]);
    }
    prefixes_.insert(prefixes_.end(), copies, batch_prefixes_[i]);
    rows_.size += copies;
    if (rows_.size > limit_ && rows_.size - limit_ > std::max<std::uint64_t>(limit_, kSpareRows)) shrink();
  }
}

// In slices, since each may give a better bound for the next.
bool TopSink::take_selected(const Selection& selection) {
  constexpr std::size_t kSliceRows = 512;
  const VariableId variable = selection.variable();
  if (variables_.size() != 1 || variables_[0] != variable) return false;
  Selection rest = selection;
  // The first rows are the best of those that were cut, in order.
  if (is_cut_) order_.drop_later(rows_, static_cast<std::size_t>(limit_ - 1), rest);
  std::array<Ordinal, Selection::kListedMax> passing;
  const std::span<const Ordinal> rows(passing.data(), rest.list(passing.data()));
  for (std::size_t begin = 0; begin < rows.size(); begin += kSliceRows) {
    const auto slice = rows.subspan(begin, std::min(kSliceRows, rows.size() - begin));
    listed_.columns[variable].assign(slice.begin(), slice.end());
    listed_.size = slice.size();
    push(listed_);
  }
  return true;
}

// Indexes of the first `count` rows in order.
std::vector<std::uint32_t> TopSink::sorted_index(std::size_t count) {
  std::vector<std::uint32_t> index(rows_.size);
  std::iota(index.begin(), index.end(), 0u);
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    if (prefixes_[a] != prefixes_[b]) return prefixes_[a] < prefixes_[b];
    return order_.compare_rows(rows_, a, rows_, b) < 0;
  };
  const auto middle = index.begin() + static_cast<std::ptrdiff_t>(std::min(count, index.size()));
  if (middle != index.end()) std::nth_element(index.begin(), middle, index.end(), before);
  index.erase(middle, index.end());
  std::ranges::sort(index, before);
  return index;
}

void TopSink::shrink() {
  const std::vector<std::uint32_t> index = sorted_index(static_cast<std::size_t>(limit_));
  std::vector<std::uint64_t> kept;
  for (const std::uint32_t i : index) kept.push_back(prefixes_[i]);
  rows_ = select_rows(rows_, index, variables_);
  prefixes_ = std::move(kept);
  threshold_ = prefixes_.back();
  is_cut_ = true;
}

Tuples TopSink::take() {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(limit_, rows_.size));
  return select_rows(rows_, sorted_index(count), variables_);
}

Tuples select_rows(const Tuples& in, const std::vector<std::uint32_t>& index,
                   const std::vector<VariableId>& variables) {
  Tuples out(in.columns.size());
  for (const VariableId v : variables) {
    out.columns[v].reserve(index.size());
    for (const std::uint32_t i : index) out.columns[v].push_back(in.columns[v][i]);
  }
  out.size = index.size();
  return out;
}

}  // namespace omnigraph::exec
