// Every fault at every store operation, in order; no randomness, so a failure names its own reproduction.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "objectstore/faulty_store.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {

inline constexpr std::array kEveryFault{objectstore::Fault::kFailBefore, objectstore::Fault::kFailAfter,
                                        objectstore::Fault::kCrashBefore, objectstore::Fault::kCrashAfter};

// One run: a disk made anew, and a store over it that fails once. Reads go to the bare disk, as a new process would.
struct FaultRun {
  objectstore::Fault fault;
  std::uint64_t at;
  StorePtr disk;
  std::shared_ptr<objectstore::FaultyStore> faulty;
};

// Until a run ends without meeting its fault, which is the last one of a fault.
inline void at_every_operation(std::span<const objectstore::Fault> faults, const std::function<StorePtr()>& make_disk,
                               const std::function<void(const FaultRun&)>& run) {
  for (const objectstore::Fault fault : faults) {
    for (std::uint64_t at = 0;; ++at) {
      SCOPED_TRACE(::testing::Message() << "fault " << static_cast<int>(fault) << " at operation " << at);
      ASSERT_LT(at, 1'000u) << "the workload grew; is it still one commit?";
      FaultRun one{fault, at, make_disk(), nullptr};
      if (::testing::Test::HasFatalFailure()) return;
      one.faulty = objectstore::make_faulty_store(one.disk, {.fault = fault, .at_operation = at});
      run(one);
      if (::testing::Test::HasFatalFailure()) return;
      if (!one.faulty->fired()) break;
    }
  }
}

}  // namespace omnigraph::graph::testing
