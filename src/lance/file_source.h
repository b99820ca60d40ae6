// Where the bytes of a data file come from. A whole file is simply there; one that is far away is fetched range by
// range, and only what was asked for is read.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <cstdint>
#include <span>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::lance {

struct FileRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

class FileSource {
 public:
  virtual ~FileSource() = default;
  // As long as the file; only ranges that were fetched hold its content. Slices keep the memory alive.
  [[nodiscard]] virtual const Buffer& bytes() const = 0;
  // Returns once all of `ranges`, which lie inside the file, are there: side by side, in few requests.
  [[nodiscard]] virtual Result<void> fetch(std::span<const FileRange> ranges) const = 0;
};

}  // namespace omnigraph::lance
