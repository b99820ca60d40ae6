// The embedder that asks a provider over HTTP.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "embed/text_embedder.h"

namespace omnigraph::embed {

class RemoteEmbedder final : public TextEmbedder {
 public:
  // `cache` outlives this.
  RemoteEmbedder(Caller caller, VectorCache& cache) : caller_(std::move(caller)), cache_(cache) {}

  const std::string& model() const override { return caller_.endpoint().model; }
  std::expected<Vectors, EmbedFailure> embed_texts(const std::vector<std::string_view>& texts, std::uint32_t dimension,
                                                   Role role) override;

 private:
  class Work;
  const Caller caller_;
  VectorCache& cache_;
};

}  // namespace omnigraph::embed
