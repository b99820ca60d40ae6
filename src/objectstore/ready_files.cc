#include "objectstore/ready_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/file.h"

namespace omnigraph::objectstore {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadyFilesMax = 32;  // of one folder
// Cleanup takes temporary files that are an hour old; one that it may be looking at is not begun with.
constexpr std::chrono::minutes kReadyFor{30};
// A folder that nobody publishes in keeps its files so long: who writes to several branches in turn comes back to each.
constexpr std::chrono::minutes kKeptFor{1};

class OpenFile {
 public:
  OpenFile(const fs::path& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  OpenFile(OpenFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // False: errno says why.
  [[nodiscard]] bool write_all(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
  }

 private:
  int descriptor_;
};

// Removes a file unless it was kept.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  fs::path keep() { return std::exchange(path_, {}); }

 private:
  fs::path path_;
};

// New files of `size` bytes each, their blocks and sizes most likely durable; fewer if something fails.
std::vector<fs::path> make_files(const fs::path& folder, std::uint64_t size, std::size_t count) {
  const std::vector<std::byte> zeros(size);
  std::vector<fs::path> made;
  std::vector<OpenFile> open;
  while (made.size() < count) {
    fs::path path = base::temporary_sibling(folder / "ready");
    OpenFile file(path, O_WRONLY | O_CREAT | O_EXCL);
    if (!file.is_open()) break;
    if (!file.write_all(zeros)) {
      ::unlink(path.c_str());
      break;
    }
    // Its blocks are chosen now, so that one commit of the journal takes them all.
    (void)::sync_file_range(file.descriptor(), 0, 0, SYNC_FILE_RANGE_WRITE);
    open.push_back(std::move(file));
    made.push_back(std::move(path));
  }
  if (!open.empty()) (void)::fsync(open.back().descriptor());
  return made;
}

}  // namespace

void make_ready(ObjectStore& store) {
  if (auto* ahead = dynamic_cast<PublishesAhead*>(&store)) ahead->make_ready();
}

ReadyFiles::~ReadyFiles() {
  for (const auto& [path, folder] : folders_) {
    for (const File& file : folder.files) ::unlink(file.path.c_str());
  }
}

std::optional<fs::path> ReadyFiles::take(const fs::path& folder, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  Folder& known = folders_[folder];
  known.size = size;
  ++known.wanted;
  known.used = now_();
  const auto oldest = known.used - kReadyFor;
  const auto fits = [&](const File& file) { return file.size == size && file.made > oldest; };
  const auto found = std::ranges::find_if(known.files, fits);
  if (found == known.files.end()) return std::nullopt;
  fs::path path = std::move(found->path);
  known.files.erase(found);
  return path;
}

Result<std::optional<fs::path>> ReadyFiles::write(const fs::path& folder, std::span<const std::byte> body) {
  if (body.empty() || body.size() % kReadyStepBytes != 0 || body.size() > kReadyBytesMax) return std::nullopt;
  std::optional<fs::path> path = take(folder, body.size());
  if (!path) return std::nullopt;
  Unfinished unfinished(*path);
  const OpenFile file(*path, O_WRONLY);
  struct stat status{};
  // Somebody may have removed it, or written to it.
  if (!file.is_open() || ::fstat(file.descriptor(), &status) != 0) return std::nullopt;
  if (static_cast<std::uint64_t>(status.st_size) != body.size() || status.st_nlink != 1) return std::nullopt;
  if (!file.write_all(body)) return std::unexpected(base::io_error("write", *path, errno));
  if (::fdatasync(file.descriptor()) != 0) return std::unexpected(base::io_error("sync", *path, errno));
  return unfinished.keep();
}

void ReadyFiles::top_up() {
  struct Order {
    fs::path folder;
    std::uint64_t size = 0;
    std::size_t count = 0;
  };
  std::vector<Order> orders;
  std::vector<File> surplus;
  {
    const std::lock_guard lock(mutex_);
    const auto now = now_();
    for (auto at = folders_.begin(); at != folders_.end();) {
      Folder& folder = at->second;
      const auto wanted = std::exchange(folder.wanted, 0);
      std::erase_if(folder.files, [&](const File& file) {
        const bool useless = folder.used <= now - kKeptFor || file.size != folder.size || file.made <= now - kReadyFor;
        if (useless) surplus.push_back(file);
        return useless;
      });
      // As many as came, and as many again that come while the next are made.
      const std::size_t target = std::min(kReadyFilesMax, 2 * wanted);
      if (folder.files.size() < target) orders.push_back({at->first, folder.size, target - folder.files.size()});
      at = wanted == 0 && folder.files.empty() ? folders_.erase(at) : std::next(at);
    }
  }
  for (const File& file : surplus) ::unlink(file.path.c_str());
  for (const Order& order : orders) {
    std::vector<fs::path> made = make_files(order.folder, order.size, order.count);
    const std::lock_guard lock(mutex_);
    Folder& folder = folders_[order.folder];
    for (fs::path& path : made) folder.files.push_back({std::move(path), order.size, now_()});
  }
}

}  // namespace omnigraph::objectstore
