// Passes everything on; tests override what they want to bend.
#pragma once

#include <memory>
#include <utility>

#include "objectstore/object_store.h"

namespace omnigraph::graph::testing {

class ForwardingStore : public objectstore::ObjectStore {
 public:
  explicit ForwardingStore(std::shared_ptr<objectstore::ObjectStore> inner) : inner_(std::move(inner)) {}
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    return inner_->get(key, range);
  }
  Result<objectstore::ObjectInfo> head(std::string_view key) override { return inner_->head(key); }
  Result<void> put(std::string_view key, std::span<const std::byte> body, objectstore::Durability durability) override {
    return inner_->put(key, body, durability);
  }
  Result<objectstore::PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                                objectstore::Durability durability) override {
    return inner_->put_if_absent(key, body, durability);
  }
  Result<objectstore::MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                                 std::string_view etag) override {
    return inner_->put_if_match(key, body, etag);
  }
  Result<objectstore::Listing> list(std::string_view prefix, const objectstore::ListOptions& options) override {
    return inner_->list(prefix, options);
  }
  Result<void> remove(std::string_view key) override { return inner_->remove(key); }
  Result<std::unique_ptr<objectstore::Upload>> open_upload(std::string_view key) override {
    return inner_->open_upload(key);
  }
  Result<void> sync(std::string_view key) override { return inner_->sync(key); }
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    return inner_->publish(key, body, before_effect);
  }
  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    return inner_->remove_temporaries(folder, before_us);
  }
  [[nodiscard]] std::optional<std::filesystem::path> local_root() const override { return inner_->local_root(); }

 protected:
  const std::shared_ptr<objectstore::ObjectStore> inner_;
};

}  // namespace omnigraph::graph::testing
