// A fixed set of worker threads. Thread safety: all methods may be called concurrently.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace omnigraph::base {

class TaskPool {
 public:
  // `threads` 0: OMNIGRAPH_THREADS if set, else the number of processors.
  explicit TaskPool(std::size_t threads = 0);
  ~TaskPool();  // runs what is queued, then joins
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  [[nodiscard]] std::size_t thread_count() const;
  void submit(std::function<void()> task);
  // Runs body(0..count-1), the caller's thread helping, and returns when all are done. May be nested.
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

  // One pool a process for short compute work.
  [[nodiscard]] static TaskPool& shared();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace omnigraph::base
