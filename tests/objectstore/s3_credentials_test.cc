// Each source of credentials against services on loopback.
#include "objectstore/s3_credentials.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/objectstore/loopback_server.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

using testing::FakeAnswer;
using testing::LoopbackServer;
using testing::SeenRequest;

constexpr std::int64_t kNowUs = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z
constexpr std::int64_t kCredentialMinuteUs = 60'000'000;

std::string json_credentials(const std::string& id, const std::string& expiration) {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"secret","Token":"token","Expiration":")" + expiration + "\"}";
}

struct S3CredentialsTest : ::testing::Test {
  const testing::TemporaryFolder folder{"s3_credentials_test"};
  base::HttpClient http;
  ManualClock clock{kNowUs};
  // Nothing of the machine itself is asked unless a test says so.
  std::map<std::string, std::string> values{{"AWS_EC2_METADATA_DISABLED", "true"}};

  std::string file(const std::string& name, const std::string& content) {
    std::ofstream(folder.path() / name) << content;
    return (folder.path() / name).string();
  }
  S3CredentialChain chain() {
    const auto look = [values = values](const std::string& name) -> std::optional<std::string> {
      const auto found = values.find(name);
      return found == values.end() ? std::nullopt : std::optional(found->second);
    };
    return S3CredentialChain(look, http, clock);
  }
};

TEST_F(S3CredentialsTest, TheEnvironmentComesFirst) {
  values["AWS_ACCESS_KEY_ID"] = "id";
  values["AWS_SECRET_ACCESS_KEY"] = "secret\n";
  values["AWS_SESSION_TOKEN"] = "session";
  values["AWS_SHARED_CREDENTIALS_FILE"] = file("c", "[default]\naws_access_key_id=x\naws_secret_access_key=y\n");
  const S3CredentialsPtr found = chain().get().value();
  EXPECT_EQ(found->access_key_id, "id");
  EXPECT_EQ(found->secret_access_key, "secret");
  EXPECT_EQ(found->session_token, "session");
  values.erase("AWS_SECRET_ACCESS_KEY");
  EXPECT_EQ(chain().get().error().message, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
  values.erase("AWS_ACCESS_KEY_ID");
  EXPECT_EQ(chain().get().value()->access_key_id, "x");
}

TEST_F(S3CredentialsTest, SaysWhereItLooked) {
  values["HOME"] = "/nowhere";
  const auto none = chain().get();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kUnavailable);
  EXPECT_NE(none.error().message.find("'/nowhere/.aws/credentials'"), std::string::npos) << none.error().message;
  values["AWS_PROFILE"] = "sso";
  values["AWS_CONFIG_FILE"] = file("f", "[profile sso]\nsso_session = x\n");
  EXPECT_NE(chain().get().error().message.find("aws configure export-credentials"), std::string::npos);
}

