#include "objectstore/s3_client.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/hash.h"
#include "base/ulid.h"
#include "objectstore/request_count.h"
#include "objectstore/s3_errors.h"
#include "objectstore/s3_xml.h"

namespace omnigraph::objectstore {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCallMax{10'000};
// A port nobody ever listened on is more often a mistake than a restart.
constexpr milliseconds kUnreachableMax{2'500};
constexpr milliseconds kFirstPause{50};
constexpr milliseconds kPauseMax{2'000};
// S3 accepts signatures of 15 minutes; a clock within a third of that is not to blame for an old one.
constexpr std::int64_t kTolerableSkewS = 300;
constexpr std::int64_t kBucketSeenForUs = 60'000'000;

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host.starts_with("[::1]") || host.substr(0, host.find(':')) == "localhost";
}

// Statuses that are answers, once the bucket is known to be there.
bool is_plain_answer(const S3Answer& answer) {
  if (answer.ok() || answer.status == 304 || answer.status == 412 || answer.status == 416) return true;
  if (answer.status != 404) return false;
  // Of NoSuchBucket, and of other words some stores have for wrong credentials, nobody asked.
  return answer.error_code.empty() || answer.error_code == "NoSuchKey" || answer.error_code == "NoSuchUpload";
}

bool is_credentials_problem(const S3Answer& answer) {
  return answer.error_code == "ExpiredToken" || answer.error_code == "TokenRefreshRequired";
}

bool is_too_old(const S3Answer& answer) {
  return answer.error_code == "RequestTimeTooSkewed" || answer.error_code == "RequestExpired";
}

// The store says that it did not do it, and that another try is welcome.
bool is_clear_postponement(const S3Answer& answer) {
  if (answer.status == 429 || answer.status == 409) return true;
  if (answer.status == 400) return answer.error_code == "RequestTimeout";  // it stopped waiting for the body
  return answer.status == 503 && (answer.error_code.starts_with("SlowDown") ||
                                  answer.error_code == "ServiceUnavailable" || answer.error_code == "Throttling");
}

bool is_server_failure(const S3Answer& answer) {
  return answer.status == 500 || answer.status == 502 || answer.status == 503 || answer.status == 504;
}

S3Answer to_answer(base::HttpResponse response, bool may_fail_late) {
  S3Answer answer{.status = response.status,
                  .headers = std::move(response.headers),
                  .body = std::move(response.body),
                  .error_code = {},
                  .error_message = {}};
  if ((answer.ok() && !may_fail_late) || answer.body.empty()) return answer;
  if (const auto xml = parse_xml(answer.body); xml && xml->name == "Error") {
    answer.error_code = xml->child_text("Code");
    answer.error_message = xml->child_text("Message");
  }
  return answer;
}

}  // namespace

std::string_view S3Answer::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

// One send() from its first try to its answer.
class S3Client::Call {
 public:
  Call(S3Client& client, const S3Request& request)
      : client_(client),
        request_(request),
        path_(client.config_.path_prefix + (request.key.empty() ? "" : "/" + encode_path(request.key))),
        query_(canonical_query(request.query)),
        body_sha256_(base::sha256_hex({reinterpret_cast<const char*>(request.body.data()), request.body.size()})),
        started_(std::chrono::steady_clock::now()) {}

  Result<S3Answer> run() {
    while (true) {
      OG_ASSIGN_OR_RETURN(const S3CredentialsPtr credentials, client_.credentials_->get());
      const base::HttpRequest http = signed_request(*credentials);
      if (request_.before_effect != nullptr && *request_.before_effect) OG_RETURN_IF_ERROR((*request_.before_effect)());
      count_request();
      auto response = client_.http_.send(http);
      if (!response) {
        if (Result<void> again = after_failure(response.error()); !again) return std::unexpected(again.error());
        continue;
      }
      // Completing a multipart upload may report its failure under status 200.
      S3Answer answer = to_answer(*std::move(response), request_.method == "POST");
      if (is_plain_answer(answer) && !(answer.ok() && !answer.error_code.empty())) {
        const bool says_nothing = answer.status == 404 && answer.error_code.empty();  // to HEAD
        if (!says_nothing) client_.bucket_seen_us_ = client_.clock_.now_us();
        return answer;
      }
      if (is_credentials_problem(answer) && !renewed_) {
        renewed_ = true;
        client_.credentials_->forget(credentials);
        continue;
      }
      if (Result<void> again = after_refusal(answer); !again) return std::unexpected(again.error());
    }
  }

