#include "embed/vector_cache.h"

#include "base/hash.h"

namespace omnigraph::embed {

namespace {

// Key, list and map nodes of an entry beside its vector.
constexpr std::uint64_t kEntryBytes = 256;

// Length first, so that no two lists of parts have the same bytes.
void add_part(base::Sha256& hash, std::string_view part) {
  hash.update(std::to_string(part.size()));
  hash.update(":");
  hash.update(part);
}

}  // namespace

std::string VectorCache::key_of(const Endpoint& endpoint, std::uint32_t dimension, Role role, std::string_view text) {
  const bool gemini = endpoint.wire == Wire::kGemini;
  base::Sha256 hash;
  add_part(hash, gemini ? "gemini" : "openai");
  add_part(hash, endpoint.base_url);
  add_part(hash, endpoint.model);
  add_part(hash, std::to_string(dimension));
  add_part(hash, gemini && role == Role::kQuery ? "query" : "");
  add_part(hash, text);
  return hash.finish_raw();
}

void VectorCache::insert(const std::string& key, const std::vector<float>& vector) {
  vectors_.insert(key, std::make_shared<const std::vector<float>>(vector), vector.size() * sizeof(float) + kEntryBytes);
}

VectorCache& VectorCache::of_process() {
  static VectorCache& cache = *new VectorCache();  // never destroyed: threads may outlive main
  return cache;
}

}  // namespace omnigraph::embed
