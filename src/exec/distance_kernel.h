// Squared Euclidean distances in F32, four vectors side by side, so that a search by distance runs at the speed of the
// memory the vectors lie in. Thread safety: free functions.
#pragma once

#include <cstddef>
#include <span>

namespace omnigraph::exec {

// out[i]: the distance of vectors[i], of `query.size()` floats at any address, from `query`. The terms are added in an
// order that depends on the processor: the relative error is below (size + 8) roundings of F32.
void squared_distances(std::span<const float* const> vectors, std::span<const float> query, float* out);

}  // namespace omnigraph::exec
