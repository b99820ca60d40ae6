// Where a bucket is and how it is addressed: `s3://` URIs and the standard AWS_* settings (chapter 09 section 1).
// Thread safety: free functions and plain values. Errors: kBadRequest naming the setting and its remedy.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace omnigraph::objectstore {

// Value of an environment variable; nullopt: unset. Variables set to the empty text count as unset here.
using S3Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] S3Environment s3_process_environment();

struct S3Location {
  std::string bucket;
  std::string prefix{};  // in front of every key; no '/' at either end; may be empty
  [[nodiscard]] std::string uri() const { return "s3://" + bucket + (prefix.empty() ? "" : "/" + prefix); }
};

// `s3://bucket[/prefix]`, taken literally (no percent-decoding, as other S3 tools do). A trailing '/' is dropped.
[[nodiscard]] Result<S3Location> parse_s3_uri(std::string_view uri);

struct S3Config {
  S3Location location;
  std::string region = "us-east-1";
  std::string base_url{};     // scheme://host[:port], without '/' at the end
  std::string host{};         // as the Host header has it
  std::string path_prefix{};  // in front of "/<key>" in a URL: "" (virtual host) or "/<bucket>"
  bool path_style = false;
  std::string ca_bundle{};  // PEM file; empty: the system's
};

// AWS_REGION, AWS_DEFAULT_REGION, the profile's region; else us-east-1.
[[nodiscard]] Result<std::string> aws_region(const S3Environment& environment);

// AWS_ENDPOINT_URL_S3 before AWS_ENDPOINT_URL; the region as above;
// AWS_S3_FORCE_PATH_STYLE; AWS_ALLOW_HTTP; AWS_CA_BUNDLE.
[[nodiscard]] Result<S3Config> s3_config(const S3Location& location, const S3Environment& environment);

// A boolean setting: 1 true yes on, 0 false no off; nullopt if unset.
[[nodiscard]] Result<std::optional<bool>> s3_flag(const S3Environment& environment, const std::string& name);

// An http(s) URL of a setting, without trailing '/'; http only for AWS_ALLOW_HTTP=true.
[[nodiscard]] Result<std::string> checked_endpoint(const std::string& setting, std::string_view url,
                                                   const S3Environment& environment);

}  // namespace omnigraph::objectstore
