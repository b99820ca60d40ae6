#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/hash.h"
#include "objectstore/keys.h"
#include "objectstore/object_store.h"

namespace omnigraph::objectstore {
namespace {

constexpr std::int64_t kPublishAgeMaxUs = std::int64_t{3600} * 1'000'000;

struct StoredObject {
  Buffer bytes;
  std::int64_t modified_us = 0;
  std::string etag;
};

class MemoryStore final : public ObjectStore, public std::enable_shared_from_this<MemoryStore> {
 public:
  explicit MemoryStore(const Clock& clock) : clock_(clock) {}

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return std::unexpected(no_such_object(key));
    const ByteRange part = clamp_range(range, found->second.bytes.size());
    return found->second.bytes.slice(part.offset, part.size);
  }

  Result<ObjectInfo> head(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return std::unexpected(no_such_object(key));
    return describe(found->first, found->second);
  }

  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability) override {
    OG_RETURN_IF_ERROR(check_key(key));
    StoredObject object = make_object(body);
    const std::lock_guard lock(mutex_);
    objects_.insert_or_assign(std::string(key), std::move(object));
    return {};
  }

  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body, Durability) override {
    OG_RETURN_IF_ERROR(check_key(key));
    StoredObject object = make_object(body);
    const std::lock_guard lock(mutex_);
    const bool created = objects_.try_emplace(std::string(key), std::move(object)).second;
    return created ? PutOutcome::kCreated : PutOutcome::kAlreadyExists;
  }

  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const std::int64_t wall_us = clock_.now_us();
    const std::int64_t boot_us = clock_.boottime_us();
    if (before_effect) OG_RETURN_IF_ERROR(before_effect());
    const std::int64_t age_us = std::max(clock_.now_us() - wall_us, clock_.boottime_us() - boot_us);
    if (age_us > kPublishAgeMaxUs) {  // as S3 refuses an old signature
      return std::unexpected(Error{.code = Code::kIoError,
                                   .message = "publish of '" + std::string(key) + "' refused: prepared " +
                                              std::to_string(age_us / 60'000'000) + " minutes ago"});
    }
    return put_if_absent(key, body, Durability::kDurable);
  }

  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    OG_RETURN_IF_ERROR(check_key(key));
    StoredObject object = make_object(body);
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    const std::string_view current = found == objects_.end() ? std::string_view() : found->second.etag;
    if (current != etag) return MatchOutcome::kChanged;
    objects_.insert_or_assign(std::string(key), std::move(object));
    return MatchOutcome::kReplaced;
  }

  Result<Listing> list(std::string_view prefix, const ListOptions& options) override {
    const std::lock_guard lock(mutex_);
    Listing listing;
    auto at = objects_.lower_bound(std::max(prefix, std::string_view(options.start_after)));
    while (at != objects_.end() && at->first.starts_with(prefix)) {
      const std::string_view group = options.delimited ? common_prefix(at->first, prefix) : std::string_view();
      const std::string_view shown = group.empty() ? std::string_view(at->first) : group;
      if (shown > options.start_after) {
        if (listing.objects.size() + listing.prefixes.size() >= options.limit) {
          listing.truncated = true;
          break;
        }
        if (group.empty()) {
          listing.objects.push_back(describe(at->first, at->second));
        } else {
          listing.prefixes.emplace_back(group);
        }
      }
      at = group.empty() ? std::next(at) : behind_group(group);
    }
    return listing;
  }

  Result<void> remove(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const std::lock_guard lock(mutex_);
    if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
    return {};
  }

  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override;

  Result<void> sync(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const std::lock_guard lock(mutex_);
    return objects_.contains(key) ? Result<void>() : std::unexpected(no_such_object(key));
  }

 private:
  using Objects = std::map<std::string, StoredObject, std::less<>>;

  [[nodiscard]] StoredObject make_object(std::span<const std::byte> body) const {
    StoredObject object{.bytes = Buffer::from(std::vector<std::byte>(body.begin(), body.end())),
                        .modified_us = clock_.now_us(),
                        .etag = {}};
    object.etag = base::sha256_hex(object.bytes.text());
    return object;
  }

  static ObjectInfo describe(const std::string& key, const StoredObject& object) {
    return {.key = key, .size = object.bytes.size(), .modified_us = object.modified_us, .etag = object.etag};
  }

  [[nodiscard]] Objects::iterator behind_group(std::string_view group) {
    std::string behind(group);
    ++behind.back();  // '/' + 1: the least string that no longer starts with the group
    return objects_.lower_bound(behind);
  }

  const Clock& clock_;
  std::mutex mutex_;
  Objects objects_;  // Guarded by mutex_.
};

class MemoryUpload final : public Upload {
 public:
  MemoryUpload(std::shared_ptr<MemoryStore> store, std::string key) : store_(std::move(store)), key_(std::move(key)) {}

  Result<void> append(std::span<const std::byte> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }

  Result<void> finish() override {
    OG_ASSIGN_OR_RETURN(const PutOutcome outcome, store_->put_if_absent(key_, bytes_, Durability::kDurable));
    if (outcome == PutOutcome::kAlreadyExists) return std::unexpected(object_exists(key_));
    return {};
  }

 private:
  const std::shared_ptr<MemoryStore> store_;
  const std::string key_;
  std::vector<std::byte> bytes_;
};

Result<std::unique_ptr<Upload>> MemoryStore::open_upload(std::string_view key) {
  OG_RETURN_IF_ERROR(check_key(key));
  return std::make_unique<MemoryUpload>(shared_from_this(), std::string(key));
}

}  // namespace

std::shared_ptr<ObjectStore> make_memory_store(const Clock& clock) { return std::make_shared<MemoryStore>(clock); }

}  // namespace omnigraph::objectstore
