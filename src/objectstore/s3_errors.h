// Words for what a store refused: bucket, key, status, S3's own code, and what to do.
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "objectstore/s3_client.h"

namespace omnigraph::objectstore {

// "read", "write", "list" or "remove": what the request was to do.
[[nodiscard]] std::string_view verb_of(const S3Request& request);
[[nodiscard]] bool changes_something(const S3Request& request);

// "cannot <verb> 's3://bucket/key': <what>"
[[nodiscard]] std::string s3_message(const S3Config& config, const S3Request& request, std::string_view what);

// An answer that is an error. `skew_s`: local clock minus the store's, if the answer was dated.
[[nodiscard]] std::string describe_refusal(const S3Config& config, const S3Answer& answer,
                                           std::optional<std::int64_t> skew_s);
[[nodiscard]] std::string describe_failure(const S3Config& config, const base::HttpFailure& failure);

// Local time minus the store's, in seconds, from the answer's Date header.
[[nodiscard]] std::optional<std::int64_t> clock_skew_s(const S3Answer& answer, std::int64_t now_us);
// `Sun, 06 Nov 1994 08:49:37 GMT` to Unix seconds.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(const std::string& text);

}  // namespace omnigraph::objectstore
