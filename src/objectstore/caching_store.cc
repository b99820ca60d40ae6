#include "objectstore/caching_store.h"

#include <list>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "objectstore/keys.h"

namespace omnigraph::objectstore {
namespace {

// What an entry costs besides its bytes.
constexpr std::uint64_t kEntryOverheadBytes = 256;
constexpr std::uint64_t kWholeObject = ~std::uint64_t{0};

// Ranges of objects, least recently used ones dropped. Thread safe.
class RangeCache {
 public:
  explicit RangeCache(std::uint64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // Served from the same range, or from the whole object.
  std::optional<Buffer> find(std::string_view key, const std::optional<ByteRange>& range) {
    const std::lock_guard lock(mutex_);
    if (const auto whole = entries_.find(Probe(key, 0, kWholeObject)); whole != entries_.end()) {
      touch(whole);
      const ByteRange part = clamp_range(range, whole->second.bytes.size());
      return whole->second.bytes.slice(part.offset, part.size);
    }
    if (!range) return std::nullopt;
    const auto found = entries_.find(Probe(key, range->offset, range->size));
    if (found == entries_.end()) return std::nullopt;
    touch(found);
    return found->second.bytes;
  }

  void keep(std::string_view key, const std::optional<ByteRange>& range, const Buffer& bytes) {
    const std::uint64_t cost = bytes.size() + kEntryOverheadBytes;
    if (cost > budget_bytes_) return;
    const std::lock_guard lock(mutex_);
    const auto [at, added] =
        entries_.try_emplace(Id(std::string(key), range ? range->offset : 0, range ? range->size : kWholeObject));
    if (!added) return;
    at->second.bytes = bytes;
    recency_.push_front(at);
    at->second.place = recency_.begin();
    used_bytes_ += cost;
    while (used_bytes_ > budget_bytes_) drop(recency_.back());
  }

  void forget(std::string_view key) {
    const std::lock_guard lock(mutex_);
    for (auto at = entries_.lower_bound(Probe(key, 0, 0)); at != entries_.end() && std::get<0>(at->first) == key;) {
      drop(at++);
    }
  }

 private:
  using Id = std::tuple<std::string, std::uint64_t, std::uint64_t>;  // key, offset, size
  using Probe = std::tuple<std::string_view, std::uint64_t, std::uint64_t>;
  struct Entry;
  using Entries = std::map<Id, Entry, std::less<>>;
  using Recency = std::list<Entries::iterator>;  // most recent first
  struct Entry {
    Buffer bytes;
    Recency::iterator place;
  };

  void touch(Entries::iterator at) { recency_.splice(recency_.begin(), recency_, at->second.place); }
  void drop(Entries::iterator at) {
    used_bytes_ -= at->second.bytes.size() + kEntryOverheadBytes;
    recency_.erase(at->second.place);
    entries_.erase(at);
  }

  const std::uint64_t budget_bytes_;
  std::mutex mutex_;
  Entries entries_;               // Guarded by mutex_.
  Recency recency_;               // Guarded by mutex_.
  std::uint64_t used_bytes_ = 0;  // Guarded by mutex_.
};

// Forgets the key when it is published, so that bytes kept under a reused name are never served.
class ForgettingUpload final : public Upload {
 public:
  ForgettingUpload(std::unique_ptr<Upload> inner, std::shared_ptr<RangeCache> cache, std::string key)
      : inner_(std::move(inner)), cache_(std::move(cache)), key_(std::move(key)) {}
  Result<void> append(std::span<const std::byte> bytes) override { return inner_->append(bytes); }
  Result<void> finish() override {
    cache_->forget(key_);
    return inner_->finish();
  }

 private:
  const std::unique_ptr<Upload> inner_;
  const std::shared_ptr<RangeCache> cache_;
  const std::string key_;
};

class CachingStore final : public ObjectStore {
 public:
  CachingStore(std::shared_ptr<ObjectStore> inner, std::uint64_t budget_bytes,
               std::function<bool(std::string_view)> is_immutable)
      : inner_(std::move(inner)),
        cache_(std::make_shared<RangeCache>(budget_bytes)),
        is_immutable_(std::move(is_immutable)) {}

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    if (!is_immutable_(key)) return inner_->get(key, range);
    if (auto kept = cache_->find(key, range)) return *std::move(kept);
    auto content = inner_->get(key, range);
    if (content) cache_->keep(key, range, *content);
    return content;
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability durability) override {
    cache_->forget(key);
    return inner_->put(key, body, durability);
  }
  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                   Durability durability) override {
    cache_->forget(key);
    return inner_->put_if_absent(key, body, durability);
  }
  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    cache_->forget(key);
    return inner_->put_if_match(key, body, etag);
  }
  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override {
    cache_->forget(key);
    return inner_->publish(key, body, before_effect);
  }
  Result<void> remove(std::string_view key) override {
    cache_->forget(key);
    return inner_->remove(key);
  }
  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override {
    OG_ASSIGN_OR_RETURN(auto upload, inner_->open_upload(key));
    return std::make_unique<ForgettingUpload>(std::move(upload), cache_, std::string(key));
  }

  Result<ObjectInfo> head(std::string_view key) override { return inner_->head(key); }
  Result<Listing> list(std::string_view prefix, const ListOptions& options) override {
    return inner_->list(prefix, options);
  }
  Result<void> sync(std::string_view key) override { return inner_->sync(key); }
  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    return inner_->remove_temporaries(folder, before_us);
  }
  [[nodiscard]] std::optional<std::filesystem::path> local_root() const override { return inner_->local_root(); }

 private:
  const std::shared_ptr<ObjectStore> inner_;
  const std::shared_ptr<RangeCache> cache_;
  const std::function<bool(std::string_view)> is_immutable_;
};

}  // namespace

std::shared_ptr<ObjectStore> make_caching_store(std::shared_ptr<ObjectStore> inner, std::uint64_t budget_bytes,
                                                std::function<bool(std::string_view)> is_immutable) {
  return std::make_shared<CachingStore>(std::move(inner), budget_bytes, std::move(is_immutable));
}

}  // namespace omnigraph::objectstore
