#include "graph/parallel_io.h"

#include <atomic>

#include "base/phase_clock.h"
#include "base/take_turns.h"
#include "graph/parallel_io_threads.h"

namespace omnigraph::graph {
namespace {

std::atomic<std::size_t> threads_most = kParallelIoThreads;

}  // namespace

void set_parallel_io_threads(std::size_t most) { threads_most = most; }
std::size_t parallel_io_threads() { return threads_most; }

Result<void> parallel_io(std::size_t count, const std::function<Result<void>(std::size_t)>& body) {
  const base::PhaseClock::In storage(base::Phase::kStorage);
  return base::take_turns(count, threads_most, body);
}

}  // namespace omnigraph::graph
