#include "objectstore/blob_uri.h"

#include <gtest/gtest.h>

namespace omnigraph::objectstore {
namespace {

BlobUri object(std::string_view text) {
  auto uri = parse_blob_uri(text, BlobUriKind::kObject);
  EXPECT_TRUE(uri) << text << ": " << uri.error().message;
  return uri ? *std::move(uri) : BlobUri{};
}

BlobUri base_uri(std::string_view text) { return parse_blob_uri(text, BlobUriKind::kBase).value(); }

TEST(BlobUri, IsComparedByDecodedComponents) {
  const BlobUri uri = object("S3://Pics/a%20b/%c3%bc~");
  EXPECT_EQ(uri.text(), "s3://pics/a%20b/%C3%BC~");
  EXPECT_EQ(uri.key(), "a b/\xc3\xbc~");
  EXPECT_TRUE(uri.is_below(base_uri("s3://pics")));
  EXPECT_TRUE(uri.is_below(base_uri("s3://PICS/a b/")));
  EXPECT_TRUE(object("s3://pics/%61/b").is_below(base_uri("s3://pics/a/")));
  EXPECT_FALSE(object("s3://pics/ab").is_below(base_uri("s3://pics/a")));  // by component
  EXPECT_FALSE(object("s3://pics/a").is_below(base_uri("s3://pics/a")));   // strictly
  EXPECT_FALSE(object("s3://pictures/a").is_below(base_uri("s3://pics")));
  EXPECT_FALSE(object("file:///pics/a").is_below(base_uri("s3://pics")));
}

TEST(BlobUri, RefusesWhatCouldBeReadInTwoWays) {
  for (const auto& [text, problem] : std::vector<std::pair<std::string, std::string>>{
           {"", "is empty"},
           {" s3://p/x", "surrounding blanks"},
           {"s3://p/x\\y", "backslash"},
           {"p/x", "absolute"},
           {"s3:/p/x", "absolute"},
           {"http://p/x", "must be s3:// or file://"},
           {"s3://u:pw@p/x", "user-info or a port"},
           {"s3://p:9000/x", "user-info or a port"},
           {"s3://p/x?versionId=1", "query or fragment"},
           {"s3://p/x#y", "query or fragment"},
           {"file://host/x", "names a host"},
           {"s3:///x", "names no bucket"},
           {"s3://p", "empty, `.` or `..` component"},
           {"s3://p/", "empty, `.` or `..` component"},
           {"s3://p/x/", "empty, `.` or `..` component"},
           {"s3://p//x", "empty, `.` or `..` component"},
           {"s3://p/../x", "empty, `.` or `..` component"},
           {"s3://p/%2E/x", "empty, `.` or `..` component"},
           {"s3://p/a%2Fb", "encodes"},
           {"s3://p/a%5cb", "encodes"},
           {"s3://p/a%25b", "encodes"},
           {"s3://p/a%00b", "encodes"},
           {"s3://p/a%4", "bad percent escape"},
           {"s3://p/a%zz", "bad percent escape"},
           {std::string("s3://p/").append(kBlobUriBytesMax, 'x'), "longer than"},
       }) {
    const auto uri = parse_blob_uri(text, BlobUriKind::kObject);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().code, Code::kBadRequest);
    EXPECT_NE(uri.error().message.find(problem), std::string::npos) << text << ": " << uri.error().message;
  }
}

TEST(BlobUri, ABaseMayBeABucketOrEndWithASlash) {
  EXPECT_EQ(base_uri("s3://P").text(), "s3://p");
  EXPECT_EQ(base_uri("s3://p/a/").text(), "s3://p/a");
  EXPECT_FALSE(parse_blob_uri("s3://p/a//", BlobUriKind::kBase));
}

TEST(BlobUri, SecretsAreNotShown) {
  EXPECT_EQ(redacted_blob_uri("s3://id:secret@p/x?sig=secret#s"), "s3://p/x");
  EXPECT_EQ(redacted_blob_uri("https://p/a@b"), "https://p/a@b");
  EXPECT_EQ(redacted_blob_uri("plain?secret"), "plain");
}

}  // namespace
}  // namespace omnigraph::objectstore
