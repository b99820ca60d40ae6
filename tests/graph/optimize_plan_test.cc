#include "graph/optimize_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace omnigraph::graph {
namespace {

constexpr FragmentTarget kTarget{.rows = 1000, .bytes = 1'000'000};

lance::Fragment fragment(std::uint64_t rows, std::uint64_t deleted = 0, std::uint64_t bytes = 100) {
  lance::Fragment out;
  out.physical_rows = rows;
  lance::DataFileEntry& file = out.files.emplace_back();
  file.path = "a.lnc";
  file.fields = file.column_indices = {0};
  file.file_size_bytes = bytes;
  if (deleted > 0) {
    out.deletion_file = lance::DeletionFileEntry();
    out.deletion_file->deleted_rows = deleted;
  }
  return out;
}

lance::Manifest manifest(std::vector<lance::Fragment> fragments) {
  lance::Manifest out;
  for (std::size_t i = 0; i < fragments.size(); ++i) fragments[i].id = i;
  out.fragments = std::move(fragments);
  return out;
}

TEST(OptimizePlan, GoodFragmentsAreLeftAlone) {
  EXPECT_TRUE(plan_rewrite(manifest({}), kTarget).empty());
  EXPECT_TRUE(plan_rewrite(manifest({fragment(1)}), kTarget).empty());
  EXPECT_TRUE(plan_rewrite(manifest({fragment(1000), fragment(700, 70), fragment(400)}), kTarget).empty());
  EXPECT_TRUE(plan_rewrite(manifest({fragment(10, 0, 999'999), fragment(10)}), kTarget).empty());
}

TEST(OptimizePlan, SmallOnesGoTogetherUpToTheTarget) {
  const FragmentGroups groups =
      plan_rewrite(manifest({fragment(600), fragment(1000), fragment(400), fragment(5)}), kTarget);
  EXPECT_EQ(groups, (FragmentGroups{{0, 2}}));
  EXPECT_EQ(plan_rewrite(manifest({fragment(600), fragment(500), fragment(300), fragment(500)}), kTarget),
            (FragmentGroups{{0, 2}, {1, 3}}));
}

TEST(OptimizePlan, MoreThanATenthDeletedIsWrittenAnew) {
  EXPECT_EQ(plan_rewrite(manifest({fragment(1000, 101)}), kTarget), (FragmentGroups{{0}}));
  EXPECT_TRUE(plan_rewrite(manifest({fragment(1000, 100)}), kTarget).empty());
  EXPECT_EQ(plan_rewrite(manifest({fragment(2000, 2000)}), kTarget), (FragmentGroups{{0}})) << "nothing is left of it";
}

TEST(OptimizePlan, WhatAnotherToolWroteIsWrittenAnew) {
  lance::Manifest foreign = manifest({fragment(1000)});
  foreign.fragments[0].files[0].path = "a.lance";
  EXPECT_EQ(plan_rewrite(foreign, kTarget), (FragmentGroups{{0}}));
  lance::Manifest newer = manifest({fragment(1000)});
  newer.fragments[0].files[0].minor_version = 2;
  EXPECT_EQ(plan_rewrite(newer, kTarget), (FragmentGroups{{0}}));
  lance::Manifest headless = manifest({fragment(1000)});
  headless.fields.resize(2);
  headless.fields[1].id = 1;
  headless.fields[1].logical_type = "struct";
  EXPECT_EQ(plan_rewrite(headless, kTarget), (FragmentGroups{{0}}));
  headless.fragments[0].files[0].fields = {0, 1};
  EXPECT_TRUE(plan_rewrite(headless, kTarget).empty());
}

// Goal: one run does all there is to do, and no group outgrows the target.
// Method: random sizes and deletions; the planned outcome is planned again.
TEST(OptimizePlan, TheOutcomeIsLeftAlone) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<lance::Fragment> fragments;
    for (std::size_t i = random() % 40; i > 0; --i) {
      const std::uint64_t rows = 1 + random() % (random() % 2 == 0 ? 1200 : 30);
      fragments.push_back(fragment(rows, random() % 3 == 0 ? random() % (rows + 1) : 0, rows * (random() % 1500)));
    }
    const lance::Manifest before = manifest(fragments);
    const FragmentGroups groups = plan_rewrite(before, kTarget);
    std::vector<bool> taken(fragments.size());
    std::vector<lance::Fragment> after;
    for (const auto& group : groups) {
      std::uint64_t rows = 0, bytes = 0;
      for (const std::size_t i : group) {
        EXPECT_FALSE(taken[i]);
        taken[i] = true;
        const std::uint64_t deleted = fragments[i].deletion_file ? fragments[i].deletion_file->deleted_rows : 0;
        rows += fragments[i].physical_rows - deleted;
        bytes +=
            fragments[i].files[0].file_size_bytes * (fragments[i].physical_rows - deleted) / fragments[i].physical_rows;
      }
      EXPECT_TRUE(group.size() == 1 || rows <= kTarget.rows);
      EXPECT_TRUE(group.size() == 1 || bytes <= kTarget.bytes);
      if (rows > 0) after.push_back(fragment(rows, 0, bytes));
    }
    std::vector<lance::Fragment> kept;
    for (std::size_t i = 0; i < fragments.size(); ++i) {
      if (!taken[i]) kept.push_back(fragments[i]);
    }
    kept.insert(kept.end(), after.begin(), after.end());
    EXPECT_TRUE(plan_rewrite(manifest(kept), kTarget).empty());
  }
}

}  // namespace
}  // namespace omnigraph::graph
