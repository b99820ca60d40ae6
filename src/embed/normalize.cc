#include "embed/normalize.h"

#include <cmath>
#include <limits>

namespace omnigraph::embed {

float vector_norm(std::span<const float> vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * static_cast<double>(x);
  return static_cast<float>(std::sqrt(sum));
}

Result<void> normalize(std::vector<float>& vector, std::uint32_t dimension) {
  if (vector.size() != dimension) {
    return std::unexpected(internal_error("embedding dimension mismatch: expected " + std::to_string(dimension) +
                                          ", got " + std::to_string(vector.size())));
  }
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (std::isfinite(vector[i])) continue;
    return std::unexpected(internal_error("embedding component " + std::to_string(i) + " is not finite"));
  }
  const float norm = vector_norm(vector);
  if (!(norm > std::numeric_limits<float>::epsilon())) {
    return std::unexpected(internal_error("embedding has zero norm (no direction)"));
  }
  for (float& x : vector) x /= norm;
  return {};
}

}  // namespace omnigraph::embed
