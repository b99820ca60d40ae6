// Texts that a cloud keeps for its programs. Thread safety: free function.
#pragma once

#include <string>

#include "base/result.h"

namespace omnigraph::engine {

// A secret of AWS Secrets Manager by name or ARN, with the process's AWS settings (objectstore/aws_secret.h).
// Errors: kBadRequest, kUnavailable; none quotes the secret.
[[nodiscard]] Result<std::string> read_cloud_secret(const std::string& id);

}  // namespace omnigraph::engine
