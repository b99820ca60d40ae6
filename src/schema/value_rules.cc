#include "schema/value_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "schema/pattern.h"
#include "schema/range_bound.h"
#include "schema/value_text.h"

namespace omnigraph::schema {
namespace {

using columnar::Array;
using columnar::Scalar;

// Rows per vectorized look: small enough to stay in L1, large enough to amortize the second look.
constexpr std::int64_t kBlock = 1024;

// First valid row from `from` on with `bad(row)`. `suspicious(begin, end)` is a fast look at a block; it may suspect
// without cause (slots of nulls hold anything) but must not miss a bad row.
template <class Suspicious, class Bad>
std::int64_t scan(const Array& column, std::int64_t from, Suspicious&& suspicious, Bad&& bad) {
  const std::int64_t length = column.length();
  for (std::int64_t begin = from; begin < length; begin += kBlock) {
    const std::int64_t end = std::min(begin + kBlock, length);
    if (!suspicious(begin, end)) continue;
    for (std::int64_t row = begin; row < end; ++row) {
      if (column.is_valid(row) && bad(row)) return row;
    }
  }
  return length;
}

bool is_null_blob(const Array& column, std::int64_t row) {
  if (column.is_null(row)) return true;
  for (std::size_t i = 0; i < column.child_count(); ++i) {
    if (column.child(i)->is_valid(row)) return false;
  }
  return true;
}

class NullRule final : public ValueRule {
 public:
  explicit NullRule(const Property& property) : property_(property) {}
  ValueRuleKind kind() const override { return ValueRuleKind::kNull; }

  std::int64_t next(const Array& column, std::int64_t from) const override {
    const bool blob = property_.type.is_blob();
    if (!blob && !column.has_nulls()) return column.length();
    std::int64_t row = from;
    while (row < column.length() && (blob ? !is_null_blob(column, row) : column.is_valid(row))) ++row;
    return row;
  }
  std::string message(const Array&, std::int64_t) const override { return null_message(property_); }

 private:
  const Property property_;
};

class EnumRule final : public ValueRule {
 public:
  EnumRule(std::string type_name, const Property& property) : type_name_(std::move(type_name)), property_(property) {
    for (const std::string& value : property_.type.enum_values) {
      if (by_length_.size() <= value.size()) by_length_.resize(value.size() + 1);
      by_length_[value.size()].push_back(value);
    }
  }
  ValueRuleKind kind() const override { return ValueRuleKind::kEnum; }

  std::int64_t next(const Array& column, std::int64_t from) const override {
    std::int64_t row = from;
    while (row < column.length() && (column.is_null(row) || is_member(column.string_value(row)))) ++row;
    return row;
  }
  std::string message(const Array& column, std::int64_t row) const override {
    return enum_message(type_name_, property_, column.string_value(row));
  }

 private:
  // Few members share a length, so most values meet one comparison.
  [[nodiscard]] bool is_member(std::string_view value) const {
    if (value.size() >= by_length_.size()) return false;
    const std::vector<std::string>& candidates = by_length_[value.size()];
    if (candidates.size() > 8) return std::ranges::binary_search(candidates, value, std::less<>{});
    return std::ranges::find(candidates, value) != candidates.end();
  }

