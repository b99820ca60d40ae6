// Several processes on one graph with everything that was told to any of them, and what that must add up to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "graph/parallel_io_threads.h"
#include "tests/fault/chronicle.h"

namespace omnigraph::graph::testing {

// What a refusal says about the state that it was decided on: one of those between two sequence numbers.
struct Claim {
  std::string text;
  std::string branch;
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::function<bool(const std::optional<State>&)> holds;
};

// What all processes of one history share. Only one thread of them runs at a time.
struct World {
  ManualClock clock;
  StorePtr disk;
  Chronicle chronicle;
  std::map<std::string, std::uint64_t> seen;    // newest record that somebody was told of, by branch
  std::map<std::string, std::string> told;      // tag -> commit id
  std::map<std::string, int> created, deleted;  // acknowledged, by branch
  std::vector<Claim> claims;
  int commits = 0, refusals = 0, reads = 0, deaths = 0, cleanups = 0;
  std::uint64_t removed = 0;  // commits, by cleanup

  explicit World(std::uint64_t seed);
  void note_seen(const std::string& branch, std::uint64_t seq) { seen[branch] = std::max(seen[branch], seq); }
};

// Makes the graph: Ada and Bo, and a branch w.
GraphPtr begin(World& world);
// Takes in every record that came to be so far; later ones are the scheduler's to tell.
void note_records(World& world);

// Acknowledged commits, creations and deletions took place; every refusal was true of some state while it was decided.
void expect_what_was_told(const World& world);
// The final state equals carrying out the commits in the order of the logs.
void expect_final_state(World& world);

struct SerialIo {
  SerialIo() { set_parallel_io_threads(1); }
  ~SerialIo() { set_parallel_io_threads(kParallelIoThreads); }
};

}  // namespace omnigraph::graph::testing
