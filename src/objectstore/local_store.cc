// A directory as an object store. Names that start with '.' are ours: `.<name>.tmp-<ulid>` is an object being written,
// `.lock` excludes concurrent put_if_match of one folder.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "objectstore/keys.h"
#include "objectstore/local_listing.h"
#include "objectstore/object_store.h"
#include "objectstore/put_copies.h"
#include "objectstore/ready_files.h"
#include "objectstore/request_count.h"

namespace omnigraph::objectstore {
namespace {

namespace fs = std::filesystem;

// Above this an etag is not worth reading the object for: size, time and inode change with every replacement.
constexpr std::uint64_t kHashedSizeMax = 4 << 20;

// Writers speak of the object, not of the temporary file that stands in for it; nothing they hit is "not found".
Error write_error(Error error, const fs::path& temporary, const fs::path& target) {
  if (error.code == Code::kNotFound) error.code = Code::kIoError;
  const std::string name = temporary.string();
  if (const std::size_t at = error.message.find(name); !name.empty() && at != std::string::npos) {
    error.message.replace(at, name.size(), target.string());
  }
  return error;
}

bool names_nothing(int failed) { return failed == ENOENT || failed == ENOTDIR; }

Result<std::string> etag_of(const fs::path& path, const struct stat& status) {
  if (static_cast<std::uint64_t>(status.st_size) > kHashedSizeMax) {
    return std::to_string(status.st_size) + "-" + std::to_string(status.st_mtim.tv_sec) + "-" +
           std::to_string(status.st_mtim.tv_nsec) + "-" + std::to_string(status.st_ino);
  }
  OG_ASSIGN_OR_RETURN(const Buffer content, base::read_or_map_file(path));
  return base::sha256_hex(content.text());
}

// Until the folder is synced a new name can vanish with the power.
Result<void> sync_written(const fs::path& folder) {
  if (auto synced = base::sync_folder(folder); !synced) {
    return std::unexpected(write_error(std::move(synced).error(), {}, {}));
  }
  return {};
}

// flock(2) on `<folder>/.lock`, held until the end of the scope. It excludes processes and threads alike, because
// each holder opens the file itself.
class FolderLock {
 public:
  static Result<FolderLock> take(const fs::path& folder) {
    const fs::path path = folder / ".lock";
    FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.descriptor_ < 0) return std::unexpected(write_error(base::io_error("lock", path, errno), {}, {}));
    while (::flock(lock.descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) return std::unexpected(base::io_error("lock", path, errno));
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// The folders on the way to an object. Thread safe.
class Folders {
 public:
  explicit Folders(fs::path root) : root_(std::move(root)) {}

  // Creates `folder`; if `durable`, makes every name on the way to it durable too, once per process: whoever made
  // them may have died before syncing.
  Result<void> ensure(const fs::path& folder, bool durable) {
    const std::lock_guard lock(mutex_);
    if (durable_.contains(folder) || (!durable && made_.contains(folder))) return {};
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) return std::unexpected(as_write_error(base::io_error("create", folder, failed.value())));
    if (made_.size() + durable_.size() >= kKnownMax) {  // at worst they are looked at again
      made_.clear();
      durable_.clear();
    }
    made_.insert(folder);
    if (!durable) return {};
    for (fs::path at = folder; at != root_ && !durable_.contains(at); at = at.parent_path()) {
      if (auto synced = base::sync_folder(at.parent_path()); !synced) {
        return std::unexpected(as_write_error(std::move(synced).error()));
      }
    }
    for (fs::path at = folder; at != root_ && durable_.insert(at).second;) at = at.parent_path();
    return {};
  }

  // Somebody removed folders; what is known of them may be wrong.
  void forget() {
    const std::lock_guard lock(mutex_);
    made_.clear();
    durable_.clear();
  }

 private:
  static constexpr std::size_t kKnownMax = 20'000;

  static Error as_write_error(Error error) { return write_error(std::move(error), {}, {}); }

  const fs::path root_;
  std::mutex mutex_;
  std::set<fs::path> made_;     // Guarded by mutex_.
  std::set<fs::path> durable_;  // Guarded by mutex_.
};

// link(2), because rename(2) would silently replace the winner's object. Removes the temporary name in any case.
Result<PutOutcome> link_into_place(const fs::path& temporary, const fs::path& target) {
  const int failed = ::link(temporary.c_str(), target.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());  // A leftover is harmless: listings skip dot files, remove_temporaries finds it.
  if (failed == EEXIST) return PutOutcome::kAlreadyExists;
  if (failed != 0) return std::unexpected(write_error(base::io_error("write", target, failed), temporary, target));
  return PutOutcome::kCreated;
}

class LocalUpload final : public Upload {
 public:
  LocalUpload(std::string key, fs::path target, fs::path temporary, base::NewFile file)
      : key_(std::move(key)), target_(std::move(target)), temporary_(std::move(temporary)), file_(std::move(file)) {}

