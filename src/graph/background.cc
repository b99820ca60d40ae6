#include "graph/background.h"

#include <exception>

namespace omnigraph::graph {
namespace {

constexpr std::size_t kQueuedMax = 512;
constexpr std::size_t kJobsBetweenIdle = 64;

}  // namespace

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_) thread_->join();
}

void Background::post(std::function<void()> job) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.size() < kQueuedMax; });
  if (!thread_) thread_.emplace([this] { run(); });
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

namespace {

// What this thread does is derived from published records and done again by whoever needs it, so an exception (no
// memory, no threads) costs time only.
void run_quietly(const std::function<void()>& job) {
  try {
    job();
  } catch (const std::exception&) {
  }
}

}  // namespace

void Background::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.empty() && !busy_ && since_idle_ == 0; });
}

bool Background::has_more() {
  const std::lock_guard lock(mutex_);
  return !jobs_.empty();
}

void Background::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !jobs_.empty() || since_idle_ > 0; });
    if (jobs_.empty() && since_idle_ == 0) return;  // stopping
    busy_ = true;
    if (jobs_.empty() || since_idle_ >= kJobsBetweenIdle) {
      since_idle_ = 0;
      lock.unlock();
      run_quietly(idle_);
    } else {
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      ++since_idle_;
      changed_.notify_all();
      lock.unlock();
      run_quietly(job);
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace omnigraph::graph
