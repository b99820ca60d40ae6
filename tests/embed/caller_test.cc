// Retries, waits, the deadline and the words of failures, under a clock that moves only when somebody waits.
#include "embed/caller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "embed/call_log.h"
#include "tests/embed/fake_provider.h"

namespace omnigraph::embed {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct CallerTest : ::testing::Test {
  std::expected<std::vector<std::vector<float>>, CallFailure> call(CallSettings settings = {}) {
    const Caller caller("openai", {Wire::kOpenAi, "http://h/v1", "m", "sk-secret"}, settings, provider.surroundings());
    return caller.call(std::vector<std::string_view>{"text"}, 2, Role::kDocument);
  }
  std::string error(CallSettings settings = {}) {
    const auto answer = call(settings);
    return answer ? "" : answer.error().error.message;
  }
  FakeProvider provider;
};

TEST_F(CallerTest, AFailureThatMayPassIsTriedAgainAfterDoublingDelays) {
  provider.script = {{.status = 503}, {.status = 503}};
  EXPECT_TRUE(call());
  EXPECT_EQ(provider.requests(), 3u);
  EXPECT_THAT(provider.delays_ms(), ElementsAre(200, 400));
}

TEST_F(CallerTest, ConnectionFailuresAndRateLimitsAreTriedAgain) {
  provider.script = {{.status = 0}, {.status = 429}, {.status = 500}};
  EXPECT_TRUE(call());
  EXPECT_EQ(provider.requests(), 4u);
}

TEST_F(CallerTest, AttemptsAreBounded) {
  provider.script.assign(10, {.status = 503, .body = R"({"error":{"message":"busy"}})"});
  EXPECT_EQ(error(), "embedding request failed with status 503: busy");
  EXPECT_EQ(provider.requests(), 4u);
}

TEST_F(CallerTest, EverythingElseFailsAtOnce) {
  for (const int status : {301, 307, 400, 401, 403, 404, 422}) {
    FakeProvider once;
    std::swap(provider.script, once.script);
    provider.script = {{.status = status, .body = "why"}};
    const std::size_t before = provider.requests();
    EXPECT_EQ(error(), "embedding request failed with status " + std::to_string(status) + ": why");
    EXPECT_EQ(provider.requests(), before + 1);
  }
  provider.script = {{.status = 200, .body = R"({"data":[]})"}};
  const std::size_t before = provider.requests();
  EXPECT_EQ(error(), "embedding response missing data[0]");
  EXPECT_EQ(provider.requests(), before + 1);
  provider.script = {{.status = 0, .permanent = true}};
  EXPECT_THAT(error(), HasSubstr("embedding request failed: no route"));
  EXPECT_EQ(provider.requests(), before + 2);
}

TEST_F(CallerTest, OnlyARefusedBatchMayBeHalved) {
  for (const int status : {400, 413, 422, 401, 503}) {
    provider.script.assign(4, {.status = status});
    const auto answer = call({.retry_attempts = 1});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().may_be_halved, status == 400 || status == 413 || status == 422) << status;
    provider.script.clear();
  }
}

TEST_F(CallerTest, RetryAfterReplacesTheDelayWhereItFits) {
  provider.script = {{.status = 429, .retry_after = "7"}};
  EXPECT_TRUE(call());
  EXPECT_THAT(provider.delays_ms(), ElementsAre(7'000));
}

TEST_F(CallerTest, ARetryAfterBeyondTheDeadlineIsNotWaitedFor) {
  provider.script = {{.status = 429, .retry_after = "61"}, {.status = 429, .retry_after = "soon"}};
  EXPECT_TRUE(call());
  EXPECT_THAT(provider.delays_ms(), ElementsAre(200, 400));
}

TEST_F(CallerTest, TheDeadlineEndsACallWithAllItsRetries) {
  provider.script.assign(5, {.status = 503, .takes_ms = 900});
  const std::string text = error({.retry_attempts = 100, .deadline_ms = 2'000});
  EXPECT_THAT(text, HasSubstr("embedding deadline exceeded after 2000 ms"));
  EXPECT_THAT(text, HasSubstr("openai"));
  EXPECT_THAT(text, HasSubstr("model m"));
  EXPECT_EQ(provider.requests(), 2u);  // 900 + 200 + 900; 400 more do not fit
}

TEST_F(CallerTest, ARequestMayTakeNoLongerThanTheDeadlineLeaves) {
  provider.script = {{.status = 503, .takes_ms = 45'000}};
  EXPECT_TRUE(call());
  EXPECT_THAT(provider.timeouts_ms(), ElementsAre(30'000, 14'800));
}

TEST_F(CallerTest, WithoutADeadlineOnlyAttemptsCount) {
  provider.script.assign(3, {.status = 503, .takes_ms = 1'000'000});
  EXPECT_TRUE(call({.deadline_ms = 0}));
}

TEST_F(CallerTest, AKeyNeverAppears) {
  provider.script = {{.status = 401, .body = R"({"error":{"message":"bad key sk-secret, really sk-secret"}})"}};
  const std::string text = error();
  EXPECT_EQ(text.find("sk-secret"), std::string::npos) << text;
  EXPECT_THAT(text, HasSubstr("bad key ***, really ***"));
}

TEST_F(CallerTest, EachCallIsLoggedWithoutItsTexts) {
  std::vector<std::string> lines;
  install_call_log([&](const CallRecord& call) {
    lines.push_back(std::string(call.provider) + " " + std::string(call.model) + " " + std::to_string(call.dimension) +
                    " " + std::to_string(call.text_count) + " " + std::to_string(call.attempts) + " " +
                    std::to_string(call.elapsed_ms) + " " + std::string(call.outcome));
  });
  provider.script = {{.status = 503, .takes_ms = 5}, {.takes_ms = 6}, {.status = 401}};
  EXPECT_TRUE(call());
  EXPECT_FALSE(call());
  install_call_log({});
  EXPECT_THAT(lines, ElementsAre("openai m 2 1 2 211 ok", "openai m 2 1 1 0 refused"));
}

}  // namespace
}  // namespace omnigraph::embed
