// A temporary local file for what a write must keep but memory should not: created in the folder of the environment
// variable TMPDIR and unlinked at once, so that it is gone with the process whatever happens.
// Sizes and offsets are bytes. Errors: kIoError. Not thread safe while appending; map() may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::graph {

class SpillFile {
 public:
  struct Region {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  [[nodiscard]] static Result<std::shared_ptr<SpillFile>> create();
  explicit SpillFile(int descriptor) : descriptor_(descriptor) {}
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  // Regions start at page boundaries, so that they can be mapped. One region is open at a time.
  void begin_region();
  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  [[nodiscard]] Region end_region() const { return {region_start_, end_ - region_start_}; }

  // Read-only; pages are loaded as they are touched. The mapping lives as long as the buffer, also without this file.
  [[nodiscard]] Result<Buffer> map(Region region) const;

 private:
  int descriptor_;
  std::uint64_t region_start_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace omnigraph::graph
