// One secret of AWS Secrets Manager, read by its name or ARN with the credentials that buckets are opened with.
// Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// Thread safety: free function. Errors: kBadRequest (settings, a secret without text), kUnavailable (credentials, the
// service refuses or does not answer); no error quotes the secret.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/result.h"
#include "objectstore/s3_config.h"

namespace omnigraph::objectstore {

// The region is the ARN's, else that of buckets (s3_config.h). AWS_ENDPOINT_URL_SECRETS_MANAGER, then AWS_ENDPOINT_URL
// name another service. Failures that may pass are tried three times.
[[nodiscard]] Result<std::string> read_aws_secret(const std::string& id, const S3Environment& environment,
                                                  base::HttpClient& http, const Clock& clock);

}  // namespace omnigraph::objectstore
