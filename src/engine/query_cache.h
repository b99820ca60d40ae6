// Compiled queries by (source, name, schema digest), least recently used go first, so that a server pays for parsing
// and type checking once. Thread safety: all methods may be called concurrently.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "query/compile.h"

namespace omnigraph::engine {

class QueryCache {
 public:
  // A catalog with as many entries as the largest published query folders; beyond it the oldest go.
  explicit QueryCache(std::size_t entries_max = 4096) : entries_max_(entries_max) {}

  // Errors are not cached.
  [[nodiscard]] Result<query::BoundQueryPtr> compile(std::string_view source, std::string_view name,
                                                     const std::string& schema_digest,
                                                     const std::shared_ptr<const schema::Catalog>& catalog);

 private:
  struct Entry {
    std::string key;
    query::BoundQueryPtr query;
  };
  const std::size_t entries_max_;
  std::mutex mutex_;
  std::list<Entry> entries_;                                                 // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views into entries_
};

}  // namespace omnigraph::engine
