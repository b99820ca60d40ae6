#include "base/error.h"

#include <utility>

namespace omnigraph {
namespace {

struct CodeTraits {
  int status;
  std::string_view wire;  // empty: the contract sends no code
  std::string_view name;  // empty: as on the wire
};

CodeTraits traits_of(Code code) {
  switch (code) {
    case Code::kBadRequest: return {400, "bad_request", ""};
    case Code::kUnauthorized: return {401, "unauthorized", ""};
    case Code::kForbidden: return {403, "forbidden", ""};
    case Code::kNotFound: return {404, "not_found", ""};
    case Code::kMethodNotAllowed: return {405, "method_not_allowed", ""};
    case Code::kConflict: return {409, "conflict", ""};
    case Code::kTooManyRequests: return {429, "too_many_requests", ""};
    case Code::kInternal: return {500, "internal", ""};
    case Code::kGone: return {410, "", "gone"};
    case Code::kPreconditionFailed: return {412, "", "precondition_failed"};
    case Code::kFailedDependency: return {424, "", "failed_dependency"};
    case Code::kUnavailable: return {503, "", "unavailable"};
    case Code::kResourceLimit: return {413, "bad_request", "resource_limit"};
    case Code::kUnsupportedMediaType: return {415, "bad_request", "unsupported_media_type"};
    case Code::kRangeNotSatisfiable: return {416, "bad_request", "range_not_satisfiable"};
    case Code::kInvalidArgument: return {400, "bad_request", "invalid_argument"};
    case Code::kIoError: return {500, "internal", "io_error"};
    case Code::kCorruptObject: return {500, "internal", "corrupt_object"};
    case Code::kUnsupportedFormat: return {500, "internal", "unsupported_format"};
    case Code::kCancelled: return {499, "", "cancelled"};  // nobody is left to read the answer
  }
  return {500, "internal", ""};
}

}  // namespace

int http_status(Code code) { return traits_of(code).status; }

std::string_view wire_code(Code code) { return traits_of(code).wire; }

std::string_view code_name(Code code) {
  const CodeTraits traits = traits_of(code);
  return traits.name.empty() ? traits.wire : traits.name;
}

std::string Error::render() const {
  if (context.empty()) return message;
  std::string text;
  text.reserve(message.size() + 1 + context.size());
  text += message;
  text += '\n';
  text += context;
  return text;
}

Error bad_request(std::string message) { return Error{.code = Code::kBadRequest, .message = std::move(message)}; }
Error not_found(std::string message) { return Error{.code = Code::kNotFound, .message = std::move(message)}; }
Error conflict(std::string message) { return Error{.code = Code::kConflict, .message = std::move(message)}; }
Error internal_error(std::string message) { return Error{.code = Code::kInternal, .message = std::move(message)}; }

Error corrupt_object(std::string_view key, std::string_view what) {
  std::string message = "corrupt_object: ";
  message += key;
  message += ": ";
  message += what;
  return Error{.code = Code::kCorruptObject, .message = std::move(message)};
}

Error with_detail(Error error, std::string field, std::string json) {
  error.detail = std::make_shared<const ErrorDetail>(ErrorDetail{std::move(field), std::move(json)});
  return error;
}

}  // namespace omnigraph