 private:
  base::HttpRequest signed_request(const S3Credentials& credentials) const {
    const std::string timestamp = amz_timestamp(client_.clock_.now_us());
    SignedRequest to_sign{.method = request_.method,
                          .path = path_.empty() ? "/" : path_,
                          .query = query_,
                          .headers = request_.headers,
                          .body_sha256 = body_sha256_};
    to_sign.headers.emplace_back("x-amz-content-sha256", body_sha256_);
    to_sign.headers.emplace_back("x-amz-date", timestamp);
    if (!credentials.session_token.empty()) {
      to_sign.headers.emplace_back("x-amz-security-token", credentials.session_token);
    }
    base::HttpRequest http{.method = request_.method,
                           .url = client_.config_.base_url + to_sign.path + (query_.empty() ? "" : "?" + query_),
                           .headers = to_sign.headers,
                           .body = request_.body,
                           .once = request_.resend == Resend::kRefusedOnly,
                           .direct = client_.direct_,
                           .ca_bundle = client_.config_.ca_bundle};
    to_sign.headers.emplace_back("host", client_.config_.host);
    http.headers.emplace_back("Authorization",
                              authorization(to_sign, credentials, {.region = client_.config_.region}, timestamp));
    return http;
  }

  // An error unless the request is to be sent again, the pause before that included.
  Result<void> after_failure(const base::HttpFailure& failure) {
    const bool nothing_sent = failure.stage == base::HttpFailure::Stage::kUnreachable;
    const Code code = nothing_sent && changes_something(request_) ? Code::kUnavailable : Code::kIoError;
    Error error{code, s3_message(client_.config_, request_, describe_failure(client_.config_, failure))};
    const bool never_there = nothing_sent && client_.bucket_seen_us_ == 0;
    const bool allowed = nothing_sent || request_.resend == Resend::kFree;
    if (failure.permanent || !allowed || !pause(never_there ? kUnreachableMax : kCallMax)) {
      return std::unexpected(std::move(error));
    }
    return {};
  }

  Result<void> after_refusal(const S3Answer& answer) {
    const auto skew_s = clock_skew_s(answer, client_.clock_.now_us());
    const std::string what = s3_message(client_.config_, request_, describe_refusal(client_.config_, answer, skew_s));
    const bool changes = changes_something(request_);
    if (is_too_old(answer) && skew_s && std::abs(*skew_s) <= kTolerableSkewS) {
      // The clocks agree: this process was stopped between signing and sending.
      if (request_.resend == Resend::kFree && pause(kCallMax)) return {};
      return std::unexpected(Error{changes ? Code::kInvalidArgument : Code::kIoError, what});
    }
    const bool postponed = is_clear_postponement(answer);
    const bool failed = is_server_failure(answer) || answer.ok();
    if (postponed || (failed && request_.resend == Resend::kFree)) {
      if (pause(kCallMax)) return {};
    }
    // What the store refused with a clear word did not happen.
    const bool refused = postponed || !failed;
    return std::unexpected(Error{changes && refused ? Code::kUnavailable : Code::kIoError, what});
  }

  // Sleeps before the next try; false if that would exceed `most` since the start.
  bool pause(milliseconds most) {
    const auto longest = std::min(kPauseMax, kFirstPause * (1 << std::min(tries_, 10)));
    ++tries_;
    const auto jitter = milliseconds(base::random_u64() % static_cast<std::uint64_t>(longest.count() / 2 + 1));
    const auto wait = longest / 2 + jitter;
    if (std::chrono::steady_clock::now() + wait - started_ > most) return false;
    std::this_thread::sleep_for(wait);
    return true;
  }

  S3Client& client_;
  const S3Request& request_;
  const std::string path_, query_, body_sha256_;
  const std::chrono::steady_clock::time_point started_;
  int tries_ = 0;
  bool renewed_ = false;
};

S3Client::S3Client(S3Config config, std::shared_ptr<S3CredentialChain> credentials, base::HttpClient& http,
                   const Clock& clock)
    : config_(std::move(config)),
      credentials_(std::move(credentials)),
      http_(http),
      clock_(clock),
      direct_(is_loopback(config_.host)) {}

Result<S3Answer> S3Client::send(const S3Request& request) { return Call(*this, request).run(); }

Error S3Client::unexpected_answer(const S3Request& request, const S3Answer& answer) const {
  const bool refused = answer.status >= 400 && answer.status < 500;
  return Error{refused && changes_something(request) ? Code::kUnavailable : Code::kIoError,
               s3_message(config_, request, describe_refusal(config_, answer, std::nullopt))};
}

bool S3Client::bucket_seen() const { return clock_.now_us() - bucket_seen_us_ < kBucketSeenForUs; }

}  // namespace omnigraph::objectstore
