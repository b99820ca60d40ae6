#include "engine/load_input.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/load_parser.h"
#include "graph/parallel_io_threads.h"
#include "graph/store_parts.h"

namespace omnigraph::engine {
namespace {

// The head as this process knows it; null if it would have to ask.
Result<graph::SnapshotPtr> known_head(graph::StoreParts& parts, const std::string& branch) {
  const graph::Moment before = parts.log->now();
  OG_ASSIGN_OR_RETURN(const graph::Head head, parts.log->recent_head(branch));
  if (!head.live() || graph::elapsed_us(before, head.confirmed) >= 0) return graph::SnapshotPtr();
  return parts.snapshots->at_head(head.record);
}

bool judges_alike(const graph::RecordSchema& a, const graph::RecordSchema& b) {
  return a.digest == b.digest && key_orders_of(a) == key_orders_of(b);
}

}  // namespace

Result<graph::SnapshotPtr> LoadInput::judge(graph::GraphStore& store, const std::string& branch,
                                            const std::optional<std::string>& from) {
  graph::StoreParts& parts = store.parts();
  if (parts.tables->remote() && !misjudged_ && graph::parallel_io_threads() > 1) {
    OG_ASSIGN_OR_RETURN(graph::SnapshotPtr known, known_head(parts, branch));
    if (known != nullptr) {
      try {
        confirming_ = std::async(std::launch::async, [&store, branch] { return store.head(branch); });
        keeps_ = true;
        known_ = known;
        return known;
      } catch (const std::system_error&) {
        // No thread to be had: asked for here.
      }
    }
  }
  auto head = store.head(branch);
  if (head || head.error().code != Code::kNotFound) return head;
  if (!from) {
    return std::unexpected(not_found("branch '" + branch + "' not found; pass `from` to create it"));
  }
  return store.head(*from);
}

ByteSource LoadInput::from_the_beginning() {
  at_ = 0;
  return [this](std::span<std::byte> out) { return read(out); };
}

Result<std::size_t> LoadInput::read(std::span<std::byte> out) {
  if (at_ < kept_.size()) {
    const std::size_t size = std::min(out.size(), kept_.size() - at_);
    std::copy_n(kept_.begin() + static_cast<std::ptrdiff_t>(at_), size, out.begin());
    at_ += size;
    return size;
  }
  if (keeps_ && kept_.size() >= kLoadInputKeptMax) {
    OG_RETURN_IF_ERROR(await_head());
    if (misjudged_) return std::unexpected(Error{Code::kCancelled, "the schema has changed"});
  }
  OG_ASSIGN_OR_RETURN(const std::size_t size, source_(out));
  if (keeps_) {
    kept_.insert(kept_.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    at_ = kept_.size();
  }
  return size;
}

Result<bool> LoadInput::misjudged() {
  OG_RETURN_IF_ERROR(await_head());
  return std::exchange(told_, misjudged_) != misjudged_;
}

Result<void> LoadInput::await_head() {
  if (!confirming_.valid()) return {};
  Result<graph::SnapshotPtr> head = confirming_.get();
  keeps_ = false;
  if (!head && head.error().code != Code::kNotFound) return std::unexpected(std::move(head).error());
  // A branch that is gone is told, or made, by the write.
  misjudged_ = head && !judges_alike((*head)->record().schema, known_->record().schema);
  if (!misjudged_) {
    kept_ = {};
    at_ = 0;
  }
  return {};
}

}  // namespace omnigraph::engine
