// Conditional and range headers of Blob requests, in the order of chapter 07 section 7 (RFC 9110 sections 13 and 14).
// Thread safety: free function.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/http.h"

namespace omnigraph::server {

struct BlobRange {
  std::uint64_t begin = 0, end = 0;  // half open
};

struct BlobVerdict {
  enum class Kind : std::uint8_t { kPreconditionFailed, kNotModified, kHeadOnly, kUnsatisfiable, kWhole, kPart };
  Kind kind = Kind::kWhole;
  BlobRange range;  // kPart: what to send; kUnsatisfiable: what was asked for
};

// `etag` without quotes, `size` of the whole value.
[[nodiscard]] BlobVerdict judge_conditions(const HttpRequest& request, std::string_view etag, std::uint64_t size);

}  // namespace omnigraph::server
