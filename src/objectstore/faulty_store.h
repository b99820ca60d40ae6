// Test decorator: one fault at one operation. After kCrash every further call fails, as a dead process would see it.
#pragma once

#include <cstdint>
#include <memory>

#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

enum class Fault { kNone, kFailBefore, kFailAfter, kCrashBefore, kCrashAfter };

struct FaultPlan {
  Fault fault = Fault::kNone;
  std::uint64_t at_operation = 0;  // 0-based, counting every store call
};

class FaultyStore : public ObjectStore {
 public:
  [[nodiscard]] virtual bool fired() const = 0;
  [[nodiscard]] virtual std::uint64_t operation_count() const = 0;
};

[[nodiscard]] std::shared_ptr<FaultyStore> make_faulty_store(std::shared_ptr<ObjectStore> inner, FaultPlan plan);

}  // namespace omnigraph::objectstore
