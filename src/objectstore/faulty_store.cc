#include "objectstore/faulty_store.h"

#include <mutex>
#include <string>
#include <utility>

namespace omnigraph::objectstore {
namespace {

// Decides what happens to each call. Shared by a store and its uploads. Thread safe.
class Fate {
 public:
  explicit Fate(FaultPlan plan) : plan_(plan) {}

  // Runs `call` unless the fault forbids it. Its result is lost when the fault strikes after the effect.
  template <class Call>
  auto decide(std::string_view operation, std::string_view key, Call&& call) -> decltype(call()) {
    const Fault fault = next();
    if (fault == Fault::kFailBefore || fault == Fault::kCrashBefore) return lost(fault, operation, key);
    auto outcome = call();
    if (fault != Fault::kNone) return lost(fault, operation, key);
    return outcome;
  }

  [[nodiscard]] bool fired() const {
    const std::lock_guard lock(mutex_);
    return fired_;
  }
  [[nodiscard]] std::uint64_t operation_count() const {
    const std::lock_guard lock(mutex_);
    return operation_count_;
  }

 private:
  Fault next() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t at = operation_count_++;
    if (crashed_) return Fault::kCrashBefore;
    if (plan_.fault == Fault::kNone || at != plan_.at_operation) return Fault::kNone;
    fired_ = true;
    crashed_ = plan_.fault == Fault::kCrashBefore || plan_.fault == Fault::kCrashAfter;
    return plan_.fault;
  }

  static std::unexpected<Error> lost(Fault fault, std::string_view operation, std::string_view key) {
    std::string message = "injected fault: ";
    message += fault == Fault::kFailBefore    ? "failed before "
               : fault == Fault::kFailAfter   ? "failed after "
               : fault == Fault::kCrashBefore ? "crashed before "
                                              : "crashed after ";
    message += operation;
    message += " of '";
    message += key;
    message += '\'';
    return std::unexpected(Error{.code = Code::kIoError, .message = std::move(message)});
  }

  const FaultPlan plan_;
  mutable std::mutex mutex_;
  std::uint64_t operation_count_ = 0;  // Guarded by mutex_.
  bool fired_ = false;                 // Guarded by mutex_.
  bool crashed_ = false;               // Guarded by mutex_.
};

class FaultyUpload final : public Upload {
 public:
  FaultyUpload(std::unique_ptr<Upload> inner, std::shared_ptr<Fate> fate, std::string key)
      : inner_(std::move(inner)), fate_(std::move(fate)), key_(std::move(key)) {}
  Result<void> append(std::span<const std::byte> bytes) override {
    return fate_->decide("append", key_, [&] { return inner_->append(bytes); });
  }
  Result<void> finish() override {
    return fate_->decide("finish", key_, [&] { return inner_->finish(); });
  }

 private:
  const std::unique_ptr<Upload> inner_;
  const std::shared_ptr<Fate> fate_;
  const std::string key_;
};

class FaultyStoreImpl final : public FaultyStore {
 public:
  FaultyStoreImpl(std::shared_ptr<ObjectStore> inner, FaultPlan plan)
      : inner_(std::move(inner)), fate_(std::make_shared<Fate>(plan)) {}

  [[nodiscard]] bool fired() const override { return fate_->fired(); }
  [[nodiscard]] std::uint64_t operation_count() const override { return fate_->operation_count(); }

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    return fate_->decide("get", key, [&] { return inner_->get(key, range); });
  }
  Result<ObjectInfo> head(std::string_view key) override {
    return fate_->decide("head", key, [&] { return inner_->head(key); });
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability durability) override {
    return fate_->decide("put", key, [&] { return inner_->put(key, body, durability); });
  }
  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                   Durability durability) override {
    return fate_->decide("put_if_absent", key, [&] { return inner_->put_if_absent(key, body, durability); });
  }
  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    return fate_->decide("put_if_match", key, [&] { return inner_->put_if_match(key, body, etag); });
  }
  Result<Listing> list(std::string_view prefix, const ListOptions& options) override {
    return fate_->decide("list", prefix, [&] { return inner_->list(prefix, options); });
  }
  Result<void> remove(std::string_view key) override {
    return fate_->decide("remove", key, [&] { return inner_->remove(key); });
  }
  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override {
    OG_ASSIGN_OR_RETURN(auto upload, fate_->decide("open_upload", key, [&] { return inner_->open_upload(key); }));
    return std::make_unique<FaultyUpload>(std::move(upload), fate_, std::string(key));
  }
  Result<void> sync(std::string_view key) override {
    return fate_->decide("sync", key, [&] { return inner_->sync(key); });
  }
  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override {
    return fate_->decide("publish", key, [&] { return inner_->publish(key, body, before_effect); });
  }
  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    return fate_->decide("remove_temporaries", folder, [&] { return inner_->remove_temporaries(folder, before_us); });
  }
  [[nodiscard]] std::optional<std::filesystem::path> local_root() const override { return inner_->local_root(); }

 private:
  const std::shared_ptr<ObjectStore> inner_;
  const std::shared_ptr<Fate> fate_;
};

}  // namespace

std::shared_ptr<FaultyStore> make_faulty_store(std::shared_ptr<ObjectStore> inner, FaultPlan plan) {
  return std::make_shared<FaultyStoreImpl>(std::move(inner), plan);
}

}  // namespace omnigraph::objectstore
