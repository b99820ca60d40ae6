#include "engine/block_window.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/task_pool.h"

namespace omnigraph::engine {

class BlockWindow::Parsing {
 public:
  Parsing(const LoadPlan& plan, LoadBlock block) : size(block.size), plan_(plan), block_(std::move(block)) {}

  // Whoever comes first parses the block; the others pass.
  void run() {
    if (begun_.exchange(true)) return;
    LoadBlockResult result = parse_block(plan_, block_);
    block_ = {};
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    done_ = true;
    is_done_.notify_all();
  }
  LoadBlockResult result() {
    run();
    wait();
    return std::move(result_);
  }
  // Neither parses it from now on.
  void abandon() {
    if (begun_.exchange(true)) wait();
  }

  const std::size_t size;

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    is_done_.wait(lock, [this] { return done_; });
  }

  const LoadPlan& plan_;
  LoadBlock block_;  // of the thread that set begun_
  std::atomic<bool> begun_ = false;
  std::mutex mutex_;
  std::condition_variable is_done_;
  bool done_ = false;       // guarded by mutex_
  LoadBlockResult result_;  // the same
};

BlockWindow::BlockWindow(const LoadPlan& plan)
    : plan_(plan), blocks_max_(std::clamp<std::size_t>(2 * base::TaskPool::shared().thread_count(), 2, kBlocksMax)) {}

BlockWindow::~BlockWindow() {
  for (const std::shared_ptr<Parsing>& block : blocks_) block->abandon();
}

void BlockWindow::add(LoadBlock block) {
  const auto parsing = std::make_shared<Parsing>(plan_, std::move(block));
  bytes_ += parsing->size;
  blocks_.push_back(parsing);
  base::TaskPool::shared().submit([parsing] { parsing->run(); });
}

LoadBlockResult BlockWindow::take() {
  const std::shared_ptr<Parsing> oldest = blocks_.front();
  blocks_.pop_front();
  bytes_ -= oldest->size;
  return oldest->result();
}

}  // namespace omnigraph::engine
