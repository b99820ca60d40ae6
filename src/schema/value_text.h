// Stored values as messages show them: the canonical strings of chapter 01 section 6. Quotes are the message's.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

// Strings verbatim, integers decimal, true/false, Date as days, DateTime as milliseconds, floats positional at their
// stored width, NaN, Infinity, -Infinity; null for null. Lists and vectors: [1, 2]. REQUIRES: not a Blob.
[[nodiscard]] std::string value_text(const PropertyType& type, const columnar::Array& column, std::int64_t row);
[[nodiscard]] std::string value_text(float value);
[[nodiscard]] std::string value_text(double value);

// One value: itself; several: (v1, v2). As @unique messages show tuples of values and of column names.
[[nodiscard]] std::string tuple_text(std::span<const std::string> parts);

// What `property 'p' expects <type>, got V` names: the declared type without its `?`.
[[nodiscard]] std::string expected_type_text(const PropertyType& type);

}  // namespace omnigraph::schema
