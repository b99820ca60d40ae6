// Something happens before each request of a process: another one reads, or hours pass.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "tests/graph/forwarding_store.h"

namespace omnigraph::graph::testing {

// Calls `step` before each request, one at a time.
class SteppedStore final : public ForwardingStore {
 public:
  SteppedStore(StorePtr inner, std::function<void()> step)
      : ForwardingStore(std::move(inner)), step_(std::move(step)) {}
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    step();
    return inner_->get(key, range);
  }
  Result<objectstore::ObjectInfo> head(std::string_view key) override {
    step();
    return inner_->head(key);
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, objectstore::Durability durability) override {
    step();
    return inner_->put(key, body, durability);
  }
  Result<objectstore::PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                                objectstore::Durability durability) override {
    step();
    return inner_->put_if_absent(key, body, durability);
  }
  Result<objectstore::Listing> list(std::string_view prefix, const objectstore::ListOptions& options) override {
    step();
    return inner_->list(prefix, options);
  }
  Result<void> remove(std::string_view key) override {
    step();
    return inner_->remove(key);
  }
  Result<std::unique_ptr<objectstore::Upload>> open_upload(std::string_view key) override {
    step();
    return inner_->open_upload(key);
  }
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    step();
    return inner_->publish(key, body, before_effect);
  }

 private:
  void step() {
    const std::lock_guard lock(mutex_);
    step_();
  }
  std::mutex mutex_;
  const std::function<void()> step_;
};

}  // namespace omnigraph::graph::testing
