// Threads that take turns at the indexes of a range: for work that waits (storage, network, opening) and therefore gets
// threads of its own; what computes goes to TaskPool. Thread safety: free functions.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace omnigraph::base {

// Runs body(0..count-1), each once, on up to `threads` threads, the caller's included, and on fewer where the system
// has no more; returns the error of the smallest index that failed. After a failure the bodies not yet begun are
// skipped. The caller's PhaseClock counts the storage requests of all of them.
[[nodiscard]] Result<void> take_turns(std::size_t count, std::size_t threads,
                                      const std::function<Result<void>(std::size_t)>& body);

}  // namespace omnigraph::base
