// Blocks of a load that are being parsed, in the order of the input: workers of the shared pool parse ahead of the
// thread that cuts the blocks and takes over what became of them. Inner to the load parser.
// Thread safety: a window belongs to one thread. That thread parses a block itself which no worker has come to, so that
// loads end also where every worker of the pool waits for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "engine/load_block.h"

namespace omnigraph::engine {

class BlockWindow {
 public:
  // At once in memory; a line may be much longer than a block.
  static constexpr std::size_t kBlocksMax = 8;
  static constexpr std::uint64_t kWindowBytesMax = std::uint64_t{64} << 20;

  // `plan` must outlive the window.
  explicit BlockWindow(const LoadPlan& plan);
  ~BlockWindow();  // waits for the blocks that are being parsed
  BlockWindow(const BlockWindow&) = delete;
  BlockWindow& operator=(const BlockWindow&) = delete;

  [[nodiscard]] bool empty() const { return blocks_.empty(); }
  [[nodiscard]] bool has_room() const { return blocks_.size() < blocks_max_ && bytes_ < kWindowBytesMax; }
  void add(LoadBlock block);
  // What became of the oldest block. REQUIRES: not empty.
  [[nodiscard]] LoadBlockResult take();

 private:
  class Parsing;

  const LoadPlan& plan_;
  const std::size_t blocks_max_;
  std::deque<std::shared_ptr<Parsing>> blocks_;
  std::uint64_t bytes_ = 0;  // of them
};

}  // namespace omnigraph::engine