  const std::string type_name_;
  const Property property_;
  std::vector<std::vector<std::string>> by_length_;  // each sorted, as the members are
};

template <class T>
Scalar to_scalar(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return Scalar{value};
  } else {
    if (std::in_range<std::int64_t>(value)) return Scalar{static_cast<std::int64_t>(value)};
    return Scalar{static_cast<std::uint64_t>(value)};
  }
}

// The tightest bounds in T; `low > high` when nothing fits.
template <class T>
struct Interval {
  T low;
  T high;
};

template <class T>
Interval<T> interval_of(const RangeConstraint& range) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    return {range.min ? std::get<T>(range.min->value) : -kInfinity,
            range.max ? std::get<T>(range.max->value) : kInfinity};
  } else {
    using Limits = std::numeric_limits<T>;
    constexpr Interval<T> kNothing{Limits::max(), Limits::min()};
    Interval<T> interval{Limits::min(), Limits::max()};
    // A bound with a fraction stands for the next integer inside it.
    const auto whole = [](const Scalar& bound, bool up) {
      const auto* fraction = std::get_if<double>(&bound.value);
      return fraction == nullptr ? bound
                                 : Scalar{static_cast<std::int64_t>(up ? std::ceil(*fraction) : std::floor(*fraction))};
    };
    const auto tighten = [&](const Scalar& bound, T& side) {
      const auto below = compare_bounds(bound, to_scalar(Limits::min())) < 0;
      const auto above = compare_bounds(bound, to_scalar(Limits::max())) > 0;
      if (!below && !above) {
        const auto* wide = std::get_if<std::uint64_t>(&bound.value);
        side = wide != nullptr ? static_cast<T>(*wide) : static_cast<T>(std::get<std::int64_t>(bound.value));
      }
      return std::pair(below, above);
    };
    if (range.min && tighten(whole(*range.min, true), interval.low).second) return kNothing;
    if (range.max && tighten(whole(*range.max, false), interval.high).first) return kNothing;
    return interval;
  }
}

template <class T>
class RangeRule final : public ValueRule {
 public:
  RangeRule(const std::string& type_name, const RangeConstraint& range)
      : subject_(type_name + "." + range.property), range_(range), interval_(interval_of<T>(range)) {}
  ValueRuleKind kind() const override { return ValueRuleKind::kRange; }

  std::int64_t next(const Array& column, std::int64_t from) const override {
    const auto suspicious = [&](std::int64_t begin, std::int64_t end) {
      bool any = false;
      for (std::int64_t row = begin; row < end; ++row) any |= violates(column.value<T>(row));
      return any;
    };
    return scan(column, from, suspicious, [&](std::int64_t row) { return violates(column.value<T>(row)); });
  }

  std::string message(const Array& column, std::int64_t row) const override {
    const std::string start = "@range violation on " + subject_ + ": value ";
    const Scalar value = to_scalar(column.value<T>(row));
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(column.value<T>(row))) return start + "is NaN";
    }
    const bool below = range_.min && compare_bounds(value, *range_.min) < 0;
    return start + text_of(column.value<T>(row)) +
           (below ? " < min " + bound_text(*range_.min) : " > max " + bound_text(*range_.max));
  }

 private:
  // Not `v < low || v > high`: NaN has to violate.
  [[nodiscard]] bool violates(T value) const { return !((value >= interval_.low) & (value <= interval_.high)); }
  static std::string text_of(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      return value_text(value);
    } else {
      return std::to_string(value);
    }
  }

  const std::string subject_;
  const RangeConstraint range_;
  const Interval<T> interval_;
};

class CheckRule final : public ValueRule {
 public:
  CheckRule(const std::string& type_name, const CheckConstraint& check)
      : subject_(type_name + "." + check.property), text_(check.pattern), pattern_(check.pattern) {}
  ValueRuleKind kind() const override { return ValueRuleKind::kCheck; }

  std::int64_t next(const Array& column, std::int64_t from) const override {
    std::int64_t row = from;
    if (!pattern_.is_valid()) return column.length();
    while (row < column.length() && (column.is_null(row) || pattern_.matches(column.string_value(row)))) ++row;
    return row;
  }
  std::string message(const Array& column, std::int64_t row) const override {
    return "@check violation on " + subject_ + ": value '" + std::string(column.string_value(row)) +
           "' does not match pattern '" + text_ + "'";
  }

 private:
  const std::string subject_;
  const std::string text_;
  const Pattern pattern_;
};

// Floats by themselves, in lists and in vectors.
template <class T>
class FiniteRule final : public ValueRule {
 public:
  explicit FiniteRule(const Property& property) : name_(property.name), nested_(!property.type.is_plain_scalar()) {}
  ValueRuleKind kind() const override { return ValueRuleKind::kFinite; }