TEST_F(S3CredentialsTest, WebIdentityAsksTheTokenService) {
  LoopbackServer server([](const SeenRequest&) {
    return FakeAnswer{.body = R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>web</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
      <SessionToken>t&amp;u</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials>
      </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>)"};
  });
  values["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("token", "header.body.sig\n");
  EXPECT_EQ(chain().get().error().message, "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN");
  values["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  values["AWS_ROLE_SESSION_NAME"] = "me";
  values["AWS_ENDPOINT_URL_STS"] = server.url();
  EXPECT_NE(chain().get().error().message.find("AWS_ALLOW_HTTP"), std::string::npos);
  values["AWS_ALLOW_HTTP"] = "true";
  const S3CredentialsPtr found = chain().get().value();
  EXPECT_EQ(found->access_key_id, "web");
  EXPECT_EQ(found->session_token, "t&u");
  EXPECT_EQ(found->expires_us, kNowUs + 60 * kCredentialMinuteUs);
  const SeenRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body,
            "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me&"
            "Version=2011-06-15&WebIdentityToken=header.body.sig");
  EXPECT_EQ(seen.headers.at("content-type"), "application/x-www-form-urlencoded");
}

TEST_F(S3CredentialsTest, ATokenServiceThatRefusesIsQuoted) {
  LoopbackServer server([](const SeenRequest&) {
    return FakeAnswer{
        .status = 403,
        .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not you</Message></Error></ErrorResponse>"};
  });
  values = {{"AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "x")},
            {"AWS_ROLE_ARN", "r"},
            {"AWS_ENDPOINT_URL_STS", server.url()},
            {"AWS_ALLOW_HTTP", "true"}};
  EXPECT_EQ(chain().get().error().message, "the token service '" + server.url() +
                                               "' (role 'r') gave no AWS credentials: HTTP 403 AccessDenied: Not you");
  EXPECT_EQ(server.requests().size(), 1u) << "a refusal is not asked again";
}

TEST_F(S3CredentialsTest, TheContainerServiceGetsItsToken) {
  LoopbackServer server([](const SeenRequest& request) {
    return request.headers.contains("authorization")
               ? FakeAnswer{.body = json_credentials("box", "2026-01-02T04:04:05Z")}
               : FakeAnswer{.status = 401};
  });
  values["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url() + "/creds?x=1";
  EXPECT_NE(chain().get().error().message.find("HTTP 401"), std::string::npos);
  values["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "from-variable";
  EXPECT_EQ(chain().get().value()->access_key_id, "box");
  values["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = file("auth", "from-file\n");
  EXPECT_EQ(chain().get().value()->session_token, "token");
  EXPECT_EQ(server.requests().at(1).headers.at("authorization"), "from-variable");
  EXPECT_EQ(server.requests().at(2).headers.at("authorization"), "from-file");
  EXPECT_EQ(server.requests().at(2).target, "/creds?x=1");
  values["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.org/creds";
  EXPECT_NE(chain().get().error().message.find("must be https or a service of this machine"), std::string::npos);
}

// Answers as the instance metadata service, version 2, does.
struct InstanceService {
  std::string id = "first", expiration = "2026-01-02T04:04:05Z";
  bool broken = false;
  FakeAnswer operator()(const SeenRequest& request) const {
    if (broken) return {.status = 404};
    if (request.method == "PUT" && request.target == "/latest/api/token") return {.body = "session"};
    const auto token = request.headers.find("x-aws-ec2-metadata-token");
    if (token == request.headers.end() || token->second != "session") return {.status = 401};
    if (request.target == "/latest/meta-data/iam/security-credentials/") return {.body = "my-role\n"};
    if (request.target == "/latest/meta-data/iam/security-credentials/my-role")
      return {.body = json_credentials(id, expiration)};
    return {.status = 404};
  }
};

TEST_F(S3CredentialsTest, TheInstanceServiceIsAskedInVersionTwoAndAgainBeforeTheEnd) {
  InstanceService service;
  LoopbackServer server([&](const SeenRequest& request) { return service(request); });
  values = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url() + "/"}};
  S3CredentialChain credentials = chain();
  const S3CredentialsPtr first = credentials.get().value();
  EXPECT_EQ(first->access_key_id, "first");
  EXPECT_EQ(server.requests().at(0).headers.at("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  service.id = "second";
  service.expiration = "2026-01-02T06:04:05Z";
  clock.advance_us(54 * kCredentialMinuteUs);
  EXPECT_EQ(credentials.get().value(), first) << "6 minutes are enough";
  clock.advance_us(2 * kCredentialMinuteUs);
  service.broken = true;
  EXPECT_EQ(credentials.get().value(), first) << "still valid, and nothing newer to be had";
  service.broken = false;
  const S3CredentialsPtr second = credentials.get().value();
  EXPECT_EQ(second->access_key_id, "second");
  service.id = "third";
  credentials.forget(first);
  EXPECT_EQ(credentials.get().value(), second) << "another thread has renewed them";
  credentials.forget(second);
  EXPECT_EQ(credentials.get().value()->access_key_id, "third");
  service.broken = true;
  clock.advance_us(300 * kCredentialMinuteUs);
  EXPECT_FALSE(credentials.get());
}

}  // namespace
}  // namespace omnigraph::objectstore
