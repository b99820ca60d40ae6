// Single requests of the S3 store and what their answers mean. Keys are full ones, the store's prefix included.
// Thread safety: free functions. Errors: those of S3Client::send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "objectstore/object_store.h"
#include "objectstore/s3_client.h"

namespace omnigraph::objectstore {

[[nodiscard]] Result<PutOutcome> s3_put_if_absent(S3Client& client, const std::string& key,
                                                  std::span<const std::byte> body,
                                                  const ObjectStore::BeforeEffect* before_effect);

// One page of ListObjectsV2.
struct S3ListPage {
  std::vector<ObjectInfo> objects;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string next_token;
};
struct S3ListQuery {
  std::string prefix{}, start_after{}, token{};
  bool delimited = false;
  std::size_t limit = 1000;  // 1..1000
};
[[nodiscard]] Result<S3ListPage> s3_list_page(S3Client& client, const S3ListQuery& query);
[[nodiscard]] Result<S3ListPage> parse_list_page(std::string_view xml);

struct S3OpenUpload {
  std::string key, upload_id;
  std::int64_t started_us = 0;
};
// Every multipart upload below the prefix that is neither completed nor aborted.
[[nodiscard]] Result<std::vector<S3OpenUpload>> s3_open_uploads(S3Client& client, const std::string& prefix);

}  // namespace omnigraph::objectstore
