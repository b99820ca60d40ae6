// What the S3 store sends, sends again and makes of answers, against a scripted server on loopback.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>

#include "objectstore/s3_multipart.h"
#include "objectstore/s3_store.h"
#include "tests/objectstore/loopback_server.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

using testing::bytes;
using testing::FakeAnswer;
using testing::LoopbackServer;
using testing::SeenRequest;

FakeAnswer error_answer(int status, const std::string& code, const std::string& message = "Because.") {
  return {.status = status,
          .body = "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>",
          .headers = {{"Content-Type", "application/xml"}}};
}

struct S3ClientTest : ::testing::Test {
  // The answers to come; when they are used up, 200 without a body.
  std::deque<std::optional<FakeAnswer>> script;
  LoopbackServer server{[this](const SeenRequest&) -> std::optional<FakeAnswer> {
    if (script.empty()) return FakeAnswer{};
    auto answer = script.front();
    script.pop_front();
    return answer;
  }};
  std::map<std::string, std::string> values{{"AWS_ENDPOINT_URL", server.url()},
                                            {"AWS_ALLOW_HTTP", "true"},
                                            {"AWS_ACCESS_KEY_ID", "id"},
                                            {"AWS_SECRET_ACCESS_KEY", "secret"},
                                            {"AWS_REGION", "eu-west-1"}};

  std::shared_ptr<ObjectStore> open(const Clock* clock = nullptr) {
    const auto look = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = values.find(name);
      return found == values.end() ? std::nullopt : std::optional(found->second);
    };
    return open_s3_store("s3://bucket/root", {.environment = look, .clock = clock}).value();
  }
};

