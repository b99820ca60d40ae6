// The signer against AWS's published examples: the Signature Version 4 test suite and the S3 API reference
// ("Signature Calculations for the Authorization Header").
#include "objectstore/s3_signature.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace omnigraph::objectstore {
namespace {

struct Example {
  std::string name;
  SignedRequest request;
  std::string signed_headers, signature;
};

std::string signature_part(const std::string& authorization) {
  return authorization.substr(authorization.find("Signature=") + 10);
}
std::string signed_headers_part(const std::string& authorization) {
  const std::size_t begin = authorization.find("SignedHeaders=") + 14;
  return authorization.substr(begin, authorization.find(',', begin) - begin);
}

std::string names_of(const ::testing::TestParamInfo<Example>& info) { return info.param.name; }

SignedRequest suite_request(std::string method, std::string path, const NameValues& query, NameValues more = {},
                            std::string body = "") {
  SignedRequest request{.method = std::move(method),
                        .path = std::move(path),
                        .query = canonical_query(query),
                        .headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
                        .body_sha256 = base::sha256_hex(body)};
  request.headers.insert(request.headers.end(), more.begin(), more.end());
  return request;
}

struct SuiteTest : ::testing::TestWithParam<Example> {};

TEST_P(SuiteTest, Matches) {
  const S3Credentials credentials{.access_key_id = "AKIDEXAMPLE",
                                  .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
  const std::string value =
      authorization(GetParam().request, credentials, {.region = "us-east-1", .service = "service"}, "20150830T123600Z");
  EXPECT_TRUE(value.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "));
  EXPECT_EQ(signed_headers_part(value), GetParam().signed_headers);
  EXPECT_EQ(signature_part(value), GetParam().signature) << canonical_request(GetParam().request);
}

INSTANTIATE_TEST_SUITE_P(
    Suite, SuiteTest,
    ::testing::Values(
        Example{"GetVanilla", suite_request("GET", "/", {}), "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Example{"GetVanillaQueryOrderKeyCase", suite_request("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
                "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Example{"PostVanilla", suite_request("POST", "/", {}), "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        Example{
            "PostForm",
            suite_request("POST", "/", {}, {{"Content-Type", "application/x-www-form-urlencoded"}}, "Param1=value1"),
            "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        Example{"GetUtf8", suite_request("GET", encode_path("/\xE1\x88\xB4"), {}), "host;x-amz-date",
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        Example{"GetVanillaUtf8Query", suite_request("GET", "/", {{"\xE1\x88\xB4", "bar"}}), "host;x-amz-date",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        Example{"GetHeaderValueTrim",
                suite_request("GET", "/", {}, {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
                "host;my-header1;my-header2;x-amz-date",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"}),
    names_of);

SignedRequest bucket_request(std::string method, std::string path, const NameValues& query, NameValues more,
                             std::string body) {
  SignedRequest request{.method = std::move(method),
                        .path = std::move(path),
                        .query = canonical_query(query),
                        .headers = {{"host", "examplebucket.s3.amazonaws.com"}, {"x-amz-date", "20130524T000000Z"}},
                        .body_sha256 = base::sha256_hex(body)};
  request.headers.emplace_back("x-amz-content-sha256", request.body_sha256);
  request.headers.insert(request.headers.end(), more.begin(), more.end());
  return request;
}

struct BucketTest : ::testing::TestWithParam<Example> {};

TEST_P(BucketTest, Matches) {
  const S3Credentials credentials{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                  .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
  const std::string value = authorization(GetParam().request, credentials, {.region = "us-east-1"}, "20130524T000000Z");
  EXPECT_EQ(signed_headers_part(value), GetParam().signed_headers);
  EXPECT_EQ(signature_part(value), GetParam().signature) << canonical_request(GetParam().request);
}

INSTANTIATE_TEST_SUITE_P(
    S3Reference, BucketTest,
    ::testing::Values(Example{"GetObject", bucket_request("GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}, ""),
                              "host;range;x-amz-content-sha256;x-amz-date",
                              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
                      Example{"PutObject",
                              bucket_request("PUT", encode_path("/test$file.text"), {},
                                             {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                              {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                                             "Welcome to Amazon S3."),
                              "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
                      Example{"GetLifecycle", bucket_request("GET", "/", {{"lifecycle", ""}}, {}, ""),
                              "host;x-amz-content-sha256;x-amz-date",
                              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                      Example{"ListObjects", bucket_request("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, ""),
                              "host;x-amz-content-sha256;x-amz-date",
                              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}),
    names_of);

TEST(S3Signature, EncodesAsS3Does) {
  EXPECT_EQ(encode_path("/a b/c+d/~x%.txt"), "/a%20b/c%2Bd/~x%25.txt");
  EXPECT_EQ(canonical_query({{"b", "x/y"}, {"a", ""}, {"a-b", "1 2"}}), "a=&a-b=1%202&b=x%2Fy");
  EXPECT_EQ(amz_timestamp(1'440'938'160'000'000), "20150830T123600Z");
}

}  // namespace
}  // namespace omnigraph::objectstore
