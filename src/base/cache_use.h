// What the caches of this process hold and how they are asked, by the name of the cache: caches of one name (of several
// graphs) count together. Thread safety: all of it, concurrently.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace omnigraph::base {

struct CacheUse {
  std::atomic<std::int64_t> entries = 0;
  std::atomic<std::int64_t> bytes = 0;
  std::atomic<std::int64_t> bytes_max = 0;
  std::atomic<std::uint64_t> hits = 0, misses = 0, evictions = 0;

  // The counts under `name`, from now on to the end of the process.
  [[nodiscard]] static CacheUse& of(std::string_view name);
  // Ascending by name.
  static void for_each(const std::function<void(std::string_view name, const CacheUse& use)>& visit);
};

// The bytes of one cache, which count in those of its name too.
class CacheLedger {
 public:
  explicit CacheLedger(CacheUse& use) : use_(use) {}
  void add(std::int64_t bytes) {
    bytes_ += bytes;
    use_.bytes += bytes;
  }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  CacheUse& use_;
  std::atomic<std::int64_t> bytes_ = 0;
};

// What one value takes in memory, with what it may still take: columns that are decoded, tables that are built while
// it is used. As long as a cache keeps the value, growth counts in the cache's bytes at once.
class CacheCost {
 public:
  explicit CacheCost(std::uint64_t bytes = 0) : state_(bytes) {}
  void add(std::uint64_t bytes) {
    if ((state_.fetch_add(bytes) & kKept) != 0) ledger_->add(static_cast<std::int64_t>(bytes));
  }
  [[nodiscard]] std::uint64_t bytes() const { return state_ & ~kKept; }

  // By the cache, once each.
  void keep_in(std::shared_ptr<CacheLedger> ledger) {
    ledger_ = std::move(ledger);
    ledger_->add(static_cast<std::int64_t>(state_.fetch_or(kKept)));
  }
  void let_go() { ledger_->add(-static_cast<std::int64_t>(state_.fetch_and(~kKept) & ~kKept)); }

 private:
  static constexpr std::uint64_t kKept = std::uint64_t{1} << 63;
  std::atomic<std::uint64_t> state_;     // bytes, and the flag
  std::shared_ptr<CacheLedger> ledger_;  // set before the flag
};
using CacheCostPtr = std::shared_ptr<CacheCost>;

}  // namespace omnigraph::base
