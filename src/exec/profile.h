// What a read does, operator by operator: what the planner expects of each and, when the query runs, what came.
//
// A profile is asked for by a scope on the calling thread, as the bounds of read_scope.h are. Without one nothing is
// measured and no stage is added. Thread safety: per thread; the profile belongs to the caller once the scope ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace omnigraph::exec {

// Operators form a tree: children are what feeds an operator, and after that the inner pipelines it runs.
struct OperatorProfile {
  std::string name;                      // scan, look-up, expand .. (plan.h); the root is the sink
  std::string detail;                    // in terms of the query; parameters by name, never by value
  std::optional<double> estimated_rows;  // tuples it was expected to hand on; unknown for sinks
  std::uint64_t rows = 0;                // tuples handed on; of the root: result rows
  std::uint64_t represented = 0;         // rows of the match they stand for (plan.h: weights)
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;  // of the tuples: 4 a variable, 8 a weight
  double time_us = 0;       // its own, all threads together
  std::vector<OperatorProfile> children;
};

struct ReadProfile {
  bool executed = false;  // else only planned, and what is measured is 0
  std::vector<OperatorProfile> operators;
  std::uint32_t threads = 1;
  double plan_us = 0;     // opening tables, columns and adjacencies included
  double execute_us = 0;  // wall time, the result columns included
};

class ProfileScope {
 public:
  enum class Mode : std::uint8_t {
    kExplain,  // plan only: the read answers no rows
    kAnalyze,  // run and measure
  };
  explicit ProfileScope(Mode mode) : mode_(mode), outer_(std::exchange(current_, this)) {}
  ~ProfileScope() { current_ = outer_; }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

  // Of the last read within the scope.
  [[nodiscard]] ReadProfile& profile() { return profile_; }
  [[nodiscard]] Mode mode() const { return mode_; }
  [[nodiscard]] static ProfileScope* current() { return current_; }

 private:
  const Mode mode_;
  ProfileScope* const outer_;
  ReadProfile profile_;
  static inline thread_local ProfileScope* current_ = nullptr;
};

}  // namespace omnigraph::exec
