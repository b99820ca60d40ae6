#include "client/remote_blob.h"

#include <algorithm>
#include <charconv>

namespace omnigraph::client {

namespace {

RemoteCall call_of(const char* method, const BlobAddress& address) {
  RemoteCall call{.method = method, .path = {"blob"}};
  call.query = {{"entity", address.entity}, {"type", address.type}, {"id", address.id}, {"property", address.property}};
  if (address.target.branch) call.query.emplace_back("branch", *address.target.branch);
  if (address.target.snapshot) call.query.emplace_back("snapshot", *address.target.snapshot);
  return call;
}

Error delivery_failed(const std::string& why) { return Error{Code::kInternal, "Blob delivery failed: " + why}; }

// The refusals a caller can act on, each under the words of the command line.
Error refusal_of(const HttpResponse& response) {
  Error error = error_of(response);
  const auto under = [&](Code code, const char* words) {
    error.code = code;
    error.message = error.message.empty() ? words : std::string(words).append(": ").append(error.message);
  };
  switch (response.status) {
    case 400: under(Code::kBadRequest, "invalid Blob selector"); break;
    case 401: under(Code::kUnauthorized, "Blob read requires authentication"); break;
    case 403: under(Code::kForbidden, "Blob read is forbidden"); break;
    case 404: under(Code::kNotFound, "Blob cell not found"); break;
    case 409:
    case 412: under(Code::kConflict, "Blob read target changed; retry the command"); break;
    case 410: break;  // history that was removed says so itself
    case 416: under(Code::kRangeNotSatisfiable, "Blob range is not satisfiable"); break;
    default: under(Code::kInternal, "Blob delivery failed");
  }
  return error;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// `"` + 32 lower-case hex digits + `"`: equal tags mean equal bytes.
bool is_strong_tag(std::string_view tag) {
  constexpr std::size_t kDigits = 32;
  if (tag.size() != kDigits + 2 || tag.front() != '"' || tag.back() != '"') return false;
  return std::ranges::all_of(tag.substr(1, kDigits),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<std::uint64_t> length_of(const HttpResponse& response) {
  const auto length = number(response.header("content-length").value_or(""));
  if (!length) return std::unexpected(delivery_failed("the server does not tell the length"));
  return *length;
}

Result<void> check_tag(const HttpResponse& response) {
  if (is_strong_tag(response.header("etag").value_or(""))) return {};
  return std::unexpected(delivery_failed("the server's answer has no strong ETag"));
}

// `bytes FIRST-LAST/SIZE` has to be what was asked for, cut at the end of the value, and as long as the body.
Result<void> check_part(const HttpResponse& response, const BlobPart& part, std::uint64_t length) {
  const std::string range = response.header("content-range").value_or("");
  const auto wrong = [&] {
    return std::unexpected(
        delivery_failed("the server sends another part than asked for: Content-Range '" + range + "'"));
  };
  const std::size_t dash = range.find('-'), slash = range.find('/');
  if (!range.starts_with("bytes ") || dash == std::string::npos || slash == std::string::npos || slash < dash)
    return wrong();
  const auto first = number(std::string_view(range).substr(6, dash - 6));
  const auto last = number(std::string_view(range).substr(dash + 1, slash - dash - 1));
  const auto size = number(std::string_view(range).substr(slash + 1));
  if (!first || !last || !size || *last >= *size || *first > *last) return wrong();
  const std::uint64_t rest = *size - *first;
  const std::uint64_t wanted = std::min(rest, part.length.value_or(rest));
  if (*first != part.offset || *last - *first + 1 != wanted || length != wanted) return wrong();
  return {};
}

Result<void> check_head(const HttpResponse& response, const std::optional<BlobPart>& part) {
  const int expected = part ? 206 : 200;
  if (response.status != expected) {
    return std::unexpected(delivery_failed("the server answered " + std::to_string(response.status) + " where " +
                                           std::to_string(expected) + " was due"));
  }
  OG_RETURN_IF_ERROR(check_tag(response));
  OG_ASSIGN_OR_RETURN(const std::uint64_t length, length_of(response));
  if (part) return check_part(response, *part, length);
  return {};
}

std::string range_of(const BlobPart& part) {
  std::string range = "bytes=" + std::to_string(part.offset) + "-";
  if (part.length) range.append(std::to_string(part.offset + (*part.length - 1)));
  return range;
}

Error transport_failed(const Error& error) {
  if (error.message.starts_with("Blob ")) return error;
  Error failed = error;
  failed.message = "Blob delivery failed: " + error.message;
  return failed;
}

}  // namespace

Error external_blob(const std::string& uri) {
  return bad_request("the Blob lies outside the graph, at " + uri +
                     "; its bytes are not fetched, `omnigraph blob stat` describes it");
}

Result<BlobHead> blob_head(RemoteGraph& remote, const BlobAddress& address) {
  const auto response = remote.exchange(call_of("HEAD", address));
  if (!response) return std::unexpected(response.error());
  BlobHead head{.snapshot = response->header("omnigraph-snapshot-id").value_or("")};
  if (response->status == 302 && response->header("location")) {
    head.uri = response->header("location");
    return head;
  }
  if (!response->ok()) return std::unexpected(refusal_of(*response));
  OG_RETURN_IF_ERROR(check_head(*response, std::nullopt));
  head.etag = response->header("etag").value_or("");
  OG_ASSIGN_OR_RETURN(head.size, length_of(*response));
  return head;
}

Result<void> blob_get(RemoteGraph& remote, const BlobAddress& address, const std::optional<BlobPart>& part,
                      const TextSink& sink) {
  RemoteCall call = call_of("GET", address);
  if (part) call.headers.emplace_back("Range", range_of(*part));
  const auto response = remote.exchange(call, sink, [&](const HttpResponse& head) { return check_head(head, part); });
  if (!response) return std::unexpected(transport_failed(response.error()));
  if (response->ok()) return {};
  if (response->status == 302 && response->header("location"))
    return std::unexpected(external_blob(*response->header("location")));
  return std::unexpected(refusal_of(*response));
}

}  // namespace omnigraph::client