TEST_F(S3ClientTest, SignsWhatItSends) {
  values["AWS_SESSION_TOKEN"] = "session";
  const ManualClock clock(1'440'938'160'000'000);
  const auto store = open(&clock);
  ASSERT_TRUE(store->put("a b/c+d", bytes("body")));
  const SeenRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/bucket/root/a%20b/c%2Bd");
  EXPECT_EQ(seen.body, "body");
  EXPECT_EQ(seen.headers.at("x-amz-date"), "20150830T123600Z");
  EXPECT_EQ(seen.headers.at("x-amz-security-token"), "session");
  EXPECT_EQ(seen.headers.at("x-amz-content-sha256"),
            "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5");
  EXPECT_TRUE(seen.headers.at("authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=id/20150830/eu-west-1/s3/aws4_request, "
                               "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="));
  EXPECT_FALSE(seen.headers.contains("expect"));
  EXPECT_FALSE(seen.headers.contains("if-none-match"));
}

TEST_F(S3ClientTest, ReadsAreAskedAgain) {
  script = {std::nullopt, error_answer(500, "InternalError"), error_answer(503, "SlowDown"),
            FakeAnswer{.body = "found"}};
  const auto store = open();
  EXPECT_EQ(testing::content_of(*store, "a"), "found");
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(S3ClientTest, RangesMeetStoresOfAllKinds) {
  script = {FakeAnswer{.status = 206, .body = "cd"}, FakeAnswer{.body = "abcdef"}, error_answer(416, "InvalidRange")};
  const auto store = open();
  EXPECT_EQ(store->get("a", ByteRange{2, 2})->text(), "cd");
  EXPECT_EQ(server.requests().at(0).headers.at("range"), "bytes=2-3");
  EXPECT_EQ(store->get("a", ByteRange{2, 2})->text(), "cd") << "a store that ignores ranges";
  EXPECT_EQ(store->get("a", ByteRange{9, ~std::uint64_t{0}})->text(), "");
  EXPECT_EQ(server.requests().at(2).headers.at("range"), "bytes=9-18446744073709551615");
}

// Goal: a conditional put whose fate is unknown is never sent again by the store itself.
TEST_F(S3ClientTest, AnUnansweredPublishIsLeftToTheCaller) {
  const auto store = open();
  ASSERT_TRUE(store->put("warm", bytes("x")));  // the publish meets a kept connection, which libcurl would replace
  int looks = 0;
  const auto look = [&]() -> Result<void> {
    ++looks;
    return {};
  };
  for (const auto& answer : {std::optional<FakeAnswer>(), std::optional(error_answer(500, "InternalError")),
                             std::optional(FakeAnswer{.status = 502}), std::optional(FakeAnswer{.status = 503})}) {
    const std::size_t before = server.requests().size();
    script = {answer};
    looks = 0;
    const auto outcome = store->publish("log/1", bytes("record"), look);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::kIoError) << outcome.error().message;
    EXPECT_EQ(server.requests().size(), before + 1);
    EXPECT_EQ(looks, 1);
    script = {answer};
    EXPECT_EQ(store->put_if_absent("log/1", bytes("record")).error().code, Code::kIoError);
    script = {answer};
    EXPECT_EQ(store->put_if_match("state", bytes("x"), "\"e\"").error().code, Code::kIoError);
    EXPECT_EQ(server.requests().size(), before + 3);
  }
  EXPECT_EQ(server.requests().back().headers.at("if-match"), "\"e\"");
}

TEST_F(S3ClientTest, AClearPostponementIsSentAgainAfterAnotherLook) {
  script = {error_answer(409, "ConditionalRequestConflict"), error_answer(503, "SlowDown"),
            error_answer(429, "TooMany")};
  int looks = 0;
  const auto outcome = open()->publish("log/1", bytes("record"), [&]() -> Result<void> {
    ++looks;
    return {};
  });
  EXPECT_EQ(outcome.value(), PutOutcome::kCreated);
  EXPECT_EQ(looks, 4);
  EXPECT_EQ(server.requests().at(3).headers.at("if-none-match"), "*");
}

TEST_F(S3ClientTest, TheHookMayStopAnySend) {
  script = {error_answer(409, "ConditionalRequestConflict")};
  int looks = 0;
  const auto outcome = open()->publish("log/1", bytes("record"), [&]() -> Result<void> {
    if (++looks == 2) return std::unexpected(conflict("too old"));
    return {};
  });
  EXPECT_EQ(outcome.error().message, "too old");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(S3ClientTest, ConditionsHaveOutcomes) {
  script = {error_answer(412, "PreconditionFailed"), error_answer(412, "PreconditionFailed"),
            error_answer(404, "NoSuchKey")};
  const auto store = open();
  EXPECT_EQ(store->put_if_absent("a", bytes("x")).value(), PutOutcome::kAlreadyExists);
  EXPECT_EQ(store->put_if_match("a", bytes("x"), "e").value(), MatchOutcome::kChanged);
  EXPECT_EQ(store->put_if_match("a", bytes("x"), "e").value(), MatchOutcome::kChanged) << "gone";
}

TEST_F(S3ClientTest, RefusalsNameThingStatusAndRemedy) {
  const auto store = open();
  script = {error_answer(403, "InvalidAccessKeyId", "Unknown.")};
  const Error unknown = store->get("a").error();
  EXPECT_EQ(unknown.code, Code::kIoError);
  EXPECT_EQ(unknown.message,
            "cannot read 's3://bucket/root/a': InvalidAccessKeyId (HTTP 403): Unknown; the store does not know this "
            "AWS_ACCESS_KEY_ID; check the credentials");
  script = {error_answer(403, "AccessDenied")};
  const Error denied = store->publish("log/1", bytes("x"), nullptr).error();
  EXPECT_EQ(denied.code, Code::kUnavailable) << "nothing happened, and again will not help";
  EXPECT_NE(denied.message.find("cannot write 's3://bucket/root/log/1': AccessDenied (HTTP 403)"), std::string::npos);
  script = {error_answer(404, "NoSuchBucket")};
  const Error bucket = store->get("a").error();
  EXPECT_EQ(bucket.code, Code::kIoError) << "not a missing key";
  EXPECT_NE(bucket.message.find("there is no bucket 'bucket' at '" + server.url() + "'"), std::string::npos);
  script = {error_answer(404, "NoSuchKey")};
  EXPECT_EQ(store->get("a").error().code, Code::kNotFound);
  FakeAnswer elsewhere = error_answer(301, "PermanentRedirect");
  elsewhere.headers.emplace_back("x-amz-bucket-region", "us-west-2");
  script = {elsewhere};
  EXPECT_NE(store->list("a").error().message.find("set AWS_REGION=us-west-2"), std::string::npos);
  script = {FakeAnswer{.status = 403}};
  EXPECT_NE(store->head("a").error().message.find("refused (HTTP 403); check the credentials"), std::string::npos);
}

TEST_F(S3ClientTest, AMissingHeadIsOnlyTheKeysIfTheBucketIsThere) {
  script = {FakeAnswer{.status = 404}, error_answer(404, "NoSuchBucket")};
  const auto store = open();
  EXPECT_EQ(store->head("a").error().code, Code::kIoError);
  script = {FakeAnswer{}, FakeAnswer{.status = 404}};
  ASSERT_TRUE(store->put("b", bytes("x")));
  EXPECT_EQ(store->head("a").error().code, Code::kNotFound);
  EXPECT_EQ(server.requests().size(), 4u) << "the bucket has just answered";
}

// Goal: a wrong clock is told apart from a request that stalled, and both are clear refusals.
TEST_F(S3ClientTest, OldSignatures) {
  const ManualClock clock(1'440'938'160'000'000);  // 2015-08-30 12:36:00
  const auto store = open(&clock);
  FakeAnswer skewed = error_answer(403, "RequestTimeTooSkewed");
  skewed.headers.emplace_back("Date", "Sun, 30 Aug 2015 12:57:00 GMT");
  script = {skewed};
  const Error wrong_clock = store->publish("log/1", bytes("x"), nullptr).error();
  EXPECT_EQ(wrong_clock.code, Code::kUnavailable);
  EXPECT_NE(wrong_clock.message.find("this machine's clock is 21 minutes behind the store's"), std::string::npos)
      << wrong_clock.message;
  skewed.headers.back().second = "Sun, 30 Aug 2015 12:36:10 GMT";
  script = {skewed};
  EXPECT_EQ(store->publish("log/1", bytes("x"), nullptr).error().code, Code::kInvalidArgument)
      << "stalled: begin again";
  script = {skewed, FakeAnswer{.body = "x"}};
  EXPECT_EQ(testing::content_of(*store, "a"), "x") << "signed anew";
}

TEST_F(S3ClientTest, NobodyListening) {
  auto other = std::make_unique<LoopbackServer>([](const SeenRequest&) { return FakeAnswer{}; });
  values["AWS_ENDPOINT_URL"] = other->url();
  other.reset();
  const auto store = open();
  int looks = 0;
  const Error unreachable = store
                                ->publish("log/1", bytes("x"),
                                          [&]() -> Result<void> {
                                            ++looks;
                                            return {};
                                          })
                                .error();
  EXPECT_EQ(unreachable.code, Code::kUnavailable);
  EXPECT_NE(unreachable.message.find("the store at '" + values["AWS_ENDPOINT_URL"] + "' cannot be reached"),
            std::string::npos);
  EXPECT_NE(unreachable.message.find("check AWS_ENDPOINT_URL_S3"), std::string::npos);
  EXPECT_GT(looks, 1) << "nothing was sent, so it was tried again";
}

TEST_F(S3ClientTest, ExpiredCredentialsAreRenewedOnce) {
  script = {error_answer(400, "ExpiredToken"), FakeAnswer{.body = "x"}};
  const auto store = open();
  EXPECT_EQ(testing::content_of(*store, "a"), "x");
  script = {error_answer(400, "ExpiredToken"), error_answer(400, "ExpiredToken")};
  EXPECT_NE(store->get("a").error().message.find("the credentials have expired"), std::string::npos);
}

TEST_F(S3ClientTest, KeysMustFitWithTheirPrefix) {
  const auto store = open();
  EXPECT_EQ(store->put(std::string(1020, 'k'), {}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->get("../a").error().code, Code::kInvalidArgument);
  EXPECT_TRUE(server.requests().empty());
}

// Goal: a completed upload whose answer was lost is a success, another's object is not. Method: the object that is
// there afterwards has the size of the upload, or another.
TEST_F(S3ClientTest, ALostCompletionIsLookedUp) {
  const std::string large(kS3PartBytes + 1, 'x');
  const FakeAnswer part{.headers = {{"ETag", "\"p\""}}};
  const auto store = open();
  const auto finish = [&](const std::string& found) {
    script = {FakeAnswer{.body = "<R><UploadId>u/1</UploadId></R>"},
              part,
              part,
              std::nullopt,
              FakeAnswer{.body = found},
              error_answer(412, "PreconditionFailed"),
              FakeAnswer{.body = found}};
    auto upload = store->open_upload("data/1").value();
    EXPECT_TRUE(upload->append(bytes(large)));
    return upload->finish();
  };
  EXPECT_TRUE(finish(large));
  const std::vector<SeenRequest> seen = server.requests();
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0].target, "/bucket/root/data/1?uploads=");
  EXPECT_TRUE(seen[1].target.starts_with("/bucket/root/data/1?partNumber=")) << seen[1].target;
  EXPECT_EQ(seen[1].body.size() + seen[2].body.size(), large.size());
  EXPECT_EQ(seen[3].target, "/bucket/root/data/1?uploadId=u%2F1");
  EXPECT_EQ(seen[3].headers.at("if-none-match"), "*");
  EXPECT_EQ(seen[4].method, "HEAD");

  const auto other = finish("other");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
  EXPECT_EQ(other.error().message, "object 'data/1' exists already");
  EXPECT_EQ(server.requests().back().method, "DELETE") << "aborted";
}

TEST_F(S3ClientTest, AFailureUnderStatus200IsOne) {
  const std::string large(kS3PartBytes + 1, 'x');
  const FakeAnswer part{.headers = {{"ETag", "\"p\""}}};
  FakeAnswer failed = error_answer(200, "InternalError");
  script = {
      FakeAnswer{.body = "<R><UploadId>u</UploadId></R>"}, part, part, failed, FakeAnswer{.status = 404}, FakeAnswer{}};
  const auto store = open();
  auto upload = store->open_upload("data/1").value();
  ASSERT_TRUE(upload->append(bytes(large)));
  EXPECT_TRUE(upload->finish()) << "the second completion succeeds";
  EXPECT_EQ(server.requests().size(), 6u);
}

}  // namespace
}  // namespace omnigraph::objectstore
