#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "base/ulid.h"

namespace omnigraph::base {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

// open(2), again when a signal interrupts it.
int open_file(const fs::path& path, int flags, unsigned mode = 0) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

struct OpenFile {
  std::unique_ptr<Descriptor> descriptor;
  std::size_t size = 0;
};

Result<OpenFile> open_for_reading(const fs::path& path) {
  auto descriptor = std::make_unique<Descriptor>(open_file(path, O_RDONLY));
  if (descriptor->get() < 0) return std::unexpected(io_error("open", path, errno));
  struct stat status{};
  if (::fstat(descriptor->get(), &status) != 0) return std::unexpected(io_error("read", path, errno));
  if (S_ISDIR(status.st_mode)) return std::unexpected(io_error("read", path, EISDIR));
  return OpenFile{std::move(descriptor), static_cast<std::size_t>(status.st_size)};
}

// Reads to the end, which need not be where fstat said (pipes, /proc).
Result<std::string> read_all(const OpenFile& file, const fs::path& path) {
  std::string text(file.size + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = ::read(file.descriptor->get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(io_error("read", path, errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled == text.size()) text.resize(text.size() * 2 + 4096);
  }
  text.resize(filled);
  return text;
}

// REQUIRES: offset + size within the file.
Result<Buffer> map_part(const OpenFile& file, const fs::path& path, std::size_t offset, std::size_t size) {
  if (size == 0) return Buffer();
  static const auto kPageSize = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t lead = offset % kPageSize;  // mappings start on a page
  const std::size_t mapped_size = size + lead;
  void* address =
      ::mmap(nullptr, mapped_size, PROT_READ, MAP_SHARED, file.descriptor->get(), static_cast<off_t>(offset - lead));
  if (address == MAP_FAILED) return std::unexpected(io_error("map", path, errno));
  std::shared_ptr<const void> owner(address, [mapped_size](void* mapped) { ::munmap(mapped, mapped_size); });
  return Buffer({static_cast<const std::byte*>(address) + lead, size}, std::move(owner));
}

Result<Buffer> read_part(const OpenFile& file, const fs::path& path, std::size_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got =
        ::pread(file.descriptor->get(), bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(io_error("read", path, errno));
    if (got == 0) break;  // shorter than fstat said
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return Buffer::from(std::move(bytes));
}

Result<void> write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(io_error("write", path, errno));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> write_file(const fs::path& path, std::span<const std::byte> bytes, bool durable) {
  OG_ASSIGN_OR_RETURN(NewFile file, NewFile::create(path));
  OG_RETURN_IF_ERROR(file.append(bytes));
  if (durable) OG_RETURN_IF_ERROR(file.sync());
  return file.close();
}

Result<void> sync_path(const fs::path& path, int flags) {
  const Descriptor descriptor(open_file(path, O_RDONLY | flags));
  if (descriptor.get() < 0) return std::unexpected(io_error("sync", path, errno));
  if (::fsync(descriptor.get()) != 0) return std::unexpected(io_error("sync", path, errno));
  return {};
}

}  // namespace

Error io_error(std::string_view verb, const fs::path& path, int errno_value) {
  std::string message = "cannot ";
  message += verb;
  message += " '";
  message += path.string();
  message += "': ";
  message += std::generic_category().message(errno_value);
  return Error{.code = errno_value == ENOENT ? Code::kNotFound : Code::kIoError, .message = std::move(message)};
}

NewFile::NewFile(fs::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

Result<NewFile> NewFile::create(const fs::path& path, unsigned mode) {
  const int descriptor = open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (descriptor < 0) return std::unexpected(io_error("write", path, errno));
  return NewFile(path, descriptor);
}

Result<void> NewFile::append(std::span<const std::byte> bytes) { return write_all(descriptor_, bytes, path_); }

Result<void> NewFile::set_mode(unsigned mode) {
  if (::fchmod(descriptor_, static_cast<mode_t>(mode)) != 0) return std::unexpected(io_error("write", path_, errno));
  return {};
}

Result<void> NewFile::sync() {
  if (::fsync(descriptor_) != 0) return std::unexpected(io_error("sync", path_, errno));
  return {};
}

Result<void> NewFile::close() {
  const int failed = ::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno;
  if (failed == 0 || failed == EINTR) return {};  // Linux has closed it also on EINTR
  ::unlink(path_.c_str());
  return std::unexpected(io_error("write", path_, failed));
}

fs::path temporary_sibling(const fs::path& path) {
  constexpr std::size_t kStemSizeMax = 200;  // the whole stays below the 255 bytes that file systems allow
  std::string name(1, '.');
  name += path.filename().string().substr(0, kStemSizeMax);
  name += ".tmp-";
  name += new_ulid();
  return path.parent_path() / name;
}

Result<void> write_new_file(const fs::path& path, std::span<const std::byte> bytes) {
  return write_file(path, bytes, /*durable=*/false);
}

Result<AtOnce> create_file_at_once(const fs::path& path, std::span<const std::byte> bytes) {
  const Descriptor descriptor(open_file(path.parent_path(), O_WRONLY | O_TMPFILE, 0644));
  if (descriptor.get() < 0) {
    // Old kernels take the flag for a plain open of a folder.
    const bool unavailable = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    if (unavailable) return AtOnce::kUnavailable;
    return std::unexpected(io_error("write", path, errno));
  }
  OG_RETURN_IF_ERROR(write_all(descriptor.get(), bytes, path));
  const std::string unnamed = "/proc/self/fd/" + std::to_string(descriptor.get());
  if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return AtOnce::kCreated;
  if (errno == EEXIST) return AtOnce::kExists;
  if (errno == ENOENT || errno == EXDEV) return AtOnce::kUnavailable;  // no /proc; the named way tells what else it is
  return std::unexpected(io_error("write", path, errno));
}

Result<void> write_new_file_durably(const fs::path& path, std::span<const std::byte> bytes) {
  return write_file(path, bytes, /*durable=*/true);
}

Result<void> replace_file_durably(const fs::path& path, std::span<const std::byte> bytes, unsigned mode) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary = temporary_sibling(path);
  OG_ASSIGN_OR_RETURN(NewFile file, NewFile::create(temporary, mode));
  OG_RETURN_IF_ERROR(file.set_mode(mode));
  OG_RETURN_IF_ERROR(file.append(bytes));
  OG_RETURN_IF_ERROR(file.sync());
  OG_RETURN_IF_ERROR(file.close());
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int failed = errno;
    ::unlink(temporary.c_str());
    return std::unexpected(io_error("write", path, failed));
  }
  return sync_folder(folder);
}

Result<void> sync_folder(const fs::path& folder) {
  return sync_path(folder.empty() ? fs::path(".") : folder, O_DIRECTORY);
}

Result<void> sync_file(const fs::path& path) { return sync_path(path, 0); }

Result<std::string> read_file(const fs::path& path) {
  OG_ASSIGN_OR_RETURN(const OpenFile file, open_for_reading(path));
  return read_all(file, path);
}

Result<Buffer> map_file(const fs::path& path) {
  OG_ASSIGN_OR_RETURN(const OpenFile file, open_for_reading(path));
  return map_part(file, path, 0, file.size);
}

Result<Buffer> read_or_map_file(const fs::path& path) {
  return read_or_map_range(path, 0, std::numeric_limits<std::uint64_t>::max());
}

Result<Buffer> read_or_map_range(const fs::path& path, std::uint64_t offset, std::uint64_t size) {
  OG_ASSIGN_OR_RETURN(const OpenFile file, open_for_reading(path));
  offset = std::min<std::uint64_t>(offset, file.size);
  size = std::min<std::uint64_t>(size, file.size - offset);
  return size >= kMapSizeMin ? map_part(file, path, offset, size) : read_part(file, path, offset, size);
}

}  // namespace omnigraph::base
