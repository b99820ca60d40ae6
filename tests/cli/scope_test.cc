#include "cli/scope.h"

#include <gtest/gtest.h>

namespace omnigraph::cli {
namespace {

OperatorConfig config_of(std::map<std::string, std::string> servers) {
  OperatorConfig config;
  config.servers = std::move(servers);
  return config;
}

Scope scope_named(const std::string& server) {
  Scope scope;
  scope.kind = ScopeKind::kServer;
  scope.server_name = server;
  return scope;
}

class TokenFor : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("OMNIGRAPH_TOKEN_LAB", "lab", 1);
    ::setenv("OMNIGRAPH_TOKEN_LAB_2", "two", 1);
    ::setenv("OMNIGRAPH_HOME", testing::TempDir().c_str(), 1);
    ::unsetenv("OMNIGRAPH_BEARER_TOKEN");
  }
};

TEST_F(TokenFor, OnlyAUrlAtOrBelowAServersUrlGetsItsToken) {
  const OperatorConfig config = config_of({{"lab", "http://h:80"}, {"lab-2", "http://h:80/deep"}});
  const auto token = [&](const std::string& url) { return *token_for(url, scope_named(""), config); };
  EXPECT_EQ(token("http://h:80"), "lab");
  EXPECT_EQ(token("http://h:80/graphs/g"), "lab");
  EXPECT_EQ(token("http://h:80/deep/graphs/g"), "two");
  EXPECT_EQ(token("http://h:80/deeper"), "lab");
  for (const char* other :
       {"http://h:80-x", "http://h:800", "http://h:80@evil/x", "https://h:80", "http://h", "http://h:80.evil"}) {
    EXPECT_EQ(token(other), std::nullopt) << other;
  }
}

TEST_F(TokenFor, TheServerThatWasNamedWinsAmongEquals) {
  const OperatorConfig config = config_of({{"lab", "http://h"}, {"lab-2", "http://h"}});
  EXPECT_EQ(*token_for("http://h/graphs/g", scope_named("lab-2"), config), "two");
  EXPECT_EQ(*token_for("http://h/graphs/g", scope_named("lab"), config), "lab");
}

TEST_F(TokenFor, TheGeneralTokenComesLast) {
  ::setenv("OMNIGRAPH_BEARER_TOKEN", "any", 1);
  const OperatorConfig config = config_of({{"lab", "http://h"}, {"other", "http://o"}});
  EXPECT_EQ(*token_for("http://h/x", scope_named(""), config), "lab");
  EXPECT_EQ(*token_for("http://o/x", scope_named(""), config), "any");
  ::setenv("OMNIGRAPH_TOKEN_LAB", "  ", 1);
  EXPECT_EQ(*token_for("http://h/x", scope_named(""), config), "any");
  ::unsetenv("OMNIGRAPH_BEARER_TOKEN");
}

TEST_F(TokenFor, AFoundProjectFileGetsUnnamedTokensOnThisMachineOnly) {
  ::setenv("OMNIGRAPH_BEARER_TOKEN", "any", 1);
  ::setenv("OG_TEST_TOKEN", "own", 1);
  const OperatorConfig config = config_of({{"lab", "http://h"}});
  Scope scope = scope_named("");
  scope.from_project = scope.found_project = true;
  scope.token_variable = "OG_TEST_TOKEN";
  for (const char* here :
       {"http://127.0.0.1:9", "http://127.9.8.7/x", "http://localhost:80", "http://[::1]:9", "https://LOCALHOST/x"}) {
    EXPECT_EQ(*token_for(here, scope, config), "own") << here;
  }
  for (const char* away :
       {"http://o", "http://127.0.0.1.evil", "http://localhost.evil:9", "http://1.127.0.0", "http://[::1.evil]"}) {
    EXPECT_EQ(*token_for(away, scope, config), std::nullopt) << away;
  }
  EXPECT_EQ(*token_for("http://h/x", scope, config), "lab");  // a token of its own name
  scope.found_project = false;
  EXPECT_EQ(*token_for("http://o", scope, config), "own");
  scope.token_variable.reset();
  EXPECT_EQ(*token_for("http://o", scope, config), "any");
  ::unsetenv("OMNIGRAPH_BEARER_TOKEN");
}

TEST(ResolveScope, ExplicitThenProfileThenDefaults) {
  ::unsetenv("OMNIGRAPH_PROFILE");
  OperatorConfig config = config_of({{"lab", "http://h"}});
  config.default_server = "lab";
  config.default_graph = "d";
  config.profiles["p"] = {.server = "lab", .cluster = {}, .store = {}, .default_graph = {}};
  ScopeFlags flags;
  auto scope = resolve_scope(flags, config, "", Capability::kData, "snapshot");
  EXPECT_EQ(scope->graph, "d");
  flags.profile = "p";
  scope = resolve_scope(flags, config, "", Capability::kData, "snapshot");
  EXPECT_EQ(scope->graph, std::nullopt);  // never the flat default
  EXPECT_EQ(scope->source, "profile 'p'");
  scope = resolve_scope(flags, config, "g.omni", Capability::kData, "snapshot");
  EXPECT_EQ(scope->kind, ScopeKind::kStore);
  flags.server = "http://o/";
  scope = resolve_scope(flags, config, "", Capability::kData, "snapshot");
  EXPECT_EQ(scope->address, "http://o");
  EXPECT_EQ(scope->graph, std::nullopt);
}

TEST(IsLocal, OnlyPathsAndFileUris) {
  EXPECT_TRUE(is_local("g.omni"));
  EXPECT_TRUE(is_local("file:///g.omni"));
  EXPECT_FALSE(is_local("http://127.0.0.1"));
  EXPECT_FALSE(is_local("s3://b/g"));
}

}  // namespace
}  // namespace omnigraph::cli
