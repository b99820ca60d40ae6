#include "exec/filter_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "exec/interval_kernel.h"
#include "exec/member_set.h"
#include "exec/row_condition.h"

namespace omnigraph::exec {
namespace {

using columnar::TypeId;
using query::CompareOp;
using query::ExprKind;
using Kind = RowPredicate::Kind;
__extension__ using Wide = __int128;

// The interval of integers v with `v op constant`; false if the constant is not a plain number.
bool integer_interval(CompareOp op, const Value& constant, Wide& low, Wide& high) {
  Wide floor = 0;
  Wide ceil = 0;
  if (constant.kind == Value::Kind::kInt || constant.kind == Value::Kind::kDate ||
      constant.kind == Value::Kind::kDateTime || constant.kind == Value::Kind::kBool) {
    floor = ceil = constant.integer;
  } else if (constant.kind == Value::Kind::kUint) {
    floor = ceil = static_cast<Wide>(constant.natural);
  } else if (constant.kind == Value::Kind::kDouble && std::isfinite(constant.real)) {
    // Beyond 2^100 no integer column has values; the clamp keeps the conversion defined.
    const double d = std::clamp(constant.real, -0x1p100, 0x1p100);
    floor = static_cast<Wide>(std::floor(d));
    ceil = static_cast<Wide>(std::ceil(d));
  } else {
    return false;
  }
  switch (op) {
    case CompareOp::kEqual:
    case CompareOp::kNotEqual: low = ceil, high = floor; break;  // Empty unless integral.
    case CompareOp::kLess: high = ceil - 1; break;
    case CompareOp::kLessEqual: high = floor; break;
    case CompareOp::kGreater: low = floor + 1; break;
    case CompareOp::kGreaterEqual: low = ceil; break;
    default: return false;
  }
  return true;
}

// The interval of T values v with `v op constant`, where `rounded` is the constant as T and `side` compares the exact
// constant with it (<0: the constant is below).
template <class T>
void float_interval(CompareOp op, T rounded, int side, T& low, T& high) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const T below = rounded == -kInfinity ? kInfinity : std::nextafter(rounded, -kInfinity);
  const T above = rounded == kInfinity ? -kInfinity : std::nextafter(rounded, kInfinity);
  low = -kInfinity;
  high = kInfinity;
  const auto nothing = [&] { low = kInfinity, high = -kInfinity; };
  switch (op) {
    case CompareOp::kEqual:
    case CompareOp::kNotEqual:
      low = high = rounded;
      if (side != 0) nothing();
      break;
    case CompareOp::kLess:
      high = side > 0 ? rounded : below;
      if (side <= 0 && rounded == -kInfinity) nothing();
      break;
    case CompareOp::kLessEqual:
      high = side < 0 ? below : rounded;
      if (side < 0 && rounded == -kInfinity) nothing();
      break;
    case CompareOp::kGreater:
      low = side < 0 ? rounded : above;
      if (side >= 0 && rounded == kInfinity) nothing();
      break;
    case CompareOp::kGreaterEqual:
      low = side > 0 ? above : rounded;
      if (side > 0 && rounded == kInfinity) nothing();
      break;
    default: break;
  }
}

int side_of(const Value& constant, double rounded) {
  if (compare(CompareOp::kLess, constant, Value::of_double(rounded)) == Truth::kTrue) return -1;
  return compare(CompareOp::kGreater, constant, Value::of_double(rounded)) == Truth::kTrue ? 1 : 0;
}

template <class T>
T clamp_to(Wide v) {
  return static_cast<T>(std::clamp<Wide>(v, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

// True if the stored type's values are the integers of `constant`'s kind.
bool same_family(TypeId stored, const Value& constant) {
  switch (stored) {
    case TypeId::kDate32: return constant.kind == Value::Kind::kDate;
    case TypeId::kDate64: return constant.kind == Value::Kind::kDateTime;
    case TypeId::kInt32:
    case TypeId::kInt64:
    case TypeId::kUint32:
    case TypeId::kUint64:
    case TypeId::kFloat32:
    case TypeId::kFloat64: return constant.is_number();
    case TypeId::kUtf8: return constant.kind == Value::Kind::kString;
    default: return false;
  }
}

// Fills in the interval form of `column op constant`; false: the generic form has to do.
bool make_interval(RowPredicate& p, CompareOp op, const Value& constant) {
  const TypeId stored = p.column->type().id;
  if (!same_family(stored, constant)) return false;
  p.negated = op == CompareOp::kNotEqual;
  if (stored == TypeId::kUtf8) {
    p.kind = Kind::kText;
    p.op = op;
    p.text = constant.text;
    return true;
  }
  if (op == CompareOp::kContains || op == CompareOp::kStartsWith) return false;
  if (stored == TypeId::kFloat64 && constant.kind != Value::Kind::kFloat) {
    p.kind = Kind::kDouble;
    const double rounded = to_double(constant);
    float_interval<double>(op, rounded, side_of(constant, rounded), p.double_low, p.double_high);
    return true;
  }
  if (stored == TypeId::kFloat32) {
    p.kind = Kind::kFloat;
    float low = 0;
    float high = 0;
    // Integers are rounded once, straight to F32.
    const float rounded = constant.kind == Value::Kind::kInt     ? static_cast<float>(constant.integer)
                          : constant.kind == Value::Kind::kUint  ? static_cast<float>(constant.natural)
                          : constant.kind == Value::Kind::kFloat ? constant.single
                                                                 : static_cast<float>(constant.real);
    float_interval<float>(op, rounded, 0, low, high);
    p.double_low = low;
    p.double_high = high;
    return true;
  }
  const bool is_unsigned = stored == TypeId::kUint32 || stored == TypeId::kUint64;
  Wide low = is_unsigned ? 0 : std::numeric_limits<std::int64_t>::min();
  Wide high =
      is_unsigned ? Wide{std::numeric_limits<std::uint64_t>::max()} : Wide{std::numeric_limits<std::int64_t>::max()};
  if (!integer_interval(op, constant, low, high)) return false;
  Wide type_low = std::numeric_limits<std::int64_t>::min();
  Wide type_high = std::numeric_limits<std::int64_t>::max();
  if (stored == TypeId::kInt32 || stored == TypeId::kDate32) {
    type_low = std::numeric_limits<std::int32_t>::min(), type_high = std::numeric_limits<std::int32_t>::max();
  } else if (stored == TypeId::kUint32) {
    type_low = 0, type_high = std::numeric_limits<std::uint32_t>::max();
  } else if (stored == TypeId::kUint64) {
    type_low = 0, type_high = Wide{std::numeric_limits<std::uint64_t>::max()};
  }
  low = std::max(low, type_low);
  high = std::min(high, type_high);
  if (low > high) low = 1, high = 0;  // Nothing; also the clamps below must not make something of it.
  p.kind = is_unsigned ? Kind::kUnsigned : Kind::kSigned;
  p.signed_low = clamp_to<std::int64_t>(low), p.signed_high = clamp_to<std::int64_t>(high);
  p.unsigned_low = clamp_to<std::uint64_t>(low), p.unsigned_high = clamp_to<std::uint64_t>(high);
  return true;
}

// Rows at .. at + count of the selection are rows first .. first + count of the chunk.
template <class T>
void select_chunk_interval(const columnar::Array& array, std::int64_t first, std::size_t count, T low, T high,
                           bool negated, Selection& selection, std::size_t at) {
  std::array<std::uint64_t, Selection::kWordsMax> storage{};
  const std::span<std::uint64_t> bits(storage.data(), (count + 63) / 64);
  if (!array.values_buffer().empty()) {  // A column of nulls may come without values.
    const auto begin = static_cast<std::size_t>(array.offset() + first);
    select_interval<T>(array.values_buffer().data() + begin * sizeof(T), count, low, high, negated, bits.data());
    for (std::size_t w = 0; array.has_nulls() && w < bits.size(); ++w) {
      bits[w] &= bits_at(array.validity_buffer().data(), begin + w * 64, begin + count);
    }
  }
  selection.keep(at, count, bits);
}

bool text_holds(const RowPredicate& p, std::string_view text) {
  switch (p.op) {
    case CompareOp::kEqual: return text == p.text;
    case CompareOp::kNotEqual: return text != p.text;
    case CompareOp::kLess: return text < p.text;
    case CompareOp::kLessEqual: return text <= p.text;
    case CompareOp::kGreater: return text > p.text;
    case CompareOp::kGreaterEqual: return text >= p.text;
    case CompareOp::kContains: return text.find(p.text) != std::string_view::npos;
    case CompareOp::kStartsWith: return text.starts_with(p.text);
  }
  return false;
}

// The same for any fixed-width column.
void select_chunk(const RowPredicate& p, const columnar::Array& array, std::int64_t first, std::size_t count,
                  Selection& selection, std::size_t at) {
  const auto select = [&]<class T>(T low, T high) {
    select_chunk_interval<T>(array, first, count, low, high, p.negated, selection, at);
  };
  switch (array.type().id) {
    case TypeId::kInt32:
    case TypeId::kDate32:
      return select(static_cast<std::int32_t>(p.signed_low), static_cast<std::int32_t>(p.signed_high));
    case TypeId::kInt64:
    case TypeId::kDate64: return select(p.signed_low, p.signed_high);
    case TypeId::kUint32:
      return select(static_cast<std::uint32_t>(p.unsigned_low), static_cast<std::uint32_t>(p.unsigned_high));
    case TypeId::kUint64: return select(p.unsigned_low, p.unsigned_high);
    case TypeId::kFloat32: return select(static_cast<float>(p.double_low), static_cast<float>(p.double_high));
    default: return select(p.double_low, p.double_high);
  }
}

template <class T>
void gather_interval(const RowPredicate& p, std::span<const Ordinal> rows, T low, T high,
                     std::span<std::uint8_t> mask) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (mask[i] == 0) continue;
    const Column::Slot s = p.column->slot(rows[i]);
    mask[i] = 0;
    if (s.array->is_null(s.index)) continue;
    const T v = s.array->value<T>(s.index);
    mask[i] = (v >= low && v <= high) != p.negated ? 1 : 0;
  }
}

void gather_column(const RowPredicate& p, std::span<const Ordinal> rows, std::span<std::uint8_t> mask) {
  switch (p.column->type().id) {
    case TypeId::kInt32:
    case TypeId::kDate32:
      return gather_interval<std::int32_t>(p, rows, static_cast<std::int32_t>(p.signed_low),
                                           static_cast<std::int32_t>(p.signed_high), mask);
    case TypeId::kInt64:
    case TypeId::kDate64: return gather_interval<std::int64_t>(p, rows, p.signed_low, p.signed_high, mask);
    case TypeId::kUint32:
      return gather_interval<std::uint32_t>(p, rows, static_cast<std::uint32_t>(p.unsigned_low),
                                            static_cast<std::uint32_t>(p.unsigned_high), mask);
    case TypeId::kUint64: return gather_interval<std::uint64_t>(p, rows, p.unsigned_low, p.unsigned_high, mask);
    case TypeId::kFloat32:
      return gather_interval<float>(p, rows, static_cast<float>(p.double_low), static_cast<float>(p.double_high), mask);
    case TypeId::kFloat64: return gather_interval<double>(p, rows, p.double_low, p.double_high, mask);
    default: break;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (mask[i] == 0) continue;
    const Column::Slot s = p.column->slot(rows[i]);
    mask[i] = s.array->is_valid(s.index) && text_holds(p, s.array->string_value(s.index)) ? 1 : 0;
  }
}

}  // namespace

RowPredicate column_predicate(const Column& column, CompareOp op, const Value& constant) {
  RowPredicate p;
  if (constant.is_null()) return p;  // Never TRUE.
  p.column = &column;
  if (make_interval(p, op, constant)) return p;
  p = RowPredicate();
  p.kind = Kind::kGeneric;
  p.expression.kind = RowExpr::Kind::kCompare;
  p.expression.op = op;
  p.expression.args.resize(2);
  p.expression.args[0].kind = RowExpr::Kind::kColumn;
  p.expression.args[0].column = &column;
  p.expression.args[0].variable = 0;
  p.expression.args[1].constant = constant;
  return p;
}

RowPredicate member_predicate(const Column& column, const Value& list) {
  RowPredicate p;
  p.kind = Kind::kGeneric;
  p.expression.kind = RowExpr::Kind::kMember;
  p.expression.members = std::make_shared<MemberSet>(list);
  p.expression.args.resize(1);
  p.expression.args[0].kind = RowExpr::Kind::kColumn;
  p.expression.args[0].column = &column;
  p.expression.args[0].variable = 0;
  return p;
}

Result<RowPredicate> make_predicate(const query::Expr& condition, Runtime& runtime) {
  RowPredicate p;
  if (condition.kind == ExprKind::kCompare) {
    const query::Expr* left = &condition.args[0];
    const query::Expr* right = &condition.args[1];
    CompareOp op = condition.op;
    const bool swapped = Runtime::is_constant(*left);
    if (swapped && op != CompareOp::kContains && op != CompareOp::kStartsWith) {
      std::swap(left, right);
      op = mirrored(op);
    }
    const bool plain = left->kind == ExprKind::kProperty || left->kind == ExprKind::kEntityId;
    if (plain && Runtime::is_constant(*right)) {
      const Value constant = value_of(runtime.scalar(*right));
      if (constant.is_null()) return p;  // Never TRUE.
      const schema::TypeRef type = runtime.type_of(left->variable);
      OG_ASSIGN_OR_RETURN(
          p.column, left->kind == ExprKind::kEntityId ? runtime.ids(type) : runtime.property(type, left->property));
      if (make_interval(p, op, constant)) return p;
      p = RowPredicate();
    }
  }
  p.kind = Kind::kGeneric;
  OG_ASSIGN_OR_RETURN(p.expression, bind_expression(condition, runtime, WithoutValue::kIsNull));
  return p;
}

void RowFilter::add(RowPredicate predicate) {
  for (RowPredicate& p : predicates_) {
    if (p.kind != predicate.kind || p.column != predicate.column || p.negated || predicate.negated) continue;
    if (p.kind == Kind::kSigned) {
      p.signed_low = std::max(p.signed_low, predicate.signed_low);
      p.signed_high = std::min(p.signed_high, predicate.signed_high);
      return;
    }
    if (p.kind == Kind::kUnsigned) {
      p.unsigned_low = std::max(p.unsigned_low, predicate.unsigned_low);
      p.unsigned_high = std::min(p.unsigned_high, predicate.unsigned_high);
      return;
    }
    if (p.kind == Kind::kFloat || p.kind == Kind::kDouble) {
      p.double_low = std::max(p.double_low, predicate.double_low);
      p.double_high = std::min(p.double_high, predicate.double_high);
      return;
    }
  }
  // Cheap ones first, so that the others see few rows.
  const auto place = std::ranges::upper_bound(predicates_, predicate.kind, {}, &RowPredicate::kind);
  predicates_.insert(place, std::move(predicate));
}

void RowFilter::select(Selection& selection) const {
  for (const RowPredicate& p : predicates_) {
    const bool interval =
        p.kind == Kind::kSigned || p.kind == Kind::kUnsigned || p.kind == Kind::kFloat || p.kind == Kind::kDouble;
    if (!interval) {
      select_listed(p, selection);
      continue;
    }
    const columnar::ChunkedArray& data = p.column->data();
    for (std::size_t done = 0; done < selection.row_count();) {
      const auto place = data.locate(static_cast<std::int64_t>(selection.first()) + static_cast<std::int64_t>(done));
      const columnar::Array& chunk = *data.chunk(place.chunk);
      const std::size_t count =
          std::min(selection.row_count() - done, static_cast<std::size_t>(chunk.length() - place.index));
      select_chunk(p, chunk, place.index, count, selection, done);
      done += count;
    }
  }
}

// Row by row, for what has no better form: only the rows that have passed so far.
void RowFilter::select_listed(const RowPredicate& p, Selection& selection) const {
  std::array<Ordinal, Selection::kListedMax> listed;
  std::array<std::uint8_t, Selection::kRowsMax> verdict;
  const std::span<const Ordinal> rows(listed.data(), selection.list(listed.data()));
  const std::span<std::uint8_t> mask(verdict.data(), rows.size());
  std::ranges::fill(mask, std::uint8_t{1});
  mask_one(p, rows, mask);
  const std::span<std::uint64_t> words = selection.words();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Ordinal at = rows[i] - selection.first();
    if (mask[i] == 0) words[at >> 6] &= ~(std::uint64_t{1} << (at & 63));
  }
}

void RowFilter::mask_rows(std::span<const Ordinal> rows, std::span<std::uint8_t> mask) const {
  for (const RowPredicate& p : predicates_) mask_one(p, rows, mask);
}

void RowFilter::mask_one(const RowPredicate& p, std::span<const Ordinal> rows, std::span<std::uint8_t> mask) const {
  switch (p.kind) {
    case Kind::kNever: std::ranges::fill(mask, std::uint8_t{0}); return;
    case Kind::kRow:
      for (std::size_t i = 0; i < rows.size(); ++i) mask[i] = mask[i] != 0 && rows[i] == p.row ? 1 : 0;
      return;
    case Kind::kGeneric: {
      Tuples one(variable_count_);
      one.columns[variable_].assign(rows.begin(), rows.end());
      one.size = rows.size();
      const EvaluationScope scope;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (mask[i] != 0 && !is_true(evaluate(p.expression, one, i))) mask[i] = 0;
      }
      return;
    }
    default: gather_column(p, rows, mask);
  }
}

}  // namespace omnigraph::exec
