// Operations on whole columns.
#pragma once

#include <cstdint>
#include <span>

#include "columnar/array.h"

namespace omnigraph::columnar {

// out[i] = source[positions[i]]; kNoPosition gives null. Any type.
inline constexpr std::uint32_t kNoPosition = 0xffffffffu;
[[nodiscard]] ArrayPtr take(const ChunkedArray& source, std::span<const std::uint32_t> positions);
[[nodiscard]] ArrayPtr take(const Array& source, std::span<const std::uint32_t> positions);
// One array of all chunks; the chunk itself if there is one.
[[nodiscard]] ArrayPtr combine(const ChunkedArray& source);
[[nodiscard]] ArrayPtr all_null(const DataType& type, std::int64_t length);
[[nodiscard]] ArrayPtr from_values_u64(std::vector<std::uint64_t> values);
// Typed equality of two slots: nulls are equal, floats by bits. Types must be equal.
[[nodiscard]] bool equal_at(const Array& a, std::int64_t i, const Array& b, std::int64_t j);

}  // namespace omnigraph::columnar
