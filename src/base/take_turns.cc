#include "base/take_turns.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/phase_clock.h"

namespace omnigraph::base {

Result<void> take_turns(std::size_t count, std::size_t threads, const std::function<Result<void>(std::size_t)>& body) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> failed;  // guarded by mutex
  const auto work = [&, clock = PhaseClock::current()] {
    const PhaseClock::Lent lent(clock);
    for (std::size_t i = next++; i < count; i = next++) {
      if (Result<void> done = body(i); !done) {
        const std::lock_guard lock(mutex);
        if (!failed || i < failed->first) failed = {i, std::move(done).error()};
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t t = 1; t < std::min(count, threads); ++t) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads to be had: those that started and this one do the work.
    }
    work();
  }
  if (failed) return std::unexpected(std::move(failed->second));
  return {};
}

}  // namespace omnigraph::base
