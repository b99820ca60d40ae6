#include "cli/replacement_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/file.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

constexpr mode_t kPermissionBits = 07777;

std::optional<mode_t> permissions_of(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_mode & kPermissionBits;
}

// False: somebody else holds it.
Result<bool> lock_now(int descriptor, const fs::path& path) {
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return std::unexpected(base::io_error("lock", path, errno));
  }
  return true;
}

}  // namespace

Result<ReplacementFile> ReplacementFile::begin(const fs::path& target) {
  fs::path path = target;
  path += ".tmp";
  // Until its content is complete it is no more open than what it replaces.
  const mode_t mode = permissions_of(target) ? 0600 : 0644;
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode);
    if (descriptor < 0) return std::unexpected(base::io_error("write", path, errno));
    struct Closing {
      int descriptor;
      ~Closing() {
        if (descriptor >= 0) ::close(descriptor);
      }
    } closing{descriptor};
    OG_ASSIGN_OR_RETURN(const bool locked, lock_now(descriptor, path));
    if (!locked) {
      return std::unexpected(bad_request("somebody else is writing '" + target.string() + "' (" + path.string() +
                                         " is locked); try again when that has ended"));
    }
    // Whoever held it until now may have renamed or removed it.
    struct stat own{}, named{};
    if (::fstat(descriptor, &own) != 0) return std::unexpected(base::io_error("write", path, errno));
    if (::lstat(path.c_str(), &named) != 0 || own.st_dev != named.st_dev || own.st_ino != named.st_ino) continue;
    if (own.st_size == 0) return ReplacementFile(target, std::move(path), std::exchange(closing.descriptor, -1));
    // Of a run that was killed, perhaps with other permissions.
    if (::unlink(path.c_str()) != 0) return std::unexpected(base::io_error("remove", path, errno));
  }
}

ReplacementFile::ReplacementFile(ReplacementFile&& other) noexcept
    : target_(std::move(other.target_)),
      path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

ReplacementFile::~ReplacementFile() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

Result<void> ReplacementFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(base::io_error("write", path_, errno));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> ReplacementFile::commit() {
  if (const auto mode = permissions_of(target_); mode && ::fchmod(descriptor_, *mode) != 0) {
    return std::unexpected(base::io_error("write", path_, errno));
  }
  if (::fsync(descriptor_) != 0) return std::unexpected(base::io_error("sync", path_, errno));
  if (::rename(path_.c_str(), target_.c_str()) != 0) return std::unexpected(base::io_error("replace", target_, errno));
  ::close(std::exchange(descriptor_, -1));
  return base::sync_folder(target_.parent_path());
}

}  // namespace omnigraph::cli
