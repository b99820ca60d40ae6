#include "cli/capability.h"

#include <gtest/gtest.h>

namespace omnigraph::cli {
namespace {

TEST(Capability, TheLongestPathDecides) {
  EXPECT_EQ(command_kind("schema show")->capability, Capability::kData);
  EXPECT_EQ(command_kind("schema plan")->capability, Capability::kDirect);
  EXPECT_EQ(command_kind("cluster apply")->accepts, "as");
  EXPECT_EQ(command_kind("cluster status")->accepts, "");
  EXPECT_EQ(command_kind("branch merge")->path, "branch");
  EXPECT_EQ(command_kind("querying"), nullptr);
}

TEST(Capability, TheFirstOffenderInTableOrderIsNamed) {
  ScopeFlags flags;
  flags.store = "s";
  flags.cluster = "c";
  flags.server = "x";
  const auto refused = check_scope_flags("version", flags);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "`version` is a local command; --server addresses a served graph and does not apply. It does not address a "
            "graph.");
  flags.server.clear();
  EXPECT_EQ(check_scope_flags("query", flags).error().message,
            "`query` is a data command; --cluster addresses a cluster-scoped command and does not apply.");
  flags.cluster.clear();
  EXPECT_TRUE(check_scope_flags("query", flags));
  EXPECT_EQ(
      check_scope_flags("optimize", {.server = "x", .graph = {}, .store = {}, .cluster = {}, .profile = {}, .as = {}})
          .error()
          .message,
      "`optimize` is a direct (storage-native) command; --server addresses a served graph and does not apply. "
      "Pass a storage URI, or --cluster <dir> --graph <id>.");
}

// Words of a label: two in some groups.
TEST(Capability, Labels) {
  const ScopeFlags flags{.server = {}, .graph = {}, .store = {}, .cluster = "c", .profile = {}, .as = {}};
  for (const auto& [path, label] : {std::pair{"blob get", "`blob get`"},
                                    {"changes poll", "`changes poll`"},
                                    {"commit list", "`commit`"},
                                    {"schema apply", "`schema apply`"},
                                    {"branch merge", "`branch`"},
                                    {"cluster plan", "`cluster`"}}) {
    EXPECT_TRUE(check_scope_flags(path, flags).error().message.starts_with(label)) << path;
  }
}

}  // namespace
}  // namespace omnigraph::cli
