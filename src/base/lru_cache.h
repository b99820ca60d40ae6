// A map from keys to shared immutable values that forgets what was not used for longest once a total cost is reached.
// Whoever holds a value keeps it; forgetting only ends the sharing. Thread safety: all methods, concurrently.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace omnigraph::base {

template <class T>
class LruCache {
 public:
  explicit LruCache(std::uint64_t cost_max) : cost_max_(cost_max) {}

  [[nodiscard]] std::shared_ptr<T> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second.place);
    return found->second.value;
  }

  // Keeps `value`, or what another thread stored meanwhile; returns what is kept.
  std::shared_ptr<T> insert(const std::string& key, std::shared_ptr<T> value, std::uint64_t cost) {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) return found->second.value;
    by_use_.push_front(key);
    entries_.emplace(key, Entry{value, cost, by_use_.begin()});
    cost_ += cost;
    while (cost_ > cost_max_ && by_use_.size() > 1) {
      const auto oldest = entries_.find(by_use_.back());
      cost_ -= oldest->second.cost;
      entries_.erase(oldest);
      by_use_.pop_back();
    }
    return value;
  }

 private:
  struct Entry {
    std::shared_ptr<T> value;
    std::uint64_t cost = 0;
    std::list<std::string>::iterator place;
  };
  const std::uint64_t cost_max_;
  std::mutex mutex_;  // guards all below
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> by_use_;  // most recently used first
  std::uint64_t cost_ = 0;
};

}  // namespace omnigraph::base
