#include "objectstore/metered_store.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "objectstore/observed.h"

namespace omnigraph::objectstore {
namespace {

// Memory stays bounded under a long-lived meter; the counters go on.
constexpr std::size_t kLogSizeMax = 100'000;

// A request that has ended before another started may be what that one depended on, so the other stands one hop
// further. A ticket is generation, place in the log, hop. Thread safe.
class Meter final : public StoreObserver {
 public:
  Ticket begin(StoreOperation operation, std::string_view key) override {
    const std::lock_guard lock(mutex_);
    ++totals_.requests;
    const std::uint64_t hop = ended_hop_ + 1;
    totals_.dependent_hops = std::max(totals_.dependent_hops, hop);
    if (totals_.log.size() == kLogSizeMax) return {generation_, kLogSizeMax, hop};
    totals_.log.push_back(
        {.operation = std::string(store_operation_name(operation)), .key = std::string(key), .bytes = 0, .hop = hop});
    return {generation_, totals_.log.size() - 1, hop};
  }

  void end(const Ticket& ticket, StoreOperation, StoreOutcome, std::uint64_t read, std::uint64_t written) override {
    const auto [generation, log_index, hop] = ticket;
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return;  // started before a reset
    ended_hop_ = std::max(ended_hop_, hop);
    totals_.bytes_read += read;
    totals_.bytes_written += written;
    if (log_index < totals_.log.size()) totals_.log[log_index].bytes = read + written;
  }

  void reset() {
    const std::lock_guard lock(mutex_);
    totals_ = {};
    ended_hop_ = 0;
    ++generation_;
  }

  StoreMeter totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
  }

 private:
  mutable std::mutex mutex_;
  StoreMeter totals_;             // Guarded by mutex_.
  std::uint64_t ended_hop_ = 0;   // Guarded by mutex_. The farthest hop that has ended.
  std::uint64_t generation_ = 0;  // Guarded by mutex_. Counts resets.
};

class MeteredStoreImpl final : public Observed<MeteredStore> {
 public:
  MeteredStoreImpl(std::shared_ptr<ObjectStore> inner, std::shared_ptr<Meter> meter)
      : Observed(std::move(inner), meter), meter_(std::move(meter)) {}

  void reset() override { meter_->reset(); }
  [[nodiscard]] StoreMeter meter() const override { return meter_->totals(); }

 private:
  const std::shared_ptr<Meter> meter_;
};

}  // namespace

std::shared_ptr<MeteredStore> make_metered_store(std::shared_ptr<ObjectStore> inner) {
  return std::make_shared<MeteredStoreImpl>(std::move(inner), std::make_shared<Meter>());
}

}  // namespace omnigraph::objectstore
