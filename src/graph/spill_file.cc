#include "graph/spill_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"

namespace omnigraph::graph {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

std::filesystem::path temporary_folder() {
  std::error_code failed;
  std::filesystem::path folder = std::filesystem::temp_directory_path(failed);
  return failed ? std::filesystem::path("/tmp") : folder;
}

struct Mapping {
  Mapping(void* start, std::size_t length) : address(start), size(length) {}
  ~Mapping() { ::munmap(address, size); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  void* address;
  std::size_t size;
};

}  // namespace

Result<std::shared_ptr<SpillFile>> SpillFile::create() {
  const std::filesystem::path folder = temporary_folder();
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {  // Not every file system has O_TMPFILE.
    std::string name = (folder / "omnigraph-XXXXXX").string();
    descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) return std::unexpected(base::io_error("create a temporary file in", folder, errno));
    ::unlink(name.c_str());
  }
  return std::make_shared<SpillFile>(descriptor);
}

SpillFile::~SpillFile() { ::close(descriptor_); }

void SpillFile::begin_region() {
  end_ = (end_ + kPageBytes - 1) / kPageBytes * kPageBytes;
  region_start_ = end_;
}

Result<void> SpillFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(end_));
    if (written < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(base::io_error("write a temporary file in", temporary_folder(), errno));
    }
    end_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<Buffer> SpillFile::map(Region region) const {
  if (region.size == 0) return Buffer();
  const std::size_t size = static_cast<std::size_t>(region.size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor_, static_cast<off_t>(region.offset));
  if (address == MAP_FAILED)
    return std::unexpected(base::io_error("map a temporary file in", temporary_folder(), errno));
  auto owner = std::make_shared<const Mapping>(address, size);
  return Buffer(std::span(static_cast<const std::byte*>(address), size), std::move(owner));
}

}  // namespace omnigraph::graph
