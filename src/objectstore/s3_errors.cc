#include "objectstore/s3_errors.h"

#include <curl/curl.h>

#include <array>
#include <cstdlib>

namespace omnigraph::objectstore {
namespace {

struct Remedy {
  std::string_view code;
  std::string_view text;
};

constexpr std::string_view kUnknownKey = "the store does not know this AWS_ACCESS_KEY_ID; check the credentials";
constexpr std::array<Remedy, 13> kRemedies = {{
    {"InvalidAccessKeyId", kUnknownKey},
    {"XAdminUserNotFound", kUnknownKey},
    {"InvalidToken", "the session token is not accepted; check AWS_SESSION_TOKEN"},
    {"InvalidClientTokenId", kUnknownKey},
    {"ExpiredToken", "the credentials have expired; get new ones"},
    {"TokenRefreshRequired", "the credentials have expired; get new ones"},
    {"SignatureDoesNotMatch", "check AWS_SECRET_ACCESS_KEY"},
    {"AccessDenied",
     "these credentials may not do this; grant s3:GetObject, s3:PutObject, s3:DeleteObject, "
     "s3:ListBucket and s3:AbortMultipartUpload on the bucket"},
    {"AllAccessDisabled", "the bucket's owner has closed it"},
    {"MethodNotAllowed", "the bucket is read-only"},
    {"QuotaExceeded", "the bucket is full"},
    {"InsufficientStorage", "the store is full"},
    {"NotImplemented", "this store lacks a request that is needed here"},
}};

std::string region_remedy(const S3Config& config, const S3Answer& answer) {
  std::string remedy = "the bucket is not in region '" + config.region + "'";
  const std::string_view actual = answer.header("x-amz-bucket-region");
  remedy.append("; set AWS_REGION").append(actual.empty() ? "" : "=").append(actual);
  return remedy;
}

std::string skew_text(std::int64_t skew_s) {
  const std::int64_t size = std::abs(skew_s);
  std::string text = "this machine's clock is ";
  if (size >= 120) {
    text += std::to_string(size / 60) + " minutes ";
  } else {
    text += std::to_string(size) + " seconds ";
  }
  return text + (skew_s < 0 ? "behind" : "ahead of") + " the store's; set it right";
}

std::string remedy_of(const S3Config& config, const S3Answer& answer, std::optional<std::int64_t> skew_s) {
  const std::string& code = answer.error_code;
  if (code == "RequestTimeTooSkewed" || code == "RequestExpired") {
    return skew_s ? skew_text(*skew_s) : "this machine's clock and the store's differ; set it right";
  }
  if (code == "NoSuchBucket") return "there is no bucket '" + config.location.bucket + "' at '" + config.base_url + "'";
  if (code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" ||
      code == "IllegalLocationConstraintException" || answer.status == 301 || answer.status == 307) {
    return region_remedy(config, answer);
  }
  for (const Remedy& remedy : kRemedies) {
    if (remedy.code == code) return std::string(remedy.text);
  }
  if (answer.status == 401 || answer.status == 403) return "check the credentials and their rights on the bucket";
  return {};
}

}  // namespace

std::string_view verb_of(const S3Request& request) {
  if (request.method == "DELETE") return "remove";
  if (request.method == "PUT" || request.method == "POST") return "write";
  return request.key.empty() ? "list" : "read";
}

bool changes_something(const S3Request& request) { return request.method != "GET" && request.method != "HEAD"; }

std::string s3_message(const S3Config& config, const S3Request& request, std::string_view what) {
  std::string message = "cannot ";
  message.append(verb_of(request)).append(" 's3://").append(config.location.bucket).append("/");
  message.append(request.key.empty() ? request.shown_key : request.key).append("': ").append(what);
  return message;
}

std::string describe_refusal(const S3Config& config, const S3Answer& answer, std::optional<std::int64_t> skew_s) {
  std::string text = answer.error_code.empty() ? std::string("refused") : answer.error_code;
  text.append(" (HTTP ").append(std::to_string(answer.status)).append(")");
  if (!answer.error_message.empty()) {
    text.append(": ").append(answer.error_message);
    if (text.ends_with('.')) text.pop_back();
  }
  const std::string remedy = remedy_of(config, answer, skew_s);
  if (!remedy.empty()) text.append("; ").append(remedy);
  return text;
}

std::string describe_failure(const S3Config& config, const base::HttpFailure& failure) {
  if (failure.stage == base::HttpFailure::Stage::kUnreachable) {
    return "the store at '" + config.base_url + "' cannot be reached (" + failure.message + "); check " +
           (failure.permanent ? "AWS_ENDPOINT_URL_S3 and, for its certificate, AWS_CA_BUNDLE"
                              : "AWS_ENDPOINT_URL_S3, AWS_REGION and the network");
  }
  return "the store at '" + config.base_url + "' did not answer (" + failure.message + ")";
}

std::optional<std::int64_t> parse_http_date(const std::string& text) {
  const std::time_t seconds = curl_getdate(text.c_str(), nullptr);
  if (text.empty() || seconds == -1) return std::nullopt;
  return std::int64_t{seconds};
}

std::optional<std::int64_t> clock_skew_s(const S3Answer& answer, std::int64_t now_us) {
  const auto server_s = parse_http_date(std::string(answer.header("date")));
  if (!server_s) return std::nullopt;
  return now_us / 1'000'000 - *server_s;
}

}  // namespace omnigraph::objectstore
