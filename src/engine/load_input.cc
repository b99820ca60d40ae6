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
  if (parts.tables->remote() && !misjudged_) {
    OG_ASSIGN_OR_RETURN(known_, known_head(parts, branch));
    if (known_ != nullptr) {
      store_ = &store;
      branch_ = branch;
      keeps_ = true;
      return known_;
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
    if (at_ >= kLoadInputKeptMax / 2) begin_confirming();
  }
  return size;
}

void LoadInput::begin_confirming() {
  if (confirming_.valid() || graph::parallel_io_threads() <= 1) return;
  try {
    confirming_ = std::async(std::launch::async, [this] { return store_->head(branch_); });
  } catch (const std::system_error&) {
    // No thread to be had: asked for where it is waited for.
  }
}

Result<bool> LoadInput::misjudged() {
  OG_RETURN_IF_ERROR(await_head());
  return std::exchange(told_, misjudged_) != misjudged_;
}

Result<void> LoadInput::await_head() {
  const graph::SnapshotPtr known = std::exchange(known_, nullptr);
  if (known == nullptr) return {};
  const Result<graph::SnapshotPtr> head = confirming_.valid() ? confirming_.get() : store_->head(branch_);
  keeps_ = false;
  if (!head && head.error().code != Code::kNotFound) return std::unexpected(head.error());
  // A branch that is gone is told, or made, by the write.
  misjudged_ = head && !judges_alike((*head)->record().schema, known->record().schema);
  if (!misjudged_) {
    kept_ = {};
    at_ = 0;
  }
  return {};
}

}  // namespace omnigraph::engine
