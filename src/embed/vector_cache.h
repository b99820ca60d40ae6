// Vectors that a provider gave, kept for the process (chapter 04 section 5.8). Thread safety: all methods,
// concurrently.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/lru_cache.h"
#include "embed/limits.h"
#include "embed/wire.h"

namespace omnigraph::embed {

class VectorCache {
 public:
  explicit VectorCache(std::uint64_t bytes_max = kCacheBytesMax) : vectors_("embeddings", bytes_max) {}

  // SHA-256 of all that decides the vector: wire, base URL, model, dimension, role where it matters, text.
  [[nodiscard]] static std::string key_of(const Endpoint& endpoint, std::uint32_t dimension, Role role,
                                          std::string_view text);

  // Null: not there.
  [[nodiscard]] std::shared_ptr<const std::vector<float>> find(const std::string& key) { return vectors_.find(key); }
  void insert(const std::string& key, const std::vector<float>& vector);

  [[nodiscard]] static VectorCache& of_process();

 private:
  base::LruCache<const std::vector<float>> vectors_;
};

}  // namespace omnigraph::embed
