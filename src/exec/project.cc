#include "exec/project.h"

#include <algorithm>

#include "columnar/builder.h"
#include "columnar/kernels.h"

namespace omnigraph::exec {
namespace {

using query::Expr;
using query::ExprKind;

// Repeats each ordinal as often as its row's weight says, and cuts the window out.
void unfold(Tuples& rows, const Window& window) {
  if (rows.weights.empty() && window.offset == 0 && rows.size <= window.limit) return;
  std::vector<std::uint64_t> copies(rows.size);
  std::uint64_t skip = window.offset;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < rows.size; ++i) {
    const std::uint64_t skipped = std::min(rows.weight(i), skip);
    skip -= skipped;
    copies[i] = std::min(rows.weight(i) - skipped, window.limit - total);
    total += copies[i];
  }
  for (auto& column : rows.columns) {
    if (column.empty()) continue;
    std::vector<Ordinal> longer;
    longer.reserve(total);
    for (std::size_t i = 0; i < column.size(); ++i) longer.insert(longer.end(), copies[i], column[i]);
    column = std::move(longer);
  }
  rows.size = total;
  rows.weights.clear();
}

Result<columnar::ArrayPtr> project_column(const Expr& expr, const Tuples& rows, Runtime& runtime) {
  if (expr.kind == ExprKind::kProperty || expr.kind == ExprKind::kEntityId) {
    const schema::TypeRef type = runtime.type_of(expr.variable);
    OG_ASSIGN_OR_RETURN(const Column* column,
                        expr.kind == ExprKind::kEntityId ? runtime.ids(type) : runtime.property(type, expr.property));
    return columnar::take(column->data(), rows.columns[expr.variable]);
  }
  columnar::ArrayBuilder builder(schema::column_type(expr.type));
  if (Runtime::is_constant(expr)) {
    const columnar::Scalar& scalar = runtime.scalar(expr);
    for (std::size_t i = 0; i < rows.size; ++i) {
      if (scalar.is_null()) {
        builder.append_null();
      } else {
        append_value(builder, value_of(scalar));
      }
    }
    return builder.finish();
  }
  OG_ASSIGN_OR_RETURN(const RowExpr bound, bind_expression(expr, runtime, WithoutValue::kFails));
  // A text predicate is never null in a result: a null field does not match.
  const bool text = expr.kind == ExprKind::kTextMatch || expr.kind == ExprKind::kFuzzy;
  for (std::size_t i = 0; i < rows.size; ++i) {
    const EvaluationScope scope;
    const Value v = evaluate(bound, rows, i);
    append_value(builder, text && v.is_null() ? Value::of_bool(false) : v);
  }
  return builder.finish();
}

}  // namespace

void append_value(columnar::ArrayBuilder& builder, const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull: builder.append_null(); return;
    case Value::Kind::kString: builder.append_string(value.text); return;
    case Value::Kind::kItems:
      if (builder.type().id == columnar::TypeId::kList) {
        for (std::uint64_t i = value.begin; i < value.end; ++i) {
          builder.child(0).append_from(*value.items, static_cast<std::int64_t>(i));
        }
        builder.close_list();
        return;
      }
      break;
    default: break;
  }
  builder.append_scalar(scalar_of(value));
}

void projected_variables(const query::ReadQuery& read, VariableSet& out) {
  const auto add = [&](const Expr& expr, const auto& self) -> void {
    if (expr.variable != kNoVariable) out.set(expr.variable);
    for (const Expr& arg : expr.args) self(arg, self);
  };
  for (const query::Projection& projection : read.projections) add(resolve_alias(projection.expr, read), add);
}

ReadResult empty_result(const query::ReadQuery& read) {
  ReadResult result;
  for (const query::Projection& projection : read.projections) {
    result.columns.push_back(projection.key);
    result.types.push_back(projection.expr.type);
    const columnar::DataType type = schema::column_type(projection.expr.type);
    result.rows.fields.push_back({projection.key, type, true});
    result.rows.columns.push_back(columnar::ArrayBuilder(type).finish());
  }
  return result;
}

Result<ReadResult> project_rows(const query::ReadQuery& read, Tuples rows, const Window& window, Runtime& runtime) {
  ReadResult result;
  const std::size_t columns = read.projections.size();
  result.columns.reserve(columns), result.types.reserve(columns);
  result.rows.fields.reserve(columns), result.rows.columns.reserve(columns);
  unfold(rows, window);
  for (const query::Projection& projection : read.projections) {
    OG_ASSIGN_OR_RETURN(auto column, project_column(resolve_alias(projection.expr, read), rows, runtime));
    result.columns.push_back(projection.key);
    result.types.push_back(projection.expr.type);
    result.rows.fields.push_back({projection.key, column->type(), true});
    result.rows.columns.push_back(std::move(column));
  }
  result.rows.length = static_cast<std::int64_t>(rows.size);
  return result;
}

}  // namespace omnigraph::exec
