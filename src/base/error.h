// The one error type. Every function that can fail returns Result<T> (result.h) with an Error inside.
//
// `code` decides the HTTP status and the `code` on the wire (chapter 07 section 5); the codes after kInternal
// exist only inside and map to one of the wire codes. `message` names the thing, the value and what to do next.
// `context` is for humans: for the two languages the place (` --> file:line:column`) and the line with a caret.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace omnigraph {

enum class Code : std::uint8_t {
  kBadRequest,        // 400 bad_request
  kUnauthorized,      // 401 unauthorized
  kForbidden,         // 403 forbidden
  kNotFound,          // 404 not_found
  kMethodNotAllowed,  // 405 method_not_allowed
  kConflict,          // 409 conflict
  kTooManyRequests,   // 429 too_many_requests
  kInternal,          // 500 internal
  // Conditions that travel without a code, recognized by their detail field.
  kGone,                // 410 history removed
  kPreconditionFailed,  // 412 precondition_failure
  kFailedDependency,    // 424 external_blob_source
  kUnavailable,         // 503
  // Variants of bad_request with a status of their own.
  kResourceLimit,         // 413
  kUnsupportedMediaType,  // 415
  kRangeNotSatisfiable,   // 416
  // Inner codes.
  kInvalidArgument,    // a caller's mistake inside the program; 400
  kIoError,            // storage failed, the effect is unknown; 500
  kCorruptObject,      // bytes in storage that cannot be right; 500, the text contains `corrupt_object`
  kUnsupportedFormat,  // a dataset or file this build must refuse; 500
  kCancelled,          // the caller went away
};

// Wire status and code. `wire_code` is empty where the contract omits it.
[[nodiscard]] int http_status(Code code);
[[nodiscard]] std::string_view wire_code(Code code);
// Stable lower-case name for logs and tests: the wire code, else e.g. `corrupt_object`.
[[nodiscard]] std::string_view code_name(Code code);

// A machine-readable part of an error: the JSON value `json` under the member `field` of the error body,
// e.g. field `key_conflict`, json `{"entity_kind":"node","type_name":"T","entity_id":"x"}`.
struct ErrorDetail {
  std::string field;
  std::string json;
};

struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string context{};                        // may be empty; several lines, no final newline
  std::shared_ptr<const ErrorDetail> detail{};  // may be null

  // message, then context on the following lines.
  [[nodiscard]] std::string render() const;
};

// Shorthands.
[[nodiscard]] Error bad_request(std::string message);
[[nodiscard]] Error not_found(std::string message);
[[nodiscard]] Error conflict(std::string message);
[[nodiscard]] Error internal_error(std::string message);
// Names the object: `corrupt_object: <key>: <what>`.
[[nodiscard]] Error corrupt_object(std::string_view key, std::string_view what);
[[nodiscard]] Error with_detail(Error error, std::string field, std::string json);

}  // namespace omnigraph
