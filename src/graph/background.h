// One thread for work off the latency path: jobs in order, and an idle job that runs when the queue is empty or has
// been busy for long. The thread starts with the first job. Thread safety: all methods may be called concurrently.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace omnigraph::graph {

class Background {
 public:
  // `idle` returns quickly when there is nothing to do.
  explicit Background(std::function<void()> idle) : idle_(std::move(idle)) {}
  ~Background();  // runs what is queued
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Waits while too much is queued: a writer must not outrun what follows its commits without bound.
  void post(std::function<void()> job);
  void drain();
  // Jobs wait behind the one that runs.
  [[nodiscard]] bool has_more();

 private:
  void run();

  const std::function<void()> idle_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t since_idle_ = 0;  // jobs run since the idle job
  bool busy_ = false;
  bool stopping_ = false;
  std::optional<std::thread> thread_;
};

}  // namespace omnigraph::graph
