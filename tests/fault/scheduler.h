// Several processes on one object store, in an order that a seed decides.
//
// A process is a thread with its own handle of the store. It runs until its next request, then waits for its turn, so
// that one thread runs at a time and a seed gives the same order again. With each turn comes a fate: the request may
// fail before or after its effect, land late, or be the last one of its process. Between turns the clock may jump.
// Processes must not make requests from several threads at once (graph::set_parallel_io_threads(1)).
// Thread safety: processes run in threads of run(); everything else belongs to the thread that calls it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "objectstore/object_store.h"

namespace omnigraph::fault {

// Chances of one request in a thousand; a publish takes two turns, before it is prepared and before it is sent.
struct Chances {
  unsigned fail_before = 10;
  unsigned fail_after = 15;
  unsigned late = 15;   // its answer is lost and its effect comes later, or never
  unsigned crash = 8;   // half of them before the effect
  unsigned clock = 15;  // that time passes before the turn
};

class Scheduler {
 public:
  Scheduler(std::uint64_t seed, std::shared_ptr<objectstore::ObjectStore> disk, ManualClock& clock, Chances chances);
  ~Scheduler();

  class Process {
   public:
    virtual ~Process() = default;
    [[nodiscard]] virtual std::shared_ptr<objectstore::ObjectStore> store() = 0;
    [[nodiscard]] virtual bool dead() const = 0;  // nothing it does has an effect any more
    virtual void revive() = 0;                    // as a new process; forget all handles before
    virtual std::mt19937_64& random() = 0;
  };
  void add_process(std::function<void(Process&)> body);
  // Called with every record that came to be, in the order of their effects.
  using RecordSeen = std::function<void(std::string_view key, std::span<const std::byte> bytes)>;
  void on_record(RecordSeen seen) { record_seen_ = std::move(seen); }
  // Called now and then between turns.
  void between_turns(std::function<void()> action) { between_turns_ = std::move(action); }

  // Until all processes have ended.
  void run();
  [[nodiscard]] std::string trace() const;  // the latest turns

 private:
  struct Waiter;
  struct State;
  class Handle;
  class Upload;
  enum class Fate { kNone, kFailBefore, kFailAfter, kLate, kCrashBefore, kCrashAfter };
  struct LateRequest {
    std::string key;
    std::vector<std::byte> body;
    std::int64_t signed_us = 0;
  };

  Fate turn(State& process, std::string_view operation, std::string_view key);
  Fate draw_fate(bool may_be_late);
  void let_time_pass();
  void land_something();
  void note_record(std::string_view key, std::span<const std::byte> body);

  const std::shared_ptr<objectstore::ObjectStore> disk_;
  ManualClock& clock_;
  const std::int64_t end_us_;  // the clock goes no further
  const Chances chances_;
  std::mt19937_64 random_;
  std::mutex mutex_;  // guards what processes wait with
  std::condition_variable changed_;
  std::vector<std::unique_ptr<State>> processes_;
  std::vector<LateRequest> late_;
  std::deque<std::string> trace_;
  RecordSeen record_seen_;
  std::function<void()> between_turns_;
};

}  // namespace omnigraph::fault
