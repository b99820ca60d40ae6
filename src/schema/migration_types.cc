#include "schema/migration_types.h"

#include <algorithm>
#include <iterator>

namespace omnigraph::schema {
namespace {

bool widens(ScalarType from, ScalarType to) {
  switch (from) {
    case ScalarType::kI32: return to == ScalarType::kI64 || to == ScalarType::kF64;
    case ScalarType::kU32: return to == ScalarType::kU64 || to == ScalarType::kI64 || to == ScalarType::kF64;
    case ScalarType::kF32: return to == ScalarType::kF64;
    default: return false;
  }
}

TypeChange::Base base_change(const PropertyType& from, const PropertyType& to, std::vector<std::string>& added) {
  using Base = TypeChange::Base;
  if (from.list != to.list || from.vector_dimension != to.vector_dimension) return Base::kOther;
  if (from.is_vector()) return Base::kSame;
  if (from.scalar != to.scalar) return widens(from.scalar, to.scalar) ? Base::kWidened : Base::kOther;
  if (from.enum_values == to.enum_values) return Base::kSame;
  if (!to.is_enum()) return Base::kEnumToString;
  if (!from.is_enum() || !std::ranges::includes(to.enum_values, from.enum_values)) return Base::kRestricted;
  std::ranges::set_difference(to.enum_values, from.enum_values, std::back_inserter(added));
  return Base::kEnumExtended;
}

}  // namespace

TypeChange classify_change(const PropertyType& from, const PropertyType& to) {
  TypeChange change;
  change.base = base_change(from, to, change.added_values);
  change.relaxed = !from.nullable && to.nullable;
  change.tightened = from.nullable && !to.nullable;
  return change;
}

bool changes_storage(const PropertyType& from, const PropertyType& to) {
  return from.scalar != to.scalar || from.list != to.list || from.vector_dimension != to.vector_dimension;
}

}  // namespace omnigraph::schema
