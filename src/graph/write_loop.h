// Runs writes until they are published, refused or given up (chapter 09 section 5): optimistic, with no lock that
// another process could see. Short writes of one process that wait for the same branch are published together, as one
// record with several commits. Thread safety: all methods may be called concurrently.
#pragma once

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
  struct Member;       // one caller's write
  struct Queue {       // of one branch
    std::mutex mutex;  // guards both below
    std::condition_variable changed;
    std::deque<Member*> waiting;
    bool led = false;  // a caller is running a group
  };
  class GroupRun;

  [[nodiscard]] Result<WriteOutcome> write_in_group(Member& member);
  static void run_group(StoreParts& parts, const std::vector<Member*>& members);
  [[nodiscard]] std::shared_ptr<Queue> queue_of(const std::string& branch);

  StoreParts& parts_;
  std::mutex mutex_;  // guards queues_
  std::map<std::string, std::shared_ptr<Queue>> queues_;
};

}  // namespace omnigraph::graph
