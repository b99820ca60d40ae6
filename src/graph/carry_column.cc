#include "graph/carry_column.h"

#include <cstdint>

#include "base/result.h"
#include "columnar/builder.h"
#include "schema/migration_types.h"

namespace omnigraph::graph {
namespace {

using columnar::Array;
using columnar::ArrayBuilder;
using schema::ScalarType;

template <class From, class To>
void append_items(const Array& items, std::int64_t begin, std::int64_t end, ArrayBuilder& out) {
  for (std::int64_t i = begin; i < end; ++i) {
    if (items.is_null(i)) {
      out.append_null();
    } else {
      out.append_value(static_cast<To>(items.value<From>(i)));
    }
  }
}

using Append = void (*)(const Array&, std::int64_t, std::int64_t, ArrayBuilder&);

Append widening(ScalarType from, ScalarType to) {
  const bool to_double = to == ScalarType::kF64;
  switch (from) {
    case ScalarType::kI32:
      return to_double ? append_items<std::int32_t, double> : append_items<std::int32_t, std::int64_t>;
    case ScalarType::kU32:
      if (to == ScalarType::kI64) return append_items<std::uint32_t, std::int64_t>;
      return to_double ? append_items<std::uint32_t, double> : append_items<std::uint32_t, std::uint64_t>;
    case ScalarType::kF32: return append_items<float, double>;
    default: OG_CHECK(false && "not a widening"); return nullptr;
  }
}

}  // namespace

columnar::ArrayPtr carry_column(const columnar::ArrayPtr& column, const schema::PropertyType& from,
                                const schema::PropertyType& to) {
  if (!schema::changes_storage(from, to)) return column;
  OG_CHECK(from.list == to.list && !from.is_vector() && !to.is_vector());
  const Append append = widening(from.scalar, to.scalar);
  ArrayBuilder builder(schema::column_type(to));
  builder.reserve(column->length());
  if (!from.list) {
    append(*column, 0, column->length(), builder);
    return builder.finish();
  }
  for (std::int64_t row = 0; row < column->length(); ++row) {
    if (column->is_null(row)) {
      builder.append_null();
      continue;
    }
    append(*column->child(0), static_cast<std::int64_t>(column->item_begin(row)),
           static_cast<std::int64_t>(column->item_end(row)), builder.child(0));
    builder.close_list();
  }
  return builder.finish();
}

}  // namespace omnigraph::graph
