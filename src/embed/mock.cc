#include "embed/mock.h"

#include <limits>

#include "embed/normalize.h"

namespace omnigraph::embed {

namespace {

class MockEmbedder final : public TextEmbedder {
 public:
  explicit MockEmbedder(std::string model) : model_(std::move(model)) {}
  const std::string& model() const override { return model_; }
  std::expected<Vectors, EmbedFailure> embed_texts(const std::vector<std::string_view>& texts, std::uint32_t dimension,
                                                   Role) override {
    Vectors vectors;
    vectors.reserve(texts.size());
    for (const std::string_view text : texts) vectors.push_back(mock_vector(text, dimension));
    return vectors;
  }

 private:
  const std::string model_;
};

}  // namespace

std::shared_ptr<TextEmbedder> make_mock(std::string model) { return std::make_shared<MockEmbedder>(std::move(model)); }

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
  // As a provider's answer, but a vector without a direction is left alone.
  const float norm = vector_norm(v);
  if (norm <= std::numeric_limits<float>::epsilon()) return v;
  for (float& x : v) x /= norm;
  return v;
}

}  // namespace omnigraph::embed
