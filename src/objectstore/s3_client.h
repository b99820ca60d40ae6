// Signed requests to one bucket: signing, sending, sending again, and errors that say what to do.
// Thread safety: send() may be called concurrently. Calls wait at most about 10 s for a store that does not answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/result.h"
#include "objectstore/object_store.h"
#include "objectstore/s3_config.h"
#include "objectstore/s3_credentials.h"
#include "objectstore/s3_signature.h"

namespace omnigraph::objectstore {

// How often a request may reach the store.
enum class Resend {
  kFree,  // repeating it does no harm
  // Only what certainly had no effect is sent again: the answer to a repeated conditional put can be the echo of the
  // first. Anything unclear is kIoError.
  kRefusedOnly
};

struct S3Request {
  std::string method;
  std::string key;  // full key; empty: the bucket itself
  NameValues query{};
  NameValues headers{};  // beside those every request has
  std::span<const std::byte> body{};
  Resend resend = Resend::kFree;
  // Runs each time between signing and sending; an error from it ends the call.
  const ObjectStore::BeforeEffect* before_effect = nullptr;
  std::string shown_key{};  // in errors where `key` is empty: a prefix
};

struct S3Answer {
  int status = 0;
  NameValues headers;
  std::string body;
  std::string error_code, error_message;  // of the error document, if the answer is an error

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

class S3Client {
 public:
  S3Client(S3Config config, std::shared_ptr<S3CredentialChain> credentials, base::HttpClient& http, const Clock& clock);

  // The store's clear word: a success, or a status a caller may have asked for (304 404 412 416, and NoSuchUpload);
  // 404 never means a missing bucket. All other refusals are errors:
  // kIoError (reads; writes whose effect is unknown), kUnavailable (writes refused: nothing happened, and trying again
  // will not help), kInvalidArgument (a write whose signature got too old on the way: nothing happened, begin again).
  [[nodiscard]] Result<S3Answer> send(const S3Request& request);

  // kIoError or kUnavailable for an answer that send() passes on but the caller did not expect.
  [[nodiscard]] Error unexpected_answer(const S3Request& request, const S3Answer& answer) const;

  [[nodiscard]] const S3Config& config() const { return config_; }
  // The bucket answered lately, so that a bare 404 is about the key.
  [[nodiscard]] bool bucket_seen() const;

 private:
  class Call;
  friend class Call;

  const S3Config config_;
  const std::shared_ptr<S3CredentialChain> credentials_;
  base::HttpClient& http_;
  const Clock& clock_;
  const bool direct_;  // the endpoint is this machine: no proxy
  std::atomic<std::int64_t> bucket_seen_us_ = 0;
};

}  // namespace omnigraph::objectstore
