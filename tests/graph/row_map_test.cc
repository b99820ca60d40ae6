#include "graph/row_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace omnigraph::graph {
namespace {

// Goal: the map agrees with a plain one whatever mixture of runs, lists, overlaps and deletions a table went through.
// Method: random tables grown by appends, bulk updates (old rows deleted, same ids again) and deletions.
TEST(RowMap, AgreesWithAPlainMap) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto up_to = [&](std::uint32_t n) { return std::uniform_int_distribution<std::uint32_t>(0, n)(random); };
  for (int round = 0; round < 60; ++round) {
    std::vector<lance::Fragment> fragments;
    std::vector<std::uint64_t> ids;  // by ordinal
    std::map<std::uint64_t, std::uint32_t> live;
    std::uint64_t next = up_to(5) == 0 ? std::uint64_t{1} << 40 : up_to(10);
    const auto add = [&](const std::vector<std::uint64_t>& rows) {
      lance::Fragment fragment;
      fragment.physical_rows = rows.size();
      fragment.row_ids = lance::RowIdSequence::of(rows);
      fragments.push_back(std::move(fragment));
      for (const std::uint64_t id : rows) {
        live[id] = static_cast<std::uint32_t>(ids.size());  // the newest one is the live one
        ids.push_back(id);
      }
    };
    for (std::uint32_t step = 0; step < 1 + up_to(6); ++step) {
      std::vector<std::uint64_t> rows;
      const std::uint32_t kind = up_to(3);
      if (kind <= 1 || ids.empty()) {
        const std::uint32_t count = up_to(1) ? up_to(20) + 1 : 1000 + up_to(3000);
        for (std::uint32_t i = 0; i < count; ++i) rows.push_back(next++);
        if (up_to(4) == 0) next += up_to(1'000'000);
      } else if (kind == 2) {  // a run of known ids is rewritten
        const std::uint64_t from = ids[up_to(static_cast<std::uint32_t>(ids.size()) - 1)];
        for (std::uint64_t id = from; id < from + 1 + up_to(2500) && live.contains(id); ++id) rows.push_back(id);
        if (rows.empty()) continue;
      } else {
        for (int i = 0; i < 50; ++i) {
          const std::uint64_t id = ids[up_to(static_cast<std::uint32_t>(ids.size()) - 1)];
          if (live.contains(id) && std::find(rows.begin(), rows.end(), id) == rows.end()) rows.push_back(id);
        }
        if (rows.empty()) continue;
      }
      add(rows);
      if (up_to(2) == 0) {
        for (int i = 0; i < 30; ++i) live.erase(ids[up_to(static_cast<std::uint32_t>(ids.size()) - 1)]);
      }
    }
    std::vector<std::uint64_t> deleted((ids.size() + 63) / 64);
    for (std::uint32_t o = 0; o < ids.size(); ++o) {
      const auto found = live.find(ids[o]);
      if (found == live.end() || found->second != o) deleted[o >> 6] |= std::uint64_t{1} << (o & 63);
    }
    const RowMap map(fragments, deleted);
    for (const std::uint64_t id : ids) {
      const auto found = live.find(id);
      ASSERT_EQ(map.find(id), found == live.end() ? RowMap::kNone : found->second) << "row id " << id;
    }
    ASSERT_EQ(map.find(next + 5'000'000), RowMap::kNone);
    ASSERT_EQ(map.find(~std::uint64_t{0}), RowMap::kNone);
  }
}

}  // namespace
}  // namespace omnigraph::graph
