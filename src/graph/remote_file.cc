#include "graph/remote_file.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

// Bytes between two ranges that are cheaper to read along than to leave out with a request of their own.
constexpr std::uint64_t kGapBytes = std::uint64_t{256} << 10;
// Longer ranges are cut, so that their parts travel side by side.
constexpr std::uint64_t kRequestBytes = std::uint64_t{8} << 20;

using lance::FileRange;

std::vector<FileRange> cut_into_requests(const std::vector<FileRange>& ranges) {
  std::vector<FileRange> parts;
  for (const FileRange& range : ranges) {
    for (std::uint64_t done = 0; done < range.size; done += kRequestBytes) {
      parts.push_back({.offset = range.offset + done, .size = std::min(kRequestBytes, range.size - done)});
    }
  }
  return parts;
}

}  // namespace

Result<std::shared_ptr<const RemoteFile>> RemoteFile::open(std::string key, std::uint64_t size_bytes, RecordPtr record,
                                                           std::shared_ptr<const ObjectReader> objects) {
  void* const memory =
      ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(Error{Code::kIoError, "cannot set aside " + std::to_string(size_bytes) + " bytes for '" +
                                                     key + "': " + std::strerror(errno)});
  }
  const std::shared_ptr<const void> owner(memory, [size_bytes](void* at) { ::munmap(at, size_bytes); });
  auto* const first = static_cast<std::byte*>(memory);
  Buffer bytes(std::span<const std::byte>(first, size_bytes), owner);
  return std::shared_ptr<const RemoteFile>(
      new RemoteFile(std::move(key), std::move(bytes), first, std::move(record), std::move(objects)));
}

Result<void> RemoteFile::fetch(std::span<const FileRange> ranges) const {
  const std::lock_guard lock(mutex_);
  std::vector<FileRange> wanted(ranges.begin(), ranges.end());
  std::erase_if(wanted, [](const FileRange& range) { return range.size == 0; });
  std::ranges::sort(wanted, {}, &FileRange::offset);
  std::vector<FileRange> missing;
  for (const FileRange& range : wanted) add_missing(range.offset, range.offset + range.size, missing);
  const std::vector<FileRange> parts = cut_into_requests(missing);
  OG_RETURN_IF_ERROR(parallel_io(parts.size(), [&](std::size_t i) { return read(parts[i]); }));
  for (const FileRange& range : missing) {
    std::uint64_t begin = range.offset, end = range.offset + range.size;
    auto next = there_.upper_bound(begin);
    if (next != there_.begin() && std::prev(next)->second >= begin) next = std::prev(next);
    while (next != there_.end() && next->first <= end) {
      begin = std::min(begin, next->first);
      end = std::max(end, next->second);
      next = there_.erase(next);
    }
    there_.emplace(begin, end);
  }
  return {};
}

void RemoteFile::add_missing(std::uint64_t begin, std::uint64_t end, std::vector<FileRange>& missing) const {
  if (!missing.empty()) begin = std::max(begin, std::min(end, missing.back().offset + missing.back().size));
  while (begin < end) {
    const auto after = there_.upper_bound(begin);
    if (after != there_.begin() && std::prev(after)->second > begin) {
      begin = std::prev(after)->second;
      continue;
    }
    const std::uint64_t stop = after == there_.end() ? end : std::min(end, after->first);
    const std::uint64_t last = missing.empty() ? 0 : missing.back().offset + missing.back().size;
    if (!missing.empty() && begin - last <= kGapBytes && none_between(last, begin)) {
      missing.back().size = stop - missing.back().offset;
    } else {
      missing.push_back({.offset = begin, .size = stop - begin});
    }
    begin = stop;
  }
}

// Others may be reading what is there, so it is never written again.
bool RemoteFile::none_between(std::uint64_t begin, std::uint64_t end) const {
  const auto after = there_.upper_bound(begin);
  if (after != there_.end() && after->first < end) return false;
  return after == there_.begin() || std::prev(after)->second <= begin;
}

Result<void> RemoteFile::read(const FileRange& range) const {
  OG_ASSIGN_OR_RETURN(const Buffer part,
                      objects_->get_range(*record_, key_, {.offset = range.offset, .size = range.size}));
  if (part.size() != range.size) {
    return std::unexpected(corrupt_object(
        key_, "it ends before the " + std::to_string(bytes_.size()) + " bytes that the manifest gives it"));
  }
  std::memcpy(memory_ + range.offset, part.data(), part.size());
  return {};
}

}  // namespace omnigraph::graph