  std::int64_t next(const Array& column, std::int64_t from) const override {
    const Array& items = nested_ ? *column.child(0) : column;
    const auto first = [&](std::int64_t row) {
      return nested_ ? static_cast<std::int64_t>(column.item_begin(row)) : row;
    };
    const auto last = [&](std::int64_t row) {
      return nested_ ? static_cast<std::int64_t>(column.item_end(row)) : row + 1;
    };
    const auto suspicious = [&](std::int64_t begin, std::int64_t end) {
      bool any = false;
      for (std::int64_t i = first(begin), stop = last(end - 1); i < stop; ++i) any |= !std::isfinite(items.value<T>(i));
      return any;
    };
    return scan(column, from, suspicious,
                [&](std::int64_t row) { return culprit(items, first(row), last(row)).has_value(); });
  }

  std::string message(const Array& column, std::int64_t row) const override {
    const Array& items = nested_ ? *column.child(0) : column;
    const auto begin = nested_ ? static_cast<std::int64_t>(column.item_begin(row)) : row;
    const auto end = nested_ ? static_cast<std::int64_t>(column.item_end(row)) : row + 1;
    const T value = culprit(items, begin, end).value_or(T{});
    const std::string start = "property '" + name_ + "' value " + value_text(value);
    if (std::isnan(value)) return start + " is not finite";
    return start + (sizeof(T) == sizeof(float) ? " exceeds Float32 range" : " exceeds Float64 range");
  }

 private:
  static std::optional<T> culprit(const Array& items, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (items.is_valid(i) && !std::isfinite(items.value<T>(i))) return items.value<T>(i);
    }
    return std::nullopt;
  }

  const std::string name_;
  const bool nested_;
};

std::unique_ptr<const ValueRule> range_rule(const std::string& type_name, ScalarType scalar,
                                            const RangeConstraint& range) {
  switch (scalar) {
    case ScalarType::kI32: return std::make_unique<RangeRule<std::int32_t>>(type_name, range);
    case ScalarType::kI64: return std::make_unique<RangeRule<std::int64_t>>(type_name, range);
    case ScalarType::kU32: return std::make_unique<RangeRule<std::uint32_t>>(type_name, range);
    case ScalarType::kU64: return std::make_unique<RangeRule<std::uint64_t>>(type_name, range);
    case ScalarType::kF32: return std::make_unique<RangeRule<float>>(type_name, range);
    case ScalarType::kF64: return std::make_unique<RangeRule<double>>(type_name, range);
    default: return nullptr;  // not numeric: admission refused it
  }
}

}  // namespace

std::string enum_message(const std::string& type_name, const Property& property, std::string_view value) {
  std::string text =
      "invalid enum value '" + std::string(value) + "' for " + type_name + "." + property.name + " (expected: ";
  const std::vector<std::string>& members = property.type.enum_values;
  for (std::size_t i = 0; i < members.size(); ++i) text += (i == 0 ? "" : ", ") + members[i];
  return text + ")";
}

std::string null_message(const Property& property) {
  if (property.type.is_vector()) return "non-nullable vector property '" + property.name + "' has null values";
  if (property.type.is_blob()) return "non-nullable blob property '" + property.name + "' has null values";
  return "non-nullable property '" + property.name + "' has null or invalid values";
}

std::vector<std::unique_ptr<const ValueRule>> value_rules(const std::string& type_name, const Property& property,
                                                          const TypeConstraints& constraints) {
  std::vector<std::unique_ptr<const ValueRule>> rules;
  if (!property.type.nullable) rules.push_back(std::make_unique<NullRule>(property));
  if (property.type.is_enum()) rules.push_back(std::make_unique<EnumRule>(type_name, property));
  for (const RangeConstraint& range : constraints.range) {
    if (range.property != property.name || !property.type.is_plain_scalar()) continue;
    if (auto rule = range_rule(type_name, property.type.scalar, range)) rules.push_back(std::move(rule));
  }
  for (const CheckConstraint& check : constraints.check) {
    if (check.property != property.name || !property.type.is_plain_scalar()) continue;
    rules.push_back(std::make_unique<CheckRule>(type_name, check));
  }
  if (property.type.scalar == ScalarType::kF32) rules.push_back(std::make_unique<FiniteRule<float>>(property));
  if (property.type.scalar == ScalarType::kF64) rules.push_back(std::make_unique<FiniteRule<double>>(property));
  return rules;
}

}  // namespace omnigraph::schema
