// The input of a load, and the head whose schema judges it. On a far store that is the head this process knows: the
// publish proves it, and only a refusal, or more input than can be read twice, waits for a confirmation. Should another
// process have changed the schema, what was read is read again.
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

// Input is kept up to here; beyond it the parser waits for the head, which is asked for from half of it on.
inline constexpr std::size_t kLoadInputKeptMax = std::size_t{32} << 20;

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
  void begin_confirming();
  [[nodiscard]] Result<void> await_head();

  const ByteSource& source_;
  std::vector<std::byte> kept_;
  std::size_t at_ = 0;  // of kept_; its end when the source is read
  bool keeps_ = false;
  bool misjudged_ = false;
  bool told_ = false;  // that it was
  // Judges until the head is confirmed; null: nothing is left to confirm.
  graph::SnapshotPtr known_;
  graph::GraphStore* store_ = nullptr;  // of known_, which is the head of branch_
  std::string branch_;
  std::future<Result<graph::SnapshotPtr>> confirming_;  // last: it uses the two above
};

}  // namespace omnigraph::engine
