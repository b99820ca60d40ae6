#include "objectstore/s3_config.h"

#include <gtest/gtest.h>

#include <map>

#include "objectstore/s3_profile.h"
#include "objectstore/s3_requests.h"
#include "objectstore/s3_xml.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

S3Environment environment_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(S3Uri, SplitsBucketAndPrefix) {
  EXPECT_EQ(parse_s3_uri("s3://team")->bucket, "team");
  EXPECT_EQ(parse_s3_uri("s3://team/")->prefix, "");
  EXPECT_EQ(parse_s3_uri("s3://team/a/b.omni/")->prefix, "a/b.omni");
  EXPECT_EQ(parse_s3_uri("s3://team/a/b.omni/")->uri(), "s3://team/a/b.omni");
  EXPECT_EQ(parse_s3_uri("s3://team/a%20b")->prefix, "a%20b");
  for (const char* bad :
       {"s3://", "s3:///a", "s3://te am/a", "s3://team/a//b", "s3://team/../b", "s3://a..b", "http://x"}) {
    const auto refused = parse_s3_uri(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, Code::kBadRequest);
    EXPECT_NE(refused.error().message.find(bad), std::string::npos);
  }
}

TEST(S3Config, AddressesAmazonByHost) {
  const S3Config config = s3_config({.bucket = "team"}, environment_of({})).value();
  EXPECT_EQ(config.region, "us-east-1");
  EXPECT_EQ(config.base_url, "https://team.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(config.host, "team.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(config.path_prefix, "");
  EXPECT_EQ(s3_config({.bucket = "team"}, environment_of({{"AWS_REGION", "cn-north-1"}}))->base_url,
            "https://team.s3.cn-north-1.amazonaws.com.cn");
  const S3Config dotted = s3_config({.bucket = "te.am"}, environment_of({{"AWS_DEFAULT_REGION", "eu-west-1"}})).value();
  EXPECT_EQ(dotted.base_url + dotted.path_prefix, "https://s3.eu-west-1.amazonaws.com/te.am");
  const S3Config forced = s3_config({.bucket = "team"}, environment_of({{"AWS_S3_FORCE_PATH_STYLE", "TRUE"}})).value();
  EXPECT_EQ(forced.base_url + forced.path_prefix, "https://s3.us-east-1.amazonaws.com/team");
}

TEST(S3Config, AddressesOwnEndpointsByPath) {
  const S3Config own =
      s3_config({.bucket = "team"}, environment_of({{"AWS_ENDPOINT_URL", "https://other"},
                                                    {"AWS_ENDPOINT_URL_S3", "https://store.lan:9000/"}}))
          .value();
  EXPECT_EQ(own.base_url + own.path_prefix, "https://store.lan:9000/team");
  EXPECT_EQ(own.host, "store.lan:9000");
  const S3Config by_host =
      s3_config({.bucket = "team"},
                environment_of({{"AWS_ENDPOINT_URL", "https://store.lan:443"}, {"AWS_S3_FORCE_PATH_STYLE", "false"}}))
          .value();
  EXPECT_EQ(by_host.base_url, "https://team.store.lan:443");
  EXPECT_EQ(by_host.host, "team.store.lan") << "as HTTP clients send it";
  EXPECT_EQ(s3_config({.bucket = "b"}, environment_of({{"AWS_ENDPOINT_URL", "https://x/base"}}))->path_prefix,
            "/base/b");
}

TEST(S3Config, HttpMustBeAllowed) {
  const auto config = [](const std::string& allow) {
    return s3_config({.bucket = "team"},
                     environment_of({{"AWS_ENDPOINT_URL", "http://127.0.0.1:9"}, {"AWS_ALLOW_HTTP", allow}}));
  };
  EXPECT_EQ(
      config("no").error().message,
      "AWS_ENDPOINT_URL='http://127.0.0.1:9' is not encrypted; use https, or set AWS_ALLOW_HTTP=true to permit http");
  for (const char* yes : {"1", "true", "Yes", " on "}) EXPECT_EQ(config(yes)->base_url, "http://127.0.0.1:9");
  EXPECT_EQ(config("perhaps").error().message, "AWS_ALLOW_HTTP='perhaps' is neither true nor false");
  for (const char* bad : {"store.lan", "ftp://store.lan", "https://", "https://a b", "https://u@h", "https:///x"}) {
    const auto refused = s3_config({.bucket = "team"}, environment_of({{"AWS_ENDPOINT_URL", bad}}));
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().message.find("is not an endpoint URL"), std::string::npos) << bad;
  }
}

