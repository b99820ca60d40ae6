// The decorator behind observed and metered stores. Interface: ObjectStore, or an extension of it that the derived
// class completes.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "base/phase_clock.h"
#include "objectstore/observed_store.h"
#include "objectstore/ready_files.h"

namespace omnigraph::objectstore {

// One upload from its opening to its end, however that comes.
class ObservedUpload final : public Upload {
 public:
  ObservedUpload(std::unique_ptr<Upload> inner, std::shared_ptr<StoreObserver> observer, StoreObserver::Ticket ticket)
      : inner_(std::move(inner)), observer_(std::move(observer)), ticket_(ticket) {}
  ~ObservedUpload() override { end(StoreOutcome::kFailed); }

  Result<void> append(std::span<const std::byte> bytes) override {
    const base::PhaseClock::In storage(base::Phase::kStorage);
    bytes_written_ += bytes.size();
    return inner_->append(bytes);
  }
  Result<void> finish() override {
    const base::PhaseClock::In storage(base::Phase::kStorage);
    auto outcome = inner_->finish();
    end(outcome ? StoreOutcome::kOk : StoreOutcome::kFailed);
    return outcome;
  }

 private:
  void end(StoreOutcome outcome) {
    if (!std::exchange(ended_, true)) observer_->end(ticket_, StoreOperation::kUpload, outcome, 0, bytes_written_);
  }

  const std::unique_ptr<Upload> inner_;
  const std::shared_ptr<StoreObserver> observer_;
  const StoreObserver::Ticket ticket_;
  std::uint64_t bytes_written_ = 0;
  bool ended_ = false;
};

template <class Interface>
class Observed : public Interface, public PublishesAhead {
 public:
  Observed(std::shared_ptr<ObjectStore> inner, std::shared_ptr<StoreObserver> observer)
      : inner_(std::move(inner)), observer_(std::move(observer)) {}

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    return observe(StoreOperation::kGet, key, 0, [&] { return inner_->get(key, range); });
  }
  Result<ObjectInfo> head(std::string_view key) override {
    return observe(StoreOperation::kHead, key, 0, [&] { return inner_->head(key); });
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability durability) override {
    return observe(StoreOperation::kPut, key, body.size(), [&] { return inner_->put(key, body, durability); });
  }
  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                   Durability durability) override {
    return observe(StoreOperation::kPutIfAbsent, key, body.size(),
                   [&] { return inner_->put_if_absent(key, body, durability); });
  }
  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    return observe(StoreOperation::kPutIfMatch, key, body.size(),
                   [&] { return inner_->put_if_match(key, body, etag); });
  }
  Result<Listing> list(std::string_view prefix, const ListOptions& options) override {
    return observe(StoreOperation::kList, prefix, 0, [&] { return inner_->list(prefix, options); });
  }
  Result<void> remove(std::string_view key) override {
    return observe(StoreOperation::kRemove, key, 0, [&] { return inner_->remove(key); });
  }
  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const ObjectStore::BeforeEffect& before_effect) override {
    return observe(StoreOperation::kPublish, key, body.size(),
                   [&] { return inner_->publish(key, body, before_effect); });
  }

  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override {
    const base::PhaseClock::In storage(base::Phase::kStorage);
    const StoreObserver::Ticket ticket = begin(StoreOperation::kUpload, key);
    auto upload = inner_->open_upload(key);
    if (!upload) {
      observer_->end(ticket, StoreOperation::kUpload, StoreOutcome::kFailed, 0, 0);
      return upload;
    }
    return std::make_unique<ObservedUpload>(*std::move(upload), observer_, ticket);
  }

  // Not requests: nothing of them reaches a remote store.
  Result<void> sync(std::string_view key) override { return inner_->sync(key); }
  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    return inner_->remove_temporaries(folder, before_us);
  }
  [[nodiscard]] std::optional<std::filesystem::path> local_root() const override { return inner_->local_root(); }
  void make_ready() override { objectstore::make_ready(*inner_); }

 private:
  StoreObserver::Ticket begin(StoreOperation operation, std::string_view key) {
    if (base::PhaseClock* const clock = base::PhaseClock::current()) clock->count_request();
    return observer_->begin(operation, key);
  }

  // Runs one request that writes `written` bytes if it succeeds.
  template <class Call>
  std::invoke_result_t<Call&> observe(StoreOperation operation, std::string_view key, std::uint64_t written,
                                      Call&& call) {
    const base::PhaseClock::In storage(base::Phase::kStorage);
    const StoreObserver::Ticket ticket = begin(operation, key);
    auto result = call();
    StoreOutcome outcome = StoreOutcome::kOk;
    std::uint64_t read = 0;
    if (!result) {
      outcome = result.error().code == Code::kNotFound ? StoreOutcome::kAbsent : StoreOutcome::kFailed;
      written = 0;
    } else if constexpr (requires { result->size(); }) {
      read = result->size();
    } else if constexpr (std::is_same_v<decltype(result), Result<PutOutcome>>) {
      if (*result == PutOutcome::kAlreadyExists) outcome = StoreOutcome::kExists;
    } else if constexpr (std::is_same_v<decltype(result), Result<MatchOutcome>>) {
      if (*result == MatchOutcome::kChanged) outcome = StoreOutcome::kExists;
    }
    if (outcome == StoreOutcome::kExists) written = 0;
    observer_->end(ticket, operation, outcome, read, written);
    return result;
  }

  const std::shared_ptr<ObjectStore> inner_;
  const std::shared_ptr<StoreObserver> observer_;
};

}  // namespace omnigraph::objectstore
