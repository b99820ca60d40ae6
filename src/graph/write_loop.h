// Runs writes until they are published, refused or given up (chapter 09 section 5): optimistic, with no lock that
// another process could see. Short writes of one process that wait for the same branch are published together, as one
// record with several commits; what goes wrong with one of them is told to that one alone. Writes that come while
// others are published are run meanwhile, as far as that can be (early_write.h), and then checked together
// (prepare_group.h). Thread safety: all methods may be called concurrently.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/record_draft.h"
#include "graph/store.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

class WriteLoop {
 public:
  explicit WriteLoop(StoreParts& parts) : parts_(parts) {}
  [[nodiscard]] Result<WriteOutcome> write(const WriteOptions& options, const WriteBody& body);

 private:
  struct Member;  // one caller's write
  using MemberPtr = std::shared_ptr<Member>;
  using Group = std::vector<MemberPtr>;
  // Of one branch. While a caller leads, runs a group, the others wait; it passes the lead on to the first of them.
  struct Queue {
    std::mutex mutex;  // guards all below
    std::deque<MemberPtr> waiting;
    bool led = false;
    // Those of the last group are likely to come again at once: a leader gives them a moment (gather()).
    std::size_t last_group = 1;
    std::chrono::steady_clock::time_point last_ended;
    std::size_t gathered_at = 0;  // as many waiting end the gathering that is under way; 0: none is
    std::condition_variable gathered;
    int early_pause = 0;  // writes that are not to be run early (early_write.h)
  };
  class GroupRun;

  [[nodiscard]] Result<WriteOutcome> write_in_group(const MemberPtr& member);
  // Runs a group that the member is in. False: it found no room in the record, and waits for its turn again.
  [[nodiscard]] bool lead(Queue& queue, const MemberPtr& member);
  [[nodiscard]] static bool wants_early(Queue& queue, const WriteOptions& options);
  static void gather(Queue& queue, std::unique_lock<std::mutex>& lock);
  // Gives every member its outcome, but for those it returns: they would have made the record too large.
  [[nodiscard]] static Group run_group(StoreParts& parts, const Group& group);
  [[nodiscard]] std::shared_ptr<Queue> queue_of(const std::string& branch);

  StoreParts& parts_;
  std::mutex mutex_;  // guards queues_
  std::map<std::string, std::shared_ptr<Queue>> queues_;
};

}  // namespace omnigraph::graph
