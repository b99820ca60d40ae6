#include <cmath>
#include <limits>

#include "embed/provider.h"

namespace omnigraph::embed {

namespace {

// Section 5.5: F32(sqrt of the F64 sum); every element divided in F32; an (almost) empty vector is left alone.
void normalize(std::vector<float>& v) {
  double sum = 0;
  for (const float x : v) sum += static_cast<double>(x) * static_cast<double>(x);
  const auto norm = static_cast<float>(std::sqrt(sum));
  if (norm <= std::numeric_limits<float>::epsilon()) return;
  for (float& x : v) x /= norm;
}

}  // namespace

std::vector<float> mock_vector(std::string_view text, std::uint32_t dimension) {
  std::uint64_t state = 14695981039346656037ULL;  // FNV-1a, 64 bits
  for (const char c : text) {
    state ^= static_cast<unsigned char>(c);
    state *= 1099511628211ULL;
  }
  std::vector<float> v(dimension);
  for (float& x : v) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const auto r =
        static_cast<float>(static_cast<double>(state) / static_cast<double>(std::numeric_limits<std::uint64_t>::max()));
    x = r * 2.0F - 1.0F;
  }
  normalize(v);
  return v;
}

}  // namespace omnigraph::embed
