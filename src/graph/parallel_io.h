// Independent requests side by side: they wait for a disk or a network, so they get threads of their own and leave the
// compute pool alone.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace omnigraph::graph {

// Runs body(0..count-1), each once, on up to 64 threads, the caller's included; returns the error of the smallest
// index that failed. After a failure the bodies not yet begun are skipped.
[[nodiscard]] Result<void> parallel_io(std::size_t count, const std::function<Result<void>(std::size_t)>& body);

}  // namespace omnigraph::graph
