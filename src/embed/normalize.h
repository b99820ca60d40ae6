// Vectors of unit length (chapter 04 section 5.5). Thread safety: free functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace omnigraph::embed {

// Checks one vector and divides it by its norm. kInternal: another length, an element that is not finite, no direction.
[[nodiscard]] Result<void> normalize(std::vector<float>& vector, std::uint32_t dimension);
// F32(sqrt of the sum of squares in F64).
[[nodiscard]] float vector_norm(std::span<const float> vector);

}  // namespace omnigraph::embed
