#include "graph/parallel_io.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/phase_clock.h"
#include "graph/parallel_io_threads.h"

namespace omnigraph::graph {
namespace {

std::atomic<std::size_t> threads_most = kParallelIoThreads;

}  // namespace

void set_parallel_io_threads(std::size_t most) { threads_most = most; }
std::size_t parallel_io_threads() { return threads_most; }

Result<void> parallel_io(std::size_t count, const std::function<Result<void>(std::size_t)>& body) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> failed;  // guarded by mutex
  const base::PhaseClock::In storage(base::Phase::kStorage);
  const auto work = [&, clock = base::PhaseClock::current()] {
    const base::PhaseClock::Lent lent(clock);
    for (std::size_t i = next++; i < count; i = next++) {
      if (Result<void> done = body(i); !done) {
        const std::lock_guard lock(mutex);
        if (!failed || i < failed->first) failed = {i, std::move(done).error()};
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (std::size_t t = 1; t < std::min(count, threads_most.load()); ++t) threads.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads to be had: those that started and this one do the work.
    }
    work();
  }
  if (failed) return std::unexpected(std::move(failed->second));
  return {};
}

}  // namespace omnigraph::graph
