// Power losses while history is removed: what the model's scenarios "cleanup and power", "resurrected records",
// "attachments and cleanup" and "fork, local" stand for, with the real local store on a simulated disk.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "base/hash.h"
#include "graph/cleanup.h"
#include "graph/moment.h"
#include "graph/store_parts.h"
#include "tests/fault/fault_seed.h"
#include "tests/fault/power_loss.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

using BranchStates = std::map<std::string, State>;  // live branches

Result<BranchStates> read_branch_states(const StorePtr& store) {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(store, kQuiet));
  OG_ASSIGN_OR_RETURN(const std::vector<std::string> branches, graph->branches());
  BranchStates states;
  for (const std::string& branch : branches) {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr head, graph->head(branch));
    OG_ASSIGN_OR_RETURN(states[branch], state_of(*head));
  }
  return states;
}

// As if everything that is on the disk were two days old.
Result<CleanupReport> clean_two_days_later(const StorePtr& store) {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(store, kQuiet));
  return cleanup(graph->parts(), {.policy = {.keep = 1, .older_than_us = {}},
                                  .store_now_us = system_clock().now_us() + 48 * kMicrosPerHour});
}

// Records, versions and a dead branch that nobody needs; some bytes of both heads are still inside records only.
void make_old_history(const Folder& folder) {
  const GraphPtr graph = init_people(folder.open(), kQuiet);
  const auto settle = [&](const char* branch) {
    ASSERT_TRUE(graph->parts().keeper->settle(*graph->parts().log->confirmed_head(branch).value().record));
  };
  ASSERT_TRUE(insert_note(*graph, base::to_hex(base::random_bytes(300'000))));  // more than a record carries
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(insert_person(*graph, numbered("p", i)));
  settle("main");
  ASSERT_TRUE(insert_person(*graph, "Base"));  // what the branches start from carries no older bytes
  ASSERT_TRUE(graph->create_branch("side", "main"));
  ASSERT_TRUE(graph->create_branch("dead", "main"));
  ASSERT_TRUE(insert_person(*graph, "Gone", 1, {.branch = "dead"}));
  ASSERT_TRUE(graph->delete_branch("dead"));
  settle("main");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(birthday(*graph, numbered("p", i)));
  ASSERT_TRUE(insert_person(*graph, "Side", 1, {.branch = "side"}));
  settle("side");
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(insert_person(*graph, numbered("s", i), 1, {.branch = "side"}));
}

using Keys = std::set<std::string>;

// What is in the folder.
Keys keys_in(const Folder& folder) {
  Keys keys;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file()) keys.insert(entry.path().lexically_relative(folder.path()).generic_string());
  }
  return keys;
}

// Damage to something that a finished cleanup keeps. What it removes may lose bytes before it is gone itself: the
// oldest record goes first, and may have carried some for the next.
std::string damage_among(const Keys& kept, const std::string& damage) {
  std::istringstream lines(damage);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find(' ') + 1;
    if (kept.contains(line.substr(begin, line.find(": ", begin) - begin))) out.append(line).append("\n");
  }
  return out;
}

// `states[n]`: with n writes acknowledged; the last one may be there before it was. `kept`: what the whole run left.
// `deep`: another run on what was left, and a write.
void expect_branches_whole(const Cut& cut, const std::vector<BranchStates>& states, const Keys& kept, bool deep) {
  SCOPED_TRACE(::testing::Message() << "power loss after step " << cut.step << " (" << cut.text << ")\n"
                                    << cut.tree.losses);
  const Folder folder;
  write_tree(cut.tree, folder.path());
  const auto found = read_branch_states(folder.open());
  ASSERT_TRUE(found) << found.error().render();
  EXPECT_TRUE(*found == states.at(cut.acknowledged) || (cut.acknowledged == 0 && *found == states[1]));
  const std::string damage = damage_in(folder.open());
  EXPECT_EQ(damage_among(kept, damage), "");
  if (!deep && damage.empty()) return;
  const auto again = clean_two_days_later(folder.open());
  ASSERT_TRUE(again) << again.error().render();
  EXPECT_EQ(read_branch_states(folder.open()).value() == *found, true) << "the second run took something";
  EXPECT_EQ(damage_in(folder.open()), "");
  const auto third = clean_two_days_later(folder.open());
  ASSERT_TRUE(third) << third.error().render();
  EXPECT_EQ(third->commits_removed, 0u) << "the second run did not finish";
  ASSERT_TRUE(insert_person(*open_people(folder.open()), "Next"));
}

void expect_cuts_whole(const std::vector<Cut>& cuts, const std::vector<BranchStates>& states, const Keys& kept,
                       std::uint64_t seed) {
  ASSERT_GT(cuts.size(), 20u);
  for (std::size_t i = 0; i < cuts.size() && !::testing::Test::HasFailure(); ++i) {
    expect_branches_whole(cuts[i], states, kept, /*deep=*/i % 8 == seed % 8);
  }
}

// Goal: power may fail at any step of a cleanup and of the write after it: both branches are whole, nothing that is
// still listed has lost an object, another run finishes.
TEST(PowerLossCleanup, AtEveryStep) {
  fault::for_each_seed(1, [](std::uint64_t seed) {
    const Folder folder;
    ASSERT_NO_FATAL_FAILURE(make_old_history(folder));
    std::vector<BranchStates> states(2, read_branch_states(folder.open()).value());
    states[1]["main"].people["After"] = 1;
    std::vector<Cut> cuts;
    {
      Recording run(folder.path(), seed, 0, every_step);
      const auto cleaned = clean_two_days_later(folder.open());
      ASSERT_TRUE(cleaned) << cleaned.error().render();
      EXPECT_GE(cleaned->commits_removed, 5u);
      ASSERT_TRUE(insert_person(*open_people(folder.open()), "After"));
      run.acknowledge(1);
      cuts = run.cuts();
    }
    expect_cuts_whole(cuts, states, keys_in(folder), seed);
  });
}

// Goal: a fork counts on the state it was made from, whoever removes that state's record from its log and however the
// power fails.
TEST(PowerLossCleanup, AfterAFork) {
  fault::for_each_seed(1, [](std::uint64_t seed) {
    const Folder folder;
    ASSERT_NO_FATAL_FAILURE(make_old_history(folder));
    std::vector<BranchStates> states(2, read_branch_states(folder.open()).value());
    for (BranchStates& each : states) each["fork"] = each["main"];
    states[1]["main"].people["After"] = 1;
    std::vector<Cut> cuts;
    {
      Recording run(folder.path(), seed, 0);
      ASSERT_TRUE(open_people(folder.open(), kQuiet)->create_branch("fork", "main"));
      run.record(every_step);
      {
        const GraphPtr graph = open_people(folder.open());
        ASSERT_TRUE(insert_person(*graph, "After"));
        graph->drain();
      }
      run.acknowledge(1);
      ASSERT_TRUE(clean_two_days_later(folder.open()));
      cuts = run.cuts();
    }
    expect_cuts_whole(cuts, states, keys_in(folder), seed);
  });
}

}  // namespace
}  // namespace omnigraph::graph::testing
