// Many texts into vectors: equal ones once, what is cached not at all, the rest in batches, several requests in flight
// (chapter 04 sections 5.2 and 5.8).
// Thread safety: one embedder may be used by many threads.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "embed/caller.h"
#include "embed/limits.h"
#include "embed/provider.h"
#include "embed/settings.h"
#include "embed/vector_cache.h"

namespace omnigraph::embed {

using Vectors = std::vector<std::vector<float>>;

struct EmbedFailure {
  Error error;
  std::size_t text = 0;  // the number of the text, or of the first one of its batch
};

class TextEmbedder {
 public:
  virtual ~TextEmbedder() = default;
  [[nodiscard]] virtual const std::string& model() const = 0;
  // One vector of unit length a text. The first failure ends the work; what was embedded by then is cached.
  [[nodiscard]] virtual std::expected<Vectors, EmbedFailure> embed_texts(const std::vector<std::string_view>& texts,
                                                                         std::uint32_t dimension, Role role) = 0;

  // The same for those to whom it does not matter which text failed.
  [[nodiscard]] Result<Vectors> embed(const std::vector<std::string>& texts, std::uint32_t dimension, Role role);
};

// kInternal: an unknown kind, or a key that is missing (naming its variables). An empty base URL or model is the
// kind's.
[[nodiscard]] Result<std::shared_ptr<TextEmbedder>> make_text_embedder(
    const ProviderConfig& config, const CallSettings& settings, Surroundings surroundings = process_surroundings(),
    VectorCache& cache = VectorCache::of_process());

}  // namespace omnigraph::embed
