// Compiled queries by (source, name, schema digest), so that a server pays for parsing and type checking once.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/lru_cache.h"
#include "base/result.h"
#include "query/compile.h"

namespace omnigraph::engine {

class QueryCache {
 public:
  // A catalog as large as the largest published query folders, several times; beyond it the oldest go.
  static constexpr std::uint64_t kBytesMax = std::uint64_t{64} << 20;
  explicit QueryCache(std::uint64_t bytes_max = kBytesMax) : queries_("queries", bytes_max) {}

  // Errors are not cached.
  [[nodiscard]] Result<query::BoundQueryPtr> compile(std::string_view source, std::string_view name,
                                                     const std::string& schema_digest,
                                                     const std::shared_ptr<const schema::Catalog>& catalog);

 private:
  base::LruCache<const query::BoundQuery> queries_;
};

}  // namespace omnigraph::engine
