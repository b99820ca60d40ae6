#include "engine/open_observed.h"

#include <array>

#include "engine/storage_uri.h"
#include "objectstore/observed_store.h"

namespace omnigraph::engine {
namespace {

using objectstore::StoreOperation;
using objectstore::StoreOutcome;
using SteadyClock = std::chrono::steady_clock;

constexpr std::array<std::string_view, 2> kBackends = {"local", "s3"};

// A ticket is the time at which the request began.
class ListenedStore final : public objectstore::StoreObserver {
 public:
  ListenedStore(std::size_t backend, StorageListener listener) : backend_(backend), listener_(std::move(listener)) {}

  Ticket begin(StoreOperation, std::string_view) override {
    return {static_cast<std::uint64_t>(SteadyClock::now().time_since_epoch().count()), 0, 0};
  }
  void end(const Ticket& ticket, StoreOperation operation, StoreOutcome outcome, std::uint64_t bytes_read,
           std::uint64_t bytes_written) override {
    const auto began = SteadyClock::time_point(SteadyClock::duration(static_cast<std::int64_t>(ticket[0])));
    listener_({.backend = backend_,
               .operation = static_cast<std::size_t>(operation),
               .outcome = static_cast<std::size_t>(outcome),
               .bytes_read = bytes_read,
               .bytes_written = bytes_written,
               .took = SteadyClock::now() - began,
               .lost_race = operation == StoreOperation::kPublish && outcome == StoreOutcome::kExists});
  }

 private:
  const std::size_t backend_;
  const StorageListener listener_;
};

template <class Kind, std::size_t kCount>
std::array<std::string_view, kCount> names_of(std::string_view (*name)(Kind)) {
  std::array<std::string_view, kCount> names;
  for (std::size_t i = 0; i < kCount; ++i) names[i] = name(static_cast<Kind>(i));
  return names;
}

}  // namespace

std::span<const std::string_view> storage_backends() { return kBackends; }

std::span<const std::string_view> storage_operations() {
  static const auto kNames =
      names_of<StoreOperation, objectstore::kStoreOperationCount>(objectstore::store_operation_name);
  return kNames;
}

std::span<const std::string_view> storage_outcomes() {
  static const auto kNames = names_of<StoreOutcome, objectstore::kStoreOutcomeCount>(objectstore::store_outcome_name);
  return kNames;
}

Result<std::shared_ptr<Graph>> open_observed(const std::string& uri, const OpenOptions& options,
                                             StorageListener listener) {
  OG_ASSIGN_OR_RETURN(auto store, open_store(uri, OpenMode::kExisting));
  const std::size_t backend = store->local_root() ? 0 : 1;
  auto observer = std::make_shared<ListenedStore>(backend, std::move(listener));
  return Graph::open_on(objectstore::make_observed_store(std::move(store), std::move(observer)), uri, options);
}

}  // namespace omnigraph::engine
