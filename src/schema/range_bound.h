// Numbers of @range: from their text to the property's type, compared and printed (chapter 01 section 5).
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "columnar/scalar.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

// `text`: ["-"] digits ["." digits]. Forms of the result: see RangeConstraint. nullopt: beyond 64 bits, or beyond
// the float type. REQUIRES: type.is_numeric().
[[nodiscard]] std::optional<columnar::Scalar> range_bound(const PropertyType& type, std::string_view text);

// Of two bounds of one property.
[[nodiscard]] std::partial_ordering compare_bounds(const columnar::Scalar& a, const columnar::Scalar& b);

// 5, -0.25, 1000000: never an exponent.
[[nodiscard]] std::string bound_text(const columnar::Scalar& bound);

}  // namespace omnigraph::schema
