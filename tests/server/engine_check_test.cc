// Goal: writes behind the server are judged by the engine too, with the bundle of their graph (chapter 08 section 6).
// Method: a service in state Open, whose door lets everything pass, in front of a graph that has a bundle.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/phase_clock.h"
#include "cluster/verbs.h"
#include "server/handlers.h"

namespace omnigraph::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBundle = R"(version: 1
groups: {crew: [amy]}
rules:
  - {id: drafts, allow: {actors: {group: crew}, actions: [change], branch_scope: any}}
)";

struct EngineCheck : ::testing::Test {
  const fs::path folder =
      fs::path(::testing::TempDir()) /
      ("engine_check_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
  std::shared_ptr<Service> service;
  GraphService checked;

  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder);
    std::ofstream(folder / "cluster.yaml") << "version: 1\ngraphs: {docs: {schema: docs.pg}}\n";
    std::ofstream(folder / "docs.pg") << "node Doc { slug: String @key }\n";
    ASSERT_TRUE(cluster::import_state(folder).ok());
    ASSERT_TRUE(cluster::apply(folder, {}).ok());
    Options options;
    options.cluster = folder.string();
    options.unauthenticated = true;
    auto booted = Service::boot(options);
    ASSERT_TRUE(booted) << booted.error().message;
    service = *booted;
    checked = service->graphs().at("docs");
    auto bundle = policy::Bundle::parse(kBundle, policy::BundleKind::kGraph, "docs");
    ASSERT_TRUE(bundle) << bundle.error().message;
    checked.policy = *bundle;
    checked.writes = std::make_shared<engine::CheckedGraph>(checked.graph, checked.policy);
  }
  void TearDown() override {
    service.reset();
    checked = {};
    fs::remove_all(folder);
  }

  Result<HttpResponse> send(Handler handler, const std::string& actor, const std::string& body,
                            std::vector<std::string> captures = {}) {
    HttpRequest request;
    request.method = "POST";
    request.headers = {{"content-type", "application/json"}};
    request.body = body;
    Call call{service, *service, request, &checked, actor, std::move(captures)};
    const base::PhaseClock clock;  // handlers are called within a request
    return handler(call);
  }
  std::string refusal(Handler handler, const std::string& actor, const std::string& body,
                      std::vector<std::string> captures = {}) {
    const auto answer = send(handler, actor, body, std::move(captures));
    if (answer) return "allowed";
    EXPECT_EQ(answer.error().code, Code::kForbidden) << answer.error().message;
    return answer.error().message;
  }
};

constexpr const char* kInsert = R"({"query":"query q() { insert Doc { slug: \"a\" } }"})";
constexpr const char* kLoad = R"({"data":"{\"type\":\"Doc\",\"data\":{\"slug\":\"b\"}}\n"})";

TEST_F(EngineCheck, EveryWriteIsJudged) {
  EXPECT_EQ(refusal(handle_mutate, "zed", kInsert),
            "policy denied: policy denied action 'change' for unknown actor 'zed'");
  EXPECT_EQ(refusal(handle_load, "zed", kLoad), "policy denied: policy denied action 'change' for unknown actor 'zed'");
  EXPECT_EQ(
      refusal(handle_create_branch, "amy", R"({"name":"t"})"),
      "policy denied: policy denied action 'branch_create' on branch 'main' targeting branch 't' for actor 'amy'");
  EXPECT_EQ(refusal(handle_delete_branch, "amy", "", {"t"}),
            "policy denied: policy denied action 'branch_delete' targeting branch 't' for actor 'amy'");
  EXPECT_EQ(refusal(handle_merge_branches, "amy", R"({"source":"t"})"),
            "policy denied: policy denied action 'branch_merge' on branch 't' targeting branch 'main' for actor 'amy'");
  EXPECT_EQ(service->graphs().at("docs").graph->commits("main")->size(), 1U);
}

TEST_F(EngineCheck, WithoutAnActorAWriteIsRefusedAndAllowedOnesPass) {
  EXPECT_NE(refusal(handle_mutate, "", kInsert).find("no actor for action 'change'"), std::string::npos);
  EXPECT_EQ(refusal(handle_mutate, "amy", kInsert), "allowed");
  EXPECT_EQ(refusal(handle_load, "amy", kLoad), "allowed");
  EXPECT_EQ(service->graphs().at("docs").graph->commits("main")->size(), 3U);
}

}  // namespace
}  // namespace omnigraph::server
