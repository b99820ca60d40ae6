// Row ids of the endpoints of an edge table's staged rows, one array a side and staged batch; in memory up to a
// budget, beyond it in a temporary local file. set() and get() may be called concurrently for different pieces.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "graph/spill_file.h"

namespace omnigraph::graph {

enum class EdgeSide : std::uint8_t { kSource = 0, kDestination = 1 };

class EndpointRows {
 public:
  static constexpr std::uint64_t kUnresolved = ~std::uint64_t{0};

  explicit EndpointRows(std::uint64_t memory_bytes_max = std::uint64_t{64} << 20)
      : memory_bytes_max_(memory_bytes_max) {}

  void resize(std::size_t pieces) {
    for (auto& side : sides_) side.resize(pieces);
  }
  [[nodiscard]] Result<void> set(EdgeSide side, std::size_t piece, std::vector<std::uint64_t> rows);
  [[nodiscard]] Result<Buffer> get(EdgeSide side, std::size_t piece) const;  // u64 values; empty: not set
  [[nodiscard]] static std::span<const std::uint64_t> values(const Buffer& buffer) {
    return {reinterpret_cast<const std::uint64_t*>(buffer.data()), buffer.size() / sizeof(std::uint64_t)};
  }

 private:
  struct Piece {
    Buffer memory;
    bool spilled = false;
    SpillFile::Region region;
  };
  const std::uint64_t memory_bytes_max_;
  std::array<std::vector<Piece>, 2> sides_;
  std::mutex mutex_;  // guards the two below
  std::uint64_t memory_bytes_ = 0;
  std::shared_ptr<SpillFile> file_;
};

}  // namespace omnigraph::graph
