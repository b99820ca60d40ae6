// One thread for what follows publishes, off the latency path: putting attachments in place, commit pointers, the
// regular versions on main. Its links, unlinks and syncs share the disk's journal with the writers' syncs, so records
// are worked off in batches, when the writers pause.
//
// A batch begins once no write has been under way for kPauseMs, or kBatchRecords are queued, or the oldest has waited
// for kAgeMs; at once while somebody drains, and when the graph is closed. The thread starts with the first record.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "graph/commit_log.h"

namespace omnigraph::graph {

class Background {
 public:
  static constexpr std::chrono::milliseconds kPauseMs{4};
  static constexpr std::chrono::milliseconds kAgeMs{100};
  static constexpr std::size_t kBatchRecords = 16;

  using Batch = std::vector<RecordPtr>;  // in the order they were posted
  // `work` is called on the thread with one batch after another.
  explicit Background(std::function<void(const Batch&)> work) : work_(std::move(work)) {}
  ~Background();  // works off what is queued
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Waits while too much is queued: a writer must not outrun what follows its commits without bound.
  void post(RecordPtr record);
  // A batch is to come, even one without a record. drain() afterwards waits for it.
  void request();
  // Until everything posted and requested so far, and what others add meanwhile, is done.
  void drain();
  // The graph is being closed: what only this process would profit from is not worth doing any more.
  [[nodiscard]] bool is_closing() const { return closing_; }

  // A write is under way while this lives; there is no pause then.
  class Write {
   public:
    explicit Write(Background& background) : background_(background) { ++background_.writes_; }
    ~Write();
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;

   private:
    Background& background_;
  };

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  // When the batch that is queued is to begin; no later than `now` = at once. REQUIRES: mutex_ is held, work is there.
  [[nodiscard]] Clock::time_point due(Clock::time_point now) const;
  [[nodiscard]] bool has_work() const { return requested_ || !queued_.empty(); }

  const std::function<void(const Batch&)> work_;
  std::atomic<int> writes_ = 0;                   // under way
  std::atomic<Clock::rep> last_write_ended_ = 0;  // since the clock's epoch
  std::atomic<bool> closing_ = false;
  std::mutex mutex_;                // guards all below
  std::condition_variable wanted_;  // for the thread
  std::condition_variable done_;    // for those who wait for it
  Batch queued_;
  Clock::time_point oldest_;  // when the first of `queued_` came
  bool requested_ = false;
  bool busy_ = false;
  int draining_ = 0;  // callers of drain()
  std::optional<std::thread> thread_;
};

}  // namespace omnigraph::graph
