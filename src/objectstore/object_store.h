// One bucket or directory of byte objects. Everything the database keeps passes through this interface,
// so that a test can count, delay or fail each operation (MeteredStore, FaultyStore).
//
// Keys: UTF-8, '/'-separated, no empty segment and none starting with '.'. Sizes and offsets are bytes.
// Thread safety: every method may be called concurrently on one instance.
// Errors: kInvalidArgument (nothing happened), kNotFound (get, head of a missing key), kIoError (the effect is
// unknown). Source: chapter 09, section 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/result.h"

namespace omnigraph::objectstore {

// S3's limit. A longer key would work on a local disk and then refuse to move to a bucket.
inline constexpr std::size_t kKeySizeMax = 1024;

// Not a bool: `if (put_if_absent(..))` would read as "created" and mean "no error".
enum class PutOutcome { kCreated, kAlreadyExists };
enum class MatchOutcome { kReplaced, kChanged };  // kChanged: the stored object is another (or gone), untouched

enum class Durability {
  kDurable,   // survives power loss once the call returned
  kWriteBack  // local: no fsync. For derived bytes whose durable copy lies elsewhere. S3: as kDurable
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // clamped to the object's end
};

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  std::int64_t modified_us = 0;  // the store's own clock
  std::string etag;  // changes with the content; empty in the lists of a local store, which would have to hash
};

struct Listing {
  std::vector<ObjectInfo> objects;    // ascending by key bytes
  std::vector<std::string> prefixes;  // with a delimiter: common prefixes, ending in it
  bool truncated = false;             // `limit` cut it
};

struct ListOptions {
  std::string start_after{};  // keys (and prefixes) strictly greater
  std::size_t limit = 1000;   // objects plus prefixes
  bool delimited = false;     // delimiter '/'
};

bool is_valid_key(std::string_view key);

// A large object written piece by piece; visible only after finish(), atomically. Dropping it aborts.
class Upload {
 public:
  virtual ~Upload() = default;
  [[nodiscard]] virtual Result<void> append(std::span<const std::byte> bytes) = 0;
  // Publishes under the key given at open, replacing nothing: an existing object is an error (kConflict).
  [[nodiscard]] virtual Result<void> finish() = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Whole object or a range of it. Local files are mapped, so that a large object costs no copy.
  [[nodiscard]] virtual Result<Buffer> get(std::string_view key, std::optional<ByteRange> range = std::nullopt) = 0;
  [[nodiscard]] virtual Result<ObjectInfo> head(std::string_view key) = 0;

  // Creates or replaces `key`, atomically.
  [[nodiscard]] virtual Result<void> put(std::string_view key, std::span<const std::byte> body,
                                         Durability durability = Durability::kDurable) = 0;

  // Creates `key` holding exactly `body`, atomically: a reader sees nothing or all of it, and of all
  // concurrent callers, here or on other machines, exactly one gets kCreated. kAlreadyExists is an
  // answer, not an error: the caller lost the race and the stored object is untouched.
  //
  // After kCreated (kDurable) the object survives power loss. After kIoError it may exist: read it back and look
  // for the token the caller put into `body`. `body` is borrowed for the call only.
  // Cost: one S3 request; two fsyncs on a local disk.
  [[nodiscard]] virtual Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                                         Durability durability = Durability::kDurable) = 0;

  // Replaces `key` only while its content has `etag`; an empty `etag` means "only if absent". For the cluster
  // ledger only.
  [[nodiscard]] virtual Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                                          std::string_view etag) = 0;

  // Keys that start with `prefix` (any string; it need not end in '/'), ascending.
  [[nodiscard]] virtual Result<Listing> list(std::string_view prefix, const ListOptions& options = {}) = 0;

  // Removing a missing key is no error.
  [[nodiscard]] virtual Result<void> remove(std::string_view key) = 0;

  [[nodiscard]] virtual Result<std::unique_ptr<Upload>> open_upload(std::string_view key) = 0;

  // Local: fsyncs the object and its folder, so that what another process wrote counts as durable. S3: nothing.
  [[nodiscard]] virtual Result<void> sync(std::string_view key) = 0;

  // A publish is prepared, then the clock is looked at, then it is sent (chapter 09 section 3, rule c). The hook
  // runs after all slow preparation (temporary file synced, request signed) and right before the effect; an error
  // from it abandons the put without effect.
  using BeforeEffect = std::function<Result<void>()>;
  [[nodiscard]] virtual Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                                   const BeforeEffect& before_effect) = 0;

  // Local: removes what interrupted puts left below `folder` ("" = everywhere) if it was last modified before
  // `before_us`, and says how many. Other backends leave nothing: 0.
  [[nodiscard]] virtual Result<std::uint64_t> remove_temporaries([[maybe_unused]] std::string_view folder,
                                                                 [[maybe_unused]] std::int64_t before_us) {
    return 0;
  }

  // Path of the root in the local file system; nullopt for other backends.
  [[nodiscard]] virtual std::optional<std::filesystem::path> local_root() const { return std::nullopt; }
};

// Opens the existing directory `root`; folders below it are made as keys need them.
[[nodiscard]] Result<std::shared_ptr<ObjectStore>> open_local_store(const std::filesystem::path& root);
// As open_local_store, making the directory (and its parents) first.
[[nodiscard]] Result<std::shared_ptr<ObjectStore>> create_local_store(const std::filesystem::path& root);
// Tests. `clock` dates objects; a publish whose hook looked at the clock more than an hour ago is refused.
[[nodiscard]] std::shared_ptr<ObjectStore> make_memory_store(const Clock& clock = system_clock());

}  // namespace omnigraph::objectstore
