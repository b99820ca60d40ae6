#include "objectstore/s3_config.h"

#include <algorithm>
#include <cstdlib>
#include <ranges>

#include "base/text.h"
#include "objectstore/keys.h"
#include "objectstore/s3_profile.h"

namespace omnigraph::objectstore {
namespace {

constexpr std::string_view kScheme = "s3://";

bool is_bucket_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return name.size() <= 255 && std::ranges::all_of(name, allowed) && name.find("..") == std::string_view::npos &&
         !name.starts_with('.') && !name.ends_with('.');
}

// scheme://host[:port] and what follows it.
struct SplitUrl {
  std::string scheme;  // with "://"
  std::string host;
  std::string path;  // "" or "/..."
};

SplitUrl split_url(std::string_view url) {
  const std::size_t host = url.find("://") + 3;
  const std::size_t path = std::min(url.find('/', host), url.size());
  return {std::string(url.substr(0, host)), std::string(url.substr(host, path - host)), std::string(url.substr(path))};
}

}  // namespace

S3Environment s3_process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets it
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<S3Location> parse_s3_uri(std::string_view uri) {
  const auto refuse = [&](const char* why) {
    return std::unexpected(bad_request(std::string("'").append(uri).append("' ").append(why)));
  };
  if (!uri.starts_with(kScheme)) return refuse("is not an s3:// URI");
  std::string_view rest = uri.substr(kScheme.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t slash = rest.find('/');
  S3Location location{.bucket = std::string(rest.substr(0, slash)), .prefix = {}};
  if (location.bucket.empty()) return refuse("names no bucket; write s3://<bucket>/<prefix>");
  if (!is_bucket_name(location.bucket)) {
    return refuse("names no possible bucket: letters, digits, '.', '-' and '_' make a bucket's name");
  }
  if (slash == std::string_view::npos) return location;
  location.prefix = rest.substr(slash + 1);
  if (!is_valid_key(location.prefix)) {
    return refuse("has a prefix with an empty part, a part that starts with '.', or bytes that are not UTF-8");
  }
  return location;
}

Result<std::optional<bool>> s3_flag(const S3Environment& environment, const std::string& name) {
  const auto value = environment(name);
  if (!value) return std::optional<bool>();
  const std::string text = base::to_lower_ascii(base::trim_ascii(*value));
  for (const char* yes : {"1", "true", "yes", "on"}) {
    if (text == yes) return std::optional<bool>(true);
  }
  for (const char* no : {"0", "false", "no", "off"}) {
    if (text == no) return std::optional<bool>(false);
  }
  return std::unexpected(bad_request(name + "='" + *value + "' is neither true nor false"));
}

Result<std::string> checked_endpoint(const std::string& setting, std::string_view url,
                                     const S3Environment& environment) {
  url = base::trim_ascii(url);
  while (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t colon = url.find("://");
  const std::string scheme = base::to_lower_ascii(url.substr(0, colon == std::string_view::npos ? 0 : colon));
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : url.substr(colon + 3);
  const bool plain = rest.find_first_of("?#@ \t\r\n") == std::string_view::npos;
  if ((scheme != "http" && scheme != "https") || rest.empty() || rest.front() == '/' || !plain) {
    return std::unexpected(
        bad_request(setting + "='" + std::string(url) + "' is not an endpoint URL; write " + "https://host[:port]"));
  }
  if (scheme == "http") {
    OG_ASSIGN_OR_RETURN(const std::optional<bool> allowed, s3_flag(environment, "AWS_ALLOW_HTTP"));
    if (!allowed.value_or(false)) {
      return std::unexpected(bad_request(setting + "='" + std::string(url) +
                                         "' is not encrypted; use https, or set AWS_ALLOW_HTTP=true to permit http"));
    }
  }
  return scheme + "://" + std::string(rest);
}

Result<std::string> aws_region(const S3Environment& environment) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (auto region = environment(name)) return *std::move(region);
  }
  OG_ASSIGN_OR_RETURN(const S3Profile profile, read_s3_profile(environment));
  return profile.value("region").value_or("us-east-1");
}

Result<S3Config> s3_config(const S3Location& location, const S3Environment& environment) {
  S3Config config{.location = location};
  OG_ASSIGN_OR_RETURN(config.region, aws_region(environment));
  config.ca_bundle = environment("AWS_CA_BUNDLE").value_or("");
  OG_ASSIGN_OR_RETURN(const std::optional<bool> forced, s3_flag(environment, "AWS_S3_FORCE_PATH_STYLE"));

  std::string url;
  for (const char* name : {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}) {
    const auto value = environment(name);
    if (!value) continue;
    OG_ASSIGN_OR_RETURN(url, checked_endpoint(name, *value, environment));
    break;
  }
  const bool own_endpoint = !url.empty();
  if (!own_endpoint) {
    url = "https://s3." + config.region + (config.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  }
  // A dot in the bucket would need a certificate for another level of names.
  config.path_style = forced.value_or(own_endpoint || location.bucket.find('.') != std::string::npos);
  SplitUrl parts = split_url(url);
  if (config.path_style) {
    parts.path += "/" + location.bucket;
  } else {
    parts.host = location.bucket + "." + parts.host;
  }
  config.base_url = parts.scheme + parts.host;
  config.host = parts.host;
  // HTTP clients leave a scheme's own port out of the Host header, which is signed.
  const std::string_view own_port = parts.scheme == "https://" ? ":443" : ":80";
  if (config.host.ends_with(own_port)) config.host.resize(config.host.size() - own_port.size());
  config.path_prefix = parts.path;
  return config;
}

}  // namespace omnigraph::objectstore