TEST(S3Profile, ReadsSections) {
  constexpr std::string_view kText =
      "# comment\n[default]\nregion = eu-west-1 # near\ns3 =\n  addressing_style = path\n\n[ profile  work ]\n"
      "Region=us-west-2\naws_secret_access_key = a#b=c\n";
  EXPECT_EQ(ini_section(kText, "default")->at("region"), "eu-west-1");
  EXPECT_FALSE(ini_section(kText, "default")->contains("addressing_style")) << "nested";
  EXPECT_EQ(ini_section(kText, "profile work")->at("region"), "us-west-2");
  EXPECT_EQ(ini_section(kText, "profile work")->at("aws_secret_access_key"), "a#b=c");
  EXPECT_FALSE(ini_section(kText, "work"));
}

TEST(S3Profile, TheCredentialsFileWins) {
  const testing::TemporaryFolder folder("s3_profile_test");
  std::ofstream(folder.path() / "c") << "[work]\naws_access_key_id = from-credentials\n";
  std::ofstream(folder.path() / "f") << "[profile work]\naws_access_key_id = from-config\nregion = eu-north-1\n";
  std::map<std::string, std::string> values = {{"AWS_SHARED_CREDENTIALS_FILE", (folder.path() / "c").string()},
                                               {"AWS_CONFIG_FILE", (folder.path() / "f").string()},
                                               {"AWS_PROFILE", "work"}};
  const S3Profile profile = read_s3_profile(environment_of(values)).value();
  EXPECT_EQ(profile.value("aws_access_key_id"), "from-credentials");
  EXPECT_EQ(s3_config({.bucket = "b"}, environment_of(values))->region, "eu-north-1");
  values["AWS_REGION"] = "eu-south-1";
  EXPECT_EQ(s3_config({.bucket = "b"}, environment_of(values))->region, "eu-south-1");
  values["AWS_PROFILE"] = "play";
  const auto missing = read_s3_profile(environment_of(values));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().message.starts_with("AWS_PROFILE='play' is neither in")) << missing.error().message;
  EXPECT_TRUE(read_s3_profile(environment_of({{"HOME", "/nowhere"}}))) << "no files are no error";
}

TEST(S3Xml, ListsDecodeNames) {
  const auto page = parse_list_page(
      R"(<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
         <Name>b</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
         <NextContinuationToken>a&amp;b</NextContinuationToken>
         <Contents><Key>p/a+b%2Bc%C3%A9</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>
           <ETag>&quot;e&quot;</ETag><Size>42</Size></Contents>
         <CommonPrefixes><Prefix>p/d%20e/</Prefix></CommonPrefixes></ListBucketResult>)");
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "p/a b+c\xC3\xA9");
  EXPECT_EQ(page->objects[0].size, 42u);
  EXPECT_EQ(page->objects[0].etag, "\"e\"");
  EXPECT_EQ(page->objects[0].modified_us, 1'767'323'045'678'000);
  EXPECT_EQ(page->prefixes, std::vector<std::string>{"p/d e/"});
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->next_token, "a&b");
  const auto raw =
      parse_list_page("<L><Contents><Key>a+%41</Key><LastModified>2026-01-02T03:04:05Z</LastModified></Contents></L>");
  EXPECT_EQ(raw->objects.at(0).key, "a+%41") << "nothing said of an encoding";
}

TEST(S3Xml, RefusesWhatNoAnswerIs) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (const std::string& bad :
       {std::string(), std::string("no xml"), std::string("<a><b></a>"), deep,
        std::string("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
        std::string("<L><Contents><Key>a</Key><LastModified>never</LastModified></Contents></L>"),
        std::string("<L><EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents></L>")}) {
    const auto page = parse_list_page(bad);
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().code, Code::kIoError);
  }
}

}  // namespace
}  // namespace omnigraph::objectstore
