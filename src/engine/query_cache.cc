#include "engine/query_cache.h"

#include "base/phase_clock.h"

namespace omnigraph::engine {

Result<query::BoundQueryPtr> QueryCache::compile(std::string_view source, std::string_view name,
                                                 const std::string& schema_digest,
                                                 const std::shared_ptr<const schema::Catalog>& catalog) {
  const base::PhaseClock::In parse(base::Phase::kParse);
  std::string key;
  key.reserve(schema_digest.size() + name.size() + source.size() + 2);
  key.append(schema_digest).append(1, '\0').append(name).append(1, '\0').append(source);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->query;
    }
  }
  // Compiled outside the lock: two callers may do it twice, both results are right.
  OG_ASSIGN_OR_RETURN(query::BoundQueryPtr bound, query::compile(source, name, catalog));
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return bound;
  entries_.push_front({std::move(key), bound});
  by_key_.emplace(entries_.front().key, entries_.begin());
  if (entries_.size() > entries_max_) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return bound;
}

}  // namespace omnigraph::engine
