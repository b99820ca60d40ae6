// AWS Signature Version 4. Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html Thread safety: free
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omnigraph::objectstore {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token{};  // empty: long-lived keys
  std::int64_t expires_us = 0;  // Unix time; 0: never
};

using NameValues = std::vector<std::pair<std::string, std::string>>;

// What is signed: the headers given here, all of them, and nothing else.
struct SignedRequest {
  std::string method;
  std::string path;         // encoded, as it is sent
  std::string query;        // canonical_query(), as it is sent
  NameValues headers;       // any case and order
  std::string body_sha256;  // hex
};

struct SignatureScope {
  std::string region;
  std::string service = "s3";
};

// Each part percent-encoded, '/' kept.
[[nodiscard]] std::string encode_path(std::string_view path);
// Encoded and sorted; `name=` for empty values.
[[nodiscard]] std::string canonical_query(const NameValues& query);
[[nodiscard]] std::string canonical_request(const SignedRequest& request);
// Value of the Authorization header. `timestamp` is the x-amz-date: 20150830T123600Z.
[[nodiscard]] std::string authorization(const SignedRequest& request, const S3Credentials& credentials,
                                        const SignatureScope& scope, std::string_view timestamp);
[[nodiscard]] std::string amz_timestamp(std::int64_t unix_us);

}  // namespace omnigraph::objectstore
