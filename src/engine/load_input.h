// The input of a load while the head whose schema judges it is still being confirmed. On a far store the parsing goes
// on meanwhile with the schema this process knows; should another process have changed it, what was read is read again.
// Thread safety: none, one thread loads.
#pragma once

#include <cstddef>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/graph.h"
#include "graph/store.h"

namespace omnigraph::engine {

// Input is kept up to here; beyond it the parser waits for the head.
inline constexpr std::size_t kLoadInputKeptMax = std::size_t{8} << 20;

class LoadInput {
 public:
  // `source` outlives this.
  explicit LoadInput(const ByteSource& source) : source_(source) {}

  // The snapshot whose schema judges the input: the branch's head, or that of `from` when the branch is still missing.
  [[nodiscard]] Result<graph::SnapshotPtr> judge(graph::GraphStore& store, const std::string& branch,
                                                 const std::optional<std::string>& from);
  // What the parser reads from: the input from its beginning.
  [[nodiscard]] ByteSource from_the_beginning();
  // After a refusal: whether it rests on a schema that was not the branch's when the load came. Then judge() knows the
  // new one, and all that was read so far can be read again.
  [[nodiscard]] Result<bool> misjudged();

 private:
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> out);
  [[nodiscard]] Result<void> await_head();

  const ByteSource& source_;
  std::vector<std::byte> kept_;
  std::size_t at_ = 0;  // of kept_; its end when the source is read
  bool keeps_ = false;
  bool misjudged_ = false;
  bool told_ = false;         // that it was
  graph::SnapshotPtr known_;  // judges until the head is confirmed
  std::future<Result<graph::SnapshotPtr>> confirming_;
};

}  // namespace omnigraph::engine