  Result<void> append(std::span<const std::byte> bytes) override { return renamed(file_.append(bytes)); }

  // The name before the content: one commit of the file system's journal serves both then. What a power loss in between
  // leaves torn has a name that was drawn for it and that nothing refers to yet.
  Result<void> finish() override {
    OG_ASSIGN_OR_RETURN(const PutOutcome outcome, link_into_place(temporary_, target_));
    if (outcome == PutOutcome::kAlreadyExists) return std::unexpected(object_exists(key_));
    Result<void> synced = renamed(file_.sync());
    if (synced) synced = renamed(file_.close());
    if (!synced) {
      ::unlink(target_.c_str());
      return synced;
    }
    return sync_written(target_.parent_path());
  }

 private:
  Result<void> renamed(Result<void> outcome) const {
    if (outcome) return outcome;
    return std::unexpected(write_error(std::move(outcome).error(), temporary_, target_));
  }

  const std::string key_;
  const fs::path target_;
  const fs::path temporary_;
  base::NewFile file_;
};

class LocalStore final : public ObjectStore, public PublishesAhead, public LinksObjects {
 public:
  explicit LocalStore(fs::path root) : root_(std::move(root)), folders_(root_) {}

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path path = root_ / key;
    count_request();
    auto content = range ? base::read_or_map_range(path, range->offset, range->size) : base::read_or_map_file(path);
    if (!content) return std::unexpected(read_error(std::move(content).error(), key, path));
    return content;
  }

