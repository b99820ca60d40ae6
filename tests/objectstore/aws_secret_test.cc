// Secrets from a stand-in of AWS Secrets Manager on loopback.
#include "objectstore/aws_secret.h"

#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "objectstore/s3_signature.h"
#include "tests/objectstore/loopback_server.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

using testing::FakeAnswer;
using testing::LoopbackServer;
using testing::SeenRequest;

constexpr std::int64_t kSecretNowUs = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

struct AwsSecretTest : ::testing::Test {
  base::HttpClient http;
  ManualClock clock{kSecretNowUs};
  std::map<std::string, std::string> values{{"AWS_EC2_METADATA_DISABLED", "true"}, {"AWS_ACCESS_KEY_ID", "id"},
                                            {"AWS_SECRET_ACCESS_KEY", "secret"},   {"AWS_SESSION_TOKEN", "session"},
                                            {"AWS_REGION", "eu-west-3"},           {"AWS_ALLOW_HTTP", "true"}};

  Result<std::string> read(const LoopbackServer& server, const std::string& id) {
    values["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = server.url() + "/";
    return read_aws_secret(
        id,
        [this](const std::string& name) -> std::optional<std::string> {
          const auto found = values.find(name);
          return found == values.end() ? std::nullopt : std::optional(found->second);
        },
        http, clock);
  }
};

// Goal: the request is the service's, and its signature is that of exactly what was sent.
// Method: the stand-in keeps the request; it is signed again from the outside.
TEST_F(AwsSecretTest, ReadsTheTextWithASignedRequest) {
  LoopbackServer server(
      [](const SeenRequest&) { return FakeAnswer{.body = R"({"ARN":"a","SecretString":"{\"ana\":\"t0ken\"}"})"}; });
  EXPECT_EQ(read(server, "omnigraph/\"tokens\""), R"({"ana":"t0ken"})");
  const SeenRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/");
  EXPECT_EQ(seen.headers.at("x-amz-target"), "secretsmanager.GetSecretValue");
  EXPECT_EQ(seen.headers.at("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(seen.headers.at("x-amz-security-token"), "session");
  EXPECT_EQ(seen.headers.at("x-amz-date"), "20260102T030405Z");
  EXPECT_EQ(seen.body, R"({"SecretId":"omnigraph/\"tokens\""})");
  SignedRequest sent{.method = "POST", .path = "/", .query = {}, .headers = {}, .body_sha256 = {}};
  for (const char* name : {"content-type", "x-amz-target", "x-amz-date", "x-amz-security-token", "host"}) {
    sent.headers.emplace_back(name, seen.headers.at(name));
  }
  sent.body_sha256 = base::sha256_hex(seen.body);
  EXPECT_EQ(seen.headers.at("authorization"),
            authorization(sent, {.access_key_id = "id", .secret_access_key = "secret", .session_token = "session"},
                          {.region = "eu-west-3", .service = "secretsmanager"}, "20260102T030405Z"));
}

TEST_F(AwsSecretTest, TheRegionOfAnArnCounts) {
  LoopbackServer server([](const SeenRequest&) { return FakeAnswer{.body = R"({"SecretString":"x"})"}; });
  EXPECT_TRUE(read(server, "arn:aws:secretsmanager:us-west-2:123456789012:secret:og-AbCdEf"));
  EXPECT_NE(server.requests().at(0).headers.at("authorization").find("/us-west-2/secretsmanager/aws4_request"),
            std::string::npos);
}

TEST_F(AwsSecretTest, ARefusalIsToldAndNotRepeated) {
  LoopbackServer server([](const SeenRequest&) {
    return FakeAnswer{.status = 400,
                      .body = R"({"__type":"com#ResourceNotFoundException","Message":"no such secret"})"};
  });
  const auto found = read(server, "gone");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kUnavailable);
  EXPECT_EQ(found.error().message, "cannot read secret 'gone' at '" + server.url() +
                                       "': status 400 ResourceNotFoundException: no such secret");
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(AwsSecretTest, AServiceInTroubleIsAskedAgain) {
  int count = 0;
  LoopbackServer server([&](const SeenRequest&) -> std::optional<FakeAnswer> {
    if (++count == 1) return FakeAnswer{.status = 503, .body = "busy"};
    return FakeAnswer{.body = R"({"SecretString":"at last"})"};
  });
  EXPECT_EQ(read(server, "s"), "at last");
  LoopbackServer never([](const SeenRequest&) { return FakeAnswer{.status = 500, .body = "<html>"}; });
  EXPECT_EQ(read(never, "s").error().message, "cannot read secret 's' at '" + never.url() + "': status 500");
  EXPECT_EQ(never.requests().size(), 3U);
}

TEST_F(AwsSecretTest, ASecretOfBytesIsNoText) {
  for (const char* body : {R"({"SecretBinary":"eA=="})", "[]", "not json", R"({"SecretString":7})"}) {
    LoopbackServer server([&](const SeenRequest&) { return FakeAnswer{.body = body}; });
    const auto found = read(server, "s");
    ASSERT_FALSE(found) << body;
    EXPECT_EQ(found.error().message, "secret 's' at '" + server.url() + "' holds no text (SecretString)");
  }
}

TEST_F(AwsSecretTest, WithoutCredentialsNothingIsAsked) {
  LoopbackServer server([](const SeenRequest&) { return FakeAnswer{}; });
  values.erase("AWS_ACCESS_KEY_ID");
  values.erase("AWS_SECRET_ACCESS_KEY");
  values["HOME"] = "/nonexistent";
  const auto found = read(server, "s");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kUnavailable);
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace omnigraph::objectstore
