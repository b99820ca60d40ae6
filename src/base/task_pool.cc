#include "base/task_pool.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "base/phase_clock.h"

namespace omnigraph::base {
namespace {

constexpr std::size_t kThreadsMax = 1024;

std::size_t default_thread_count() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the process changes its environment
  if (const char* text = std::getenv("OMNIGRAPH_THREADS"); text != nullptr) {
    const std::string_view view(text);
    std::size_t count = 0;
    const auto [end, failed] = std::from_chars(view.data(), view.data() + view.size(), count);
    if (failed == std::errc() && end == view.data() + view.size() && count > 0) return std::min(count, kThreadsMax);
  }
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

// One parallel_for. Whoever draws an index below `count` runs it; a worker that comes late draws nothing and never
// touches `body`, which lives in the caller's frame only until all drawn indices are done.
struct Loop {
  Loop(std::size_t loop_count, const std::function<void(std::size_t)>& loop_body)
      : count(loop_count), body(loop_body) {}

  void run() {
    const PhaseClock::Lent lent(clock);
    std::size_t ran = 0;
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      body(i);
      ++ran;
    }
    if (ran == 0) return;
    const std::lock_guard lock(mutex);
    done += ran;
    if (done == count) all_done.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex);
    all_done.wait(lock, [this] { return done == count; });
  }

  const std::size_t count;
  const std::function<void(std::size_t)>& body;
  PhaseClock* const clock = PhaseClock::current();  // of the caller
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::condition_variable all_done;
  std::size_t done = 0;  // Guarded by mutex.
};

}  // namespace

struct TaskPool::State {
  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::function<void()>> queue;  // Guarded by mutex.
  bool stopping = false;                    // Guarded by mutex.
  std::vector<std::thread> threads;

  void run_worker() {
    std::unique_lock lock(mutex);
    for (;;) {
      work.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      const std::function<void()> task = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }
};

TaskPool::TaskPool(std::size_t threads) : state_(std::make_unique<State>()) {
  const std::size_t count = threads == 0 ? default_thread_count() : threads;
  state_->threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->run_worker(); });
  }
}

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

std::size_t TaskPool::thread_count() const { return state_->threads.size(); }

void TaskPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(task));
  }
  state_->work.notify_one();
}

// No deadlock when nested: a caller waits only for indices that running threads have drawn, never for queued tasks.
void TaskPool::parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  const std::size_t helper_count = std::min(count, thread_count()) - (count == 0 ? 0 : 1);
  if (helper_count == 0) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  const auto loop = std::make_shared<Loop>(count, body);
  {
    const std::lock_guard lock(state_->mutex);
    for (std::size_t i = 0; i < helper_count; ++i) state_->queue.emplace_back([loop] { loop->run(); });
  }
  if (helper_count == 1) {
    state_->work.notify_one();
  } else {
    state_->work.notify_all();
  }
  loop->run();
  loop->wait();
}

TaskPool& TaskPool::shared() {
  // Never destroyed: a static that outlives it may still need it while the process exits.
  static TaskPool* const pool = new TaskPool();
  return *pool;
}

}  // namespace omnigraph::base
