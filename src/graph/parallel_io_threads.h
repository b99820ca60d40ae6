// How many requests parallel_io makes side by side. For tests: with one the order of the requests is always the same.
#pragma once

#include <cstddef>

namespace omnigraph::graph {

inline constexpr std::size_t kParallelIoThreads = 64;
// Of the whole process. Thread safety: may be called at any time; calls that run go on as they began.
void set_parallel_io_threads(std::size_t most);
// With 1 nothing else may make requests of its own beside its caller either.
[[nodiscard]] std::size_t parallel_io_threads();

}  // namespace omnigraph::graph
