// Tells an observer of every request that passes through, and the thread's phase clock of the time it took
// (base/phase_clock.h). Thread safety: as the store below; the observer is called concurrently.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

enum class StoreOperation : std::uint8_t {
  kGet,
  kHead,
  kPut,
  kPutIfAbsent,
  kPutIfMatch,
  kList,
  kRemove,
  kUpload,  // from its opening to its end, as one
  kPublish
};
inline constexpr std::size_t kStoreOperationCount = 9;
// get head put put_if_absent put_if_match list remove upload publish
[[nodiscard]] std::string_view store_operation_name(StoreOperation operation);

enum class StoreOutcome : std::uint8_t {
  kOk,
  kAbsent,  // no such object
  kExists,  // a conditional put that found another object
  kFailed
};
inline constexpr std::size_t kStoreOutcomeCount = 4;
[[nodiscard]] std::string_view store_outcome_name(StoreOutcome outcome);  // ok absent exists failed

class StoreObserver {
 public:
  virtual ~StoreObserver() = default;
  // What begin() wants to know again at the end of the same request.
  using Ticket = std::array<std::uint64_t, 3>;
  // `key`: or prefix.
  [[nodiscard]] virtual Ticket begin(StoreOperation operation, std::string_view key) = 0;
  virtual void end(const Ticket& ticket, StoreOperation operation, StoreOutcome outcome, std::uint64_t bytes_read,
                   std::uint64_t bytes_written) = 0;
};

[[nodiscard]] std::shared_ptr<ObjectStore> make_observed_store(std::shared_ptr<ObjectStore> inner,
                                                               std::shared_ptr<StoreObserver> observer);

}  // namespace omnigraph::objectstore
