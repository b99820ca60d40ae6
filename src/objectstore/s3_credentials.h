// Where AWS credentials come from, in this order: the environment, the shared profile files, a web identity token
// (STS), the container's credential service, the instance metadata service (IMDSv2).
// Thread safety: get() and forget() may be called concurrently.
// Errors: kUnavailable naming every place that was looked at, or the place that is set up and does not answer.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/result.h"
#include "objectstore/s3_config.h"
#include "objectstore/s3_signature.h"

namespace omnigraph::objectstore {

using S3CredentialsPtr = std::shared_ptr<const S3Credentials>;

class S3CredentialChain {
 public:
  S3CredentialChain(S3Environment environment, base::HttpClient& http, const Clock& clock)
      : environment_(std::move(environment)), http_(http), clock_(clock) {}

  // Kept until shortly before they expire. If renewing fails, the old ones serve as long as they last.
  [[nodiscard]] Result<S3CredentialsPtr> get();
  // The store refused these: the next get() asks again unless another thread has done so.
  void forget(const S3CredentialsPtr& refused);

 private:
  Result<S3Credentials> find();
  Result<std::optional<S3Credentials>> from_environment();
  Result<std::optional<S3Credentials>> from_profile();
  Result<std::optional<S3Credentials>> from_web_identity();
  Result<std::optional<S3Credentials>> from_container();
  Result<std::optional<S3Credentials>> from_instance();

  // The answer's body; a failure or another status than 200 is kUnavailable naming `what`.
  Result<std::string> fetch(const std::string& what, base::HttpRequest request);

  const S3Environment environment_;
  base::HttpClient& http_;
  const Clock& clock_;
  std::mutex mutex_;
  S3CredentialsPtr current_;  // guarded by mutex_
};

}  // namespace omnigraph::objectstore