  Result<ObjectInfo> head(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path path = root_ / key;
    struct stat status{};
    count_request();
    if (::stat(path.c_str(), &status) != 0) {
      if (names_nothing(errno)) return std::unexpected(no_such_object(key));
      return std::unexpected(base::io_error("read", path, errno));
    }
    if (!S_ISREG(status.st_mode)) return std::unexpected(no_such_object(key));
    auto etag = etag_of(path, status);
    if (!etag) return std::unexpected(read_error(std::move(etag).error(), key, path));
    return ObjectInfo{.key = std::string(key),
                      .size = static_cast<std::uint64_t>(status.st_size),
                      .modified_us = std::int64_t{status.st_mtim.tv_sec} * 1'000'000 + status.st_mtim.tv_nsec / 1000,
                      .etag = *std::move(etag)};
  }

  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability durability) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path target = root_ / key;
    OG_ASSIGN_OR_RETURN(const fs::path temporary, write_temporary(target, body, durability));
    return rename_into_place(temporary, target, durability);
  }

  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body,
                                   Durability durability) override {
    return create(key, body, durability, nullptr);
  }

  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override {
    return create(key, body, Durability::kDurable, &before_effect);
  }

  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    OG_RETURN_IF_ERROR(check_key(key));
    if (etag.empty()) {
      OG_ASSIGN_OR_RETURN(const PutOutcome outcome, create(key, body, Durability::kDurable, nullptr));
      return outcome == PutOutcome::kCreated ? MatchOutcome::kReplaced : MatchOutcome::kChanged;
    }
    const fs::path target = root_ / key;
    OG_RETURN_IF_ERROR(folders_.ensure(target.parent_path(), /*durable=*/true));
    OG_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::take(target.parent_path()));
    const auto current = head(key);
    if (!current && current.error().code != Code::kNotFound) return std::unexpected(current.error());
    if (!current || current->etag != etag) return MatchOutcome::kChanged;
    OG_ASSIGN_OR_RETURN(const fs::path temporary, write_temporary(target, body, Durability::kDurable));
    OG_RETURN_IF_ERROR(rename_into_place(temporary, target, Durability::kDurable));
    return MatchOutcome::kReplaced;
  }

  Result<Listing> list(std::string_view prefix, const ListOptions& options) override {
    count_request();
    return list_local(root_, prefix, options);
  }

  Result<void> remove(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path path = root_ / key;
    // EISDIR: only a folder has this name, so there is no such object.
    if (::unlink(path.c_str()) == 0 || names_nothing(errno) || errno == EISDIR) return {};
    return std::unexpected(base::io_error("remove", path, errno));
  }

  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    fs::path target = root_ / key;
    fs::path temporary = base::temporary_sibling(target);
    OG_ASSIGN_OR_RETURN(base::NewFile file, create_temporary(temporary, target, /*durable=*/true));
    return std::make_unique<LocalUpload>(std::string(key), std::move(target), std::move(temporary), std::move(file));
  }

  Result<void> sync(std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path path = root_ / key;
    if (auto synced = base::sync_file(path); !synced) {
      return std::unexpected(read_error(std::move(synced).error(), key, path));
    }
    OG_RETURN_IF_ERROR(folders_.ensure(path.parent_path(), /*durable=*/true));
    return base::sync_folder(path.parent_path());
  }

  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    while (folder.ends_with('/')) folder.remove_suffix(1);
    if (!folder.empty()) OG_RETURN_IF_ERROR(check_key(folder));
    return remove_local_temporaries(root_ / folder, before_us);
  }

  [[nodiscard]] std::optional<fs::path> local_root() const override { return root_; }

  void make_ready() override { ready_.top_up(); }

  Result<PutOutcome> link_if_absent(std::string_view existing, std::string_view key) override {
    OG_RETURN_IF_ERROR(check_key(existing));
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path target = root_ / key;
    OG_RETURN_IF_ERROR(folders_.ensure(target.parent_path(), /*durable=*/false));
    if (::link((root_ / existing).c_str(), target.c_str()) == 0) return PutOutcome::kCreated;
    if (errno == EEXIST) return PutOutcome::kAlreadyExists;
    if (names_nothing(errno)) return std::unexpected(no_such_object(existing));
    return std::unexpected(base::io_error("write", target, errno));
  }

 private:
  // A folder, or a key below an object, is a missing key: other backends know no folders.
  static Error read_error(Error error, std::string_view key, const fs::path& path) {
    if (error.code == Code::kNotFound) return no_such_object(key);
    struct stat status{};
    const bool there = ::stat(path.c_str(), &status) == 0;
    const bool missing = there ? S_ISDIR(status.st_mode) : names_nothing(errno);
    return missing ? no_such_object(key) : error;
  }

  Result<base::AtOnce> create_at_once(const fs::path& target, std::span<const std::byte> body) {
    OG_RETURN_IF_ERROR(folders_.ensure(target.parent_path(), /*durable=*/false));
    auto outcome = base::create_file_at_once(target, body);
    if (outcome) return outcome;
    // A folder that somebody removed since it was made: the other way makes it again.
    if (outcome.error().code == Code::kNotFound) return base::AtOnce::kUnavailable;
    return std::unexpected(write_error(std::move(outcome).error(), {}, {}));
  }

  Result<base::NewFile> create_temporary(const fs::path& temporary, const fs::path& target, bool durable) {
    const fs::path folder = target.parent_path();
    OG_RETURN_IF_ERROR(folders_.ensure(folder, durable));
    if (auto file = base::NewFile::create(temporary)) {
      return file;
    } else if (file.error().code != Code::kNotFound) {
      return std::unexpected(write_error(std::move(file).error(), temporary, target));
    }
    // Somebody removed the folder since it was made.
    folders_.forget();
    OG_RETURN_IF_ERROR(folders_.ensure(folder, durable));
    auto file = base::NewFile::create(temporary);
    if (!file) return std::unexpected(write_error(std::move(file).error(), temporary, target));
    return file;
  }

  Result<fs::path> write_temporary(const fs::path& target, std::span<const std::byte> body, Durability durability) {
    const bool durable = durability == Durability::kDurable;
    fs::path temporary = base::temporary_sibling(target);
    OG_ASSIGN_OR_RETURN(base::NewFile file, create_temporary(temporary, target, durable));
    auto written = file.append(body);
    if (written && durable) written = file.sync();
    if (written) written = file.close();
    if (!written) return std::unexpected(write_error(std::move(written).error(), temporary, target));
    return temporary;
  }

  // As write_temporary, over a file that lies ready if there is one.
  Result<fs::path> write_for_publish(const fs::path& target, std::span<const std::byte> body) {
    const fs::path folder = target.parent_path();
    OG_RETURN_IF_ERROR(folders_.ensure(folder, /*durable=*/true));
    auto ready = ready_.write(folder, body);
    if (!ready) return std::unexpected(write_error(std::move(ready).error(), {}, {}));
    if (*ready) return **std::move(ready);
    return write_temporary(target, body, Durability::kDurable);
  }

  static Result<void> rename_into_place(const fs::path& temporary, const fs::path& target, Durability durability) {
    if (::rename(temporary.c_str(), target.c_str()) != 0) {
      const int failed = errno;
      ::unlink(temporary.c_str());
      return std::unexpected(write_error(base::io_error("write", target, failed), temporary, target));
    }
    return durability == Durability::kDurable ? sync_written(target.parent_path()) : Result<void>();
  }

  Result<PutOutcome> create(std::string_view key, std::span<const std::byte> body, Durability durability,
                            const BeforeEffect* before_effect) {
    OG_RETURN_IF_ERROR(check_key(key));
    const fs::path target = root_ / key;
    if (durability == Durability::kWriteBack && before_effect == nullptr) {
      OG_ASSIGN_OR_RETURN(const base::AtOnce outcome, create_at_once(target, body));
      if (outcome != base::AtOnce::kUnavailable) {
        return outcome == base::AtOnce::kCreated ? PutOutcome::kCreated : PutOutcome::kAlreadyExists;
      }
    }
    OG_ASSIGN_OR_RETURN(const fs::path temporary, before_effect != nullptr ? write_for_publish(target, body)
                                                                           : write_temporary(target, body, durability));
    if (before_effect != nullptr && *before_effect) {
      if (auto allowed = (*before_effect)(); !allowed) {
        ::unlink(temporary.c_str());
        return std::unexpected(std::move(allowed).error());
      }
    }
    OG_ASSIGN_OR_RETURN(const PutOutcome outcome, link_into_place(temporary, target));
    if (outcome == PutOutcome::kCreated && durability == Durability::kDurable) {
      OG_RETURN_IF_ERROR(sync_written(target.parent_path()));
    }
    return outcome;
  }

  const fs::path root_;  // Canonical, so that walking up from any key reaches it.
  Folders folders_;
  ReadyFiles ready_;
};

}  // namespace

Result<std::shared_ptr<ObjectStore>> open_local_store(const fs::path& root) {
  std::error_code failed;
  fs::path canonical = fs::canonical(root, failed);
  if (failed) return std::unexpected(base::io_error("open", root, failed.value()));
  if (!fs::is_directory(canonical, failed)) return std::unexpected(base::io_error("open", root, ENOTDIR));
  return std::make_shared<LocalStore>(std::move(canonical));
}

Result<std::shared_ptr<ObjectStore>> create_local_store(const fs::path& root) {
  std::error_code failed;
  const fs::path absolute = fs::absolute(root, failed).lexically_normal();
  if (failed) return std::unexpected(base::io_error("create", root, failed.value()));
  fs::path oldest = absolute;  // the deepest folder that exists already
  while (!fs::exists(oldest, failed) && oldest.has_relative_path()) oldest = oldest.parent_path();
  fs::create_directories(absolute, failed);
  if (failed) return std::unexpected(base::io_error("create", root, failed.value()));
  for (fs::path at = absolute; at != oldest; at = at.parent_path()) {
    OG_RETURN_IF_ERROR(base::sync_folder(at.parent_path()));
  }
  return open_local_store(root);
}

}  // namespace omnigraph::objectstore
