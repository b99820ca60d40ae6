#include "tests/fault/world.h"

#include <algorithm>

#include "graph/layout.h"
#include "graph/store_parts.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::int64_t kHourUs = std::int64_t{3600} * 1'000'000;
constexpr std::int64_t kStartUs = 1'790'000'000'000'000;
constexpr std::int64_t kRoundUs = 40 * 24 * kHourUs;  // commit ids only rise; no round repeats the time of another

void expect_counts(const World& world) {
  for (const auto& [branch, log] : world.chronicle.logs()) {
    int creations = 0, deletions = 0;
    bool lived = false;
    for (const auto& [seq, entry] : log) {
      creations += !lived && entry.state ? 1 : 0;
      deletions += entry.state ? 0 : 1;
      lived = entry.state.has_value();
    }
    const auto count = [&](const std::map<std::string, int>& told) {
      return told.contains(branch) ? told.at(branch) : 0;
    };
    EXPECT_LE(count(world.created), creations) << branch << ": two were told to have created it";
    EXPECT_LE(count(world.deleted), deletions) << branch;
  }
}

}  // namespace

World::World(std::uint64_t seed)
    : clock(kStartUs + static_cast<std::int64_t>(seed) * kRoundUs), disk(objectstore::make_memory_store(clock)) {
  chronicle.set_clock(clock);
}

GraphPtr begin(World& world) {
  const StoreOptions options{.clock = &world.clock};
  const GraphPtr graph = init_people(world.disk, options);
  world.chronicle.plan("start", [](State& state) {
    state.people = {{"Ada", 0}, {"Bo", 0}};
    return true;
  });
  EXPECT_TRUE(put_people(*graph, {{"Ada", 0}, {"Bo", 0}}, {.actor = "start"}));
  EXPECT_TRUE(graph->create_branch("w", "main"));
  graph->drain();
  note_records(world);
  return graph;
}

void note_records(World& world) {
  for (const std::string branch : {"main", "w"}) {
    auto keys = keys_under(world.disk, log_prefix(branch));
    std::ranges::reverse(keys);  // newest first is the order of names
    for (const std::string& key : keys) world.chronicle.add(key, world.disk->get(key).value().bytes());
    world.note_seen(branch, world.chronicle.newest(branch));
  }
}

void expect_what_was_told(const World& world) {
  for (const auto& [tag, id] : world.told) {
    const auto found = world.chronicle.commit_of(tag);
    ASSERT_TRUE(found) << tag;
    EXPECT_EQ(found->first, id) << tag;
  }
  for (const Claim& claim : world.claims) {
    bool held = claim.least == 0 && claim.holds(std::nullopt);  // before the branch ever was
    const std::uint64_t first = std::max(claim.least, world.chronicle.first(claim.branch));
    for (std::uint64_t seq = first; seq <= claim.most && !held; ++seq) {
      held = claim.holds(world.chronicle.state_at(claim.branch, seq));
    }
    EXPECT_TRUE(held) << claim.text << ": true of no state of " << claim.branch << " while it was decided";
  }
  expect_counts(world);
}

void expect_final_state(World& world) {
  const GraphPtr graph = open_people(world.disk, {.clock = &world.clock, .background_settle = false});
  std::vector<std::string> live;
  for (const auto& [branch, log] : world.chronicle.logs()) {
    if (log.rbegin()->second.state) live.push_back(branch);
  }
  EXPECT_EQ(graph->branches().value(), live);
  for (const std::string& branch : live) {
    const auto head = graph->head(branch);
    ASSERT_TRUE(head) << head.error().render();
    const auto state = state_of(**head);
    ASSERT_TRUE(state) << branch << ": " << state.error().render();
    EXPECT_EQ(*state == *world.chronicle.logs().at(branch).rbegin()->second.state, true) << branch;
  }
}

}  // namespace omnigraph::graph::testing
