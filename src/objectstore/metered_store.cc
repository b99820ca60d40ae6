#include "objectstore/metered_store.h"

#include <algorithm>
#include <mutex>
#include <type_traits>
#include <utility>

namespace omnigraph::objectstore {
namespace {

// Memory stays bounded under a long-lived meter; the counters go on.
constexpr std::size_t kLogSizeMax = 100'000;

// A request that has ended before another started may be what that one depended on, so the other stands one hop
// further. Thread safe.
class Meter {
 public:
  struct Ticket {
    std::uint64_t generation = 0;
    std::size_t log_index = 0;
    std::uint64_t hop = 0;
  };

  Ticket start(std::string_view operation, std::string_view key) {
    const std::lock_guard lock(mutex_);
    ++totals_.requests;
    const std::uint64_t hop = ended_hop_ + 1;
    totals_.dependent_hops = std::max(totals_.dependent_hops, hop);
    if (totals_.log.size() < kLogSizeMax) {
      totals_.log.push_back({.operation = std::string(operation), .key = std::string(key), .bytes = 0, .hop = hop});
    } else {
      return {.generation = generation_, .log_index = kLogSizeMax, .hop = hop};
    }
    return {.generation = generation_, .log_index = totals_.log.size() - 1, .hop = hop};
  }

  void end(const Ticket& ticket, std::uint64_t read, std::uint64_t written) {
    const std::lock_guard lock(mutex_);
    if (ticket.generation != generation_) return;  // started before a reset
    ended_hop_ = std::max(ended_hop_, ticket.hop);
    totals_.bytes_read += read;
    totals_.bytes_written += written;
    if (ticket.log_index < totals_.log.size()) totals_.log[ticket.log_index].bytes = read + written;
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

// One request from its opening to its end, however that comes.
class MeteredUpload final : public Upload {
 public:
  MeteredUpload(std::unique_ptr<Upload> inner, std::shared_ptr<Meter> meter, Meter::Ticket ticket)
      : inner_(std::move(inner)), meter_(std::move(meter)), ticket_(ticket) {}
  ~MeteredUpload() override { end(); }

  Result<void> append(std::span<const std::byte> bytes) override {
    bytes_written_ += bytes.size();
    return inner_->append(bytes);
  }
  Result<void> finish() override {
    auto outcome = inner_->finish();
    end();
    return outcome;
  }

 private:
  void end() {
    if (!std::exchange(ended_, true)) meter_->end(ticket_, 0, bytes_written_);
  }

  const std::unique_ptr<Upload> inner_;
  const std::shared_ptr<Meter> meter_;
  const Meter::Ticket ticket_;
  std::uint64_t bytes_written_ = 0;
  bool ended_ = false;
};

class MeteredStoreImpl final : public MeteredStore {
 public:
  explicit MeteredStoreImpl(std::shared_ptr<ObjectStore> inner) : inner_(std::move(inner)) {}

  void reset() override { meter_->reset(); }
  [[nodiscard]] StoreMeter meter() const override { return meter_->totals(); }

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    const auto ticket = meter_->start("get", key);
    auto content = inner_->get(key, range);
    meter_->end(ticket, content ? content->size() : 0, 0);
    return content;
  }
  Result<ObjectInfo> head(std::string_view key) override {
    return measure("head", key, 0, [&] { return inner_->head(key); });
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability durability) override {
    return measure("put", key, body.size(), [&] { return inner_->put(key, body, durability); });
  }
  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                   Durability durability) override {
    return measure("put_if_absent", key, body.size(), [&] { return inner_->put_if_absent(key, body, durability); });
  }
  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    return measure("put_if_match", key, body.size(), [&] { return inner_->put_if_match(key, body, etag); });
  }
  Result<Listing> list(std::string_view prefix, const ListOptions& options) override {
    return measure("list", prefix, 0, [&] { return inner_->list(prefix, options); });
  }
  Result<void> remove(std::string_view key) override {
    return measure("remove", key, 0, [&] { return inner_->remove(key); });
  }
  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override {
    return measure("publish", key, body.size(), [&] { return inner_->publish(key, body, before_effect); });
  }

  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override {
    const auto ticket = meter_->start("upload", key);
    auto upload = inner_->open_upload(key);
    if (!upload) {
      meter_->end(ticket, 0, 0);
      return upload;
    }
    return std::make_unique<MeteredUpload>(*std::move(upload), meter_, ticket);
  }

  // Not requests: nothing of them reaches a remote store.
  Result<void> sync(std::string_view key) override { return inner_->sync(key); }
  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    return inner_->remove_temporaries(folder, before_us);
  }
  [[nodiscard]] std::optional<std::filesystem::path> local_root() const override { return inner_->local_root(); }

 private:
  // Runs one request that writes `written` bytes if it succeeds.
  template <class Call>
  std::invoke_result_t<Call&> measure(std::string_view operation, std::string_view key, std::uint64_t written,
                                      Call&& call) {
    const auto ticket = meter_->start(operation, key);
    auto outcome = call();
    meter_->end(ticket, 0, outcome ? written : 0);
    return outcome;
  }

  const std::shared_ptr<ObjectStore> inner_;
  const std::shared_ptr<Meter> meter_ = std::make_shared<Meter>();
};

}  // namespace

std::shared_ptr<MeteredStore> make_metered_store(std::shared_ptr<ObjectStore> inner) {
  return std::make_shared<MeteredStoreImpl>(std::move(inner));
}

}  // namespace omnigraph::objectstore
