// Seed and length of the random tests: OMNIGRAPH_FAULT_SEED=<n> repeats a run, OMNIGRAPH_FAULT_SECONDS=<n> goes on
// with further seeds for so long. Without them a run is short and its seed fixed.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>

namespace omnigraph::fault {

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here changes the environment
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Calls round(seed) for `rounds` seeds, more if the environment allows more time; stops at the first failure.
inline void for_each_seed(std::uint64_t rounds, const std::function<void(std::uint64_t)>& round) {
  const std::uint64_t first = number_from_environment("OMNIGRAPH_FAULT_SEED", 1);
  const std::chrono::seconds allowed(number_from_environment("OMNIGRAPH_FAULT_SECONDS", 0));
  const auto start = std::chrono::steady_clock::now();
  const auto goes_on = [&](std::uint64_t seed) {
    return seed < first + rounds || std::chrono::steady_clock::now() - start < allowed;
  };
  for (std::uint64_t seed = first; goes_on(seed); ++seed) {
    SCOPED_TRACE(::testing::Message() << "OMNIGRAPH_FAULT_SEED=" << seed);
    round(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace omnigraph::fault
