// Measures one execution: a meter before every stage and before the sink counts what passes and takes the time of all
// that lies behind it, so that an operator's own time is the difference of two neighbours. Stages of all workers add to
// the same meters.
// Thread safety: watch(), end_run() and profile() from one thread; meters from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exec/plan.h"
#include "exec/profile.h"

namespace omnigraph::exec {

class Profiler {
 public:
  using Clock = std::chrono::steady_clock;

  struct Meter {
    std::atomic<std::uint64_t> rows = 0;
    std::atomic<std::uint64_t> represented = 0;
    std::atomic<std::uint64_t> batches = 0;
    std::atomic<std::uint64_t> bytes = 0;
    std::atomic<std::uint64_t> nanoseconds = 0;  // of everything behind it
  };

  // Lists the operators of the plan under a sink that is called `sink`. The pipeline must stay where it is.
  void watch(const Pipeline& pipeline, const Runtime& runtime, std::string sink, std::string sink_detail);
  // The plan has run on so many threads; what follows belongs to the sink.
  void end_run(std::size_t threads);
  // REQUIRES: watch() was called.
  [[nodiscard]] std::vector<OperatorProfile> profile(std::uint64_t result_rows) const;
  [[nodiscard]] std::size_t threads() const { return threads_; }

  // Before stage i of the pipeline; i = number of operators: before the sink.
  [[nodiscard]] std::unique_ptr<Stage> meter(const Pipeline& pipeline, std::size_t i, Stage& next);
  // Adds the time of a source, stages included, while it lives.
  class SourceTimer {
   public:
    SourceTimer(Profiler* profiler, const Pipeline& pipeline);
    ~SourceTimer();
    SourceTimer(const SourceTimer&) = delete;
    SourceTimer& operator=(const SourceTimer&) = delete;

   private:
    std::atomic<std::uint64_t>* nanoseconds_ = nullptr;
    Clock::time_point start_;
  };

 private:
  struct Watched {
    std::deque<Meter> meters;  // one more than operators
    std::atomic<std::uint64_t> source_nanoseconds = 0;
  };
  struct Node {
    OperatorProfile text;
    const Meter* handed_on = nullptr;                         // null: the root
    const std::atomic<std::uint64_t>* inclusive = nullptr;    // its time with all that lies behind it
    const std::atomic<std::uint64_t>* behind = nullptr;       // of that, what lies behind it
    std::vector<const std::atomic<std::uint64_t>*> within{};  // of that, pipelines it runs inside
    std::vector<Node> children{};
  };
  Node list(const Pipeline& pipeline, const Runtime& runtime);
  OperatorProfile measured(const Node& node) const;

  std::map<const Pipeline*, Watched> watched_;
  Node root_;
  std::size_t threads_ = 1;
  Clock::time_point ran_;
};

}  // namespace omnigraph::exec
