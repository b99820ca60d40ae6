#include "cli/baseline_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/file.h"
#include "cli/interrupt.h"

namespace omnigraph::cli {
namespace {

namespace fs = std::filesystem;

struct Inode {
  dev_t device;
  ino_t number;
  friend bool operator==(const Inode&, const Inode&) = default;
};

std::optional<Inode> inode_of(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return Inode{info.st_dev, info.st_ino};
}

// Holds the lock file for as long as it lives and removes it at the end.
class FileLock {
 public:
  static Result<FileLock> take(const fs::path& path) {
    while (true) {
      const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
      if (descriptor < 0) return std::unexpected(base::io_error("open", path, errno));
      FileLock lock(path, descriptor);
      while (::flock(descriptor, LOCK_EX) != 0) {
        if (errno != EINTR) return std::unexpected(base::io_error("lock", path, errno));
      }
      // Its last holder removes the file: what was locked may be no longer what others lock.
      struct stat info{};
      if (::fstat(descriptor, &info) == 0 && inode_of(path) == Inode{info.st_dev, info.st_ino}) {
        lock.held_ = true;
        return lock;
      }
    }
  }
  FileLock(FileLock&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(other.descriptor_), held_(other.held_) {
    other.descriptor_ = -1;
  }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock() {
    if (descriptor_ < 0) return;
    if (held_) ::unlink(path_.c_str());
    ::close(descriptor_);
  }

 private:
  FileLock(fs::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  fs::path path_;
  int descriptor_;
  bool held_ = false;
};

// Removed unless it was renamed away.
struct TemporaryFile {
  fs::path path;
  ~TemporaryFile() { ::unlink(path.c_str()); }
};

Result<void> fill(const fs::path& path, const std::function<Result<void>(const RecordSink&)>& write) {
  OG_ASSIGN_OR_RETURN(base::NewFile file, base::NewFile::create(path));
  OG_RETURN_IF_ERROR(write([&](std::string_view piece) { return file.append(std::as_bytes(std::span(piece))); }));
  OG_RETURN_IF_ERROR(file.sync());
  return file.close();
}

}  // namespace

Result<void> replace_baseline_file(const fs::path& path, const std::function<Result<void>(const RecordSink&)>& write) {
  std::error_code failed;
  const fs::path target = fs::absolute(path, failed);
  if (failed || !target.has_filename()) return std::unexpected(bad_request("'" + path.string() + "' is no file name"));
  fs::path lock_path = target;
  lock_path += ".lock";
  const fs::path temporary = base::temporary_sibling(target);
  OG_ASSIGN_OR_RETURN(const FileLock lock, FileLock::take(lock_path));
  const OnInterrupt leave_nothing([&] {
    ::unlink(temporary.c_str());
    ::unlink(lock_path.c_str());
  });
  const TemporaryFile made{temporary};
  OG_RETURN_IF_ERROR(fill(temporary, write));
  const auto written = inode_of(temporary);
  if (std::rename(temporary.c_str(), target.c_str()) != 0) {
    return std::unexpected(base::io_error("replace", target, errno));
  }
  OG_RETURN_IF_ERROR(base::sync_folder(target.parent_path()));
  if (written && inode_of(target) == written) return {};
  return std::unexpected(Error{Code::kIoError, "'" + target.string() + "' was replaced by someone else meanwhile"});
}

}  // namespace omnigraph::cli
