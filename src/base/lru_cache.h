// A map from keys to shared values that forgets what was not used for longest while it takes more bytes than its
// budget; the newest entry stays even if it alone is larger. Whoever holds a value keeps it; forgetting only ends the
// sharing. Thread safety: all methods, concurrently.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/cache_use.h"

namespace omnigraph::base {

template <class T>
class LruCache {
 public:
  // What it does counts under `name` (CacheUse).
  LruCache(std::string_view name, std::uint64_t bytes_max)
      : use_(CacheUse::of(name)),
        bytes_max_(static_cast<std::int64_t>(bytes_max)),
        ledger_(std::make_shared<CacheLedger>(use_)) {
    use_.bytes_max += bytes_max_;
  }
  ~LruCache() {
    use_.bytes_max -= bytes_max_;
    for (const auto& [key, entry] : entries_) drop(entry);
  }
  LruCache(const LruCache&) = delete;
  LruCache& operator=(const LruCache&) = delete;

  [[nodiscard]] std::shared_ptr<T> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    ++(found == entries_.end() ? use_.misses : use_.hits);
    if (found == entries_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second.place);
    return found->second.value;
  }
  // Neither a use nor a question that counts.
  [[nodiscard]] bool contains(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    return entries_.contains(key);
  }

  // Keeps `value`, or what another thread stored meanwhile; returns what is kept. `bytes`: what it takes beside its
  // key.
  std::shared_ptr<T> insert(const std::string& key, std::shared_ptr<T> value, std::uint64_t bytes) {
    return insert(key, std::move(value), std::make_shared<CacheCost>(bytes));
  }
  // Of a value that grows while it is used. `cost` belongs to this value alone.
  std::shared_ptr<T> insert(const std::string& key, std::shared_ptr<T> value, CacheCostPtr cost) {
    std::vector<std::shared_ptr<T>> forgotten;  // destroyed after the lock is let go
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) return found->second.value;
    add(key, value, std::move(cost));
    evict(forgotten);
    return value;
  }
  // Also where something else is kept under the key.
  void replace(const std::string& key, std::shared_ptr<T> value, std::uint64_t bytes) {
    std::vector<std::shared_ptr<T>> forgotten;
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      drop(found->second);
      forgotten.push_back(std::move(found->second.value));
      by_use_.erase(found->second.place);
      entries_.erase(found);
    }
    add(key, std::move(value), std::make_shared<CacheCost>(bytes));
    evict(forgotten);
  }

 private:
  struct Entry {
    std::shared_ptr<T> value;
    CacheCostPtr cost;
    std::list<std::string>::iterator place;
  };
  // Of an entry beside key and value: nodes, cost and their allocations.
  static constexpr std::uint64_t kEntryBytes = 256;

  void add(const std::string& key, std::shared_ptr<T> value, CacheCostPtr cost) {
    cost->add(kEntryBytes + 2 * key.size());
    cost->keep_in(ledger_);
    by_use_.push_front(key);
    entries_.emplace(key, Entry{std::move(value), std::move(cost), by_use_.begin()});
    ++use_.entries;
  }
  void evict(std::vector<std::shared_ptr<T>>& forgotten) {
    while (ledger_->bytes() > bytes_max_ && by_use_.size() > 1) {
      const auto oldest = entries_.find(by_use_.back());
      drop(oldest->second);
      ++use_.evictions;
      forgotten.push_back(std::move(oldest->second.value));
      entries_.erase(oldest);
      by_use_.pop_back();
    }
  }
  void drop(const Entry& entry) {
    entry.cost->let_go();
    --use_.entries;
  }

  CacheUse& use_;
  const std::int64_t bytes_max_;
  const std::shared_ptr<CacheLedger> ledger_;  // shared with the costs, which may outlive the cache
  mutable std::mutex mutex_;                   // guards all below
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> by_use_;  // most recently used first
};

}  // namespace omnigraph::base
