#include "graph/background.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace omnigraph::graph {
namespace {

constexpr std::size_t kQueuedMax = 512;

// What this thread does is derived from published records and done again by whoever needs it, so an exception (no
// memory, no threads) costs time only.
void run_quietly(const std::function<void(const Background::Batch&)>& work, const Background::Batch& batch) {
  try {
    work(batch);
  } catch (const std::exception&) {
  }
}

}  // namespace

Background::Write::~Write() {
  background_.last_write_ended_ = Clock::now().time_since_epoch().count();
  --background_.writes_;
}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    wanted_.notify_all();
  }
  if (thread_) thread_->join();
}

void Background::post(RecordPtr record) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return queued_.size() < kQueuedMax; });
  if (!thread_) thread_.emplace([this] { run(); });
  if (queued_.empty()) oldest_ = Clock::now();
  queued_.push_back(std::move(record));
  // In between the thread sleeps until a time it knows: waking it for each record would cost every writer a switch.
  if (queued_.size() == 1 || queued_.size() == kBatchRecords) wanted_.notify_one();
}

void Background::request() {
  const std::lock_guard lock(mutex_);
  if (!thread_) thread_.emplace([this] { run(); });
  requested_ = true;
  wanted_.notify_one();
}

void Background::drain() {
  std::unique_lock lock(mutex_);
  if (!has_work() && !busy_) return;
  ++draining_;
  wanted_.notify_one();
  done_.wait(lock, [&] { return !has_work() && !busy_; });
  --draining_;
}

Background::Clock::time_point Background::due(Clock::time_point now) const {
  if (closing_ || draining_ > 0 || requested_ || queued_.size() >= kBatchRecords) return now;
  const Clock::time_point quiet_since =
      writes_ > 0 ? now : Clock::time_point(Clock::duration(last_write_ended_.load()));
  return std::min(std::max(quiet_since, oldest_) + kPauseMs, oldest_ + kAgeMs);
}

void Background::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [&] { return closing_ || has_work(); });
    if (!has_work()) return;  // closing
    for (auto now = Clock::now(), at = due(now); at > now; now = Clock::now(), at = due(now)) {
      wanted_.wait_until(lock, at);
    }
    const Batch batch = std::exchange(queued_, {});
    requested_ = false;
    busy_ = true;
    done_.notify_all();  // there is room again
    lock.unlock();
    run_quietly(work_, batch);
    lock.lock();
    busy_ = false;
    done_.notify_all();
  }
}

}  // namespace omnigraph::graph
