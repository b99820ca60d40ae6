// HTTP exchanges over libcurl, one at a time on one kept connection.
//
// Redirects are not followed, so `Authorization` never reaches another origin. Nothing is sent twice: requests other
// than GET and HEAD use a fresh connection, because libcurl repeats a request that finds a kept connection dead.
// There is no deadline on an answer (queries may run long); a connection must be made within kConnectTimeoutMs.
//
// Errors: kBadRequest for an address that cannot be used, kUnavailable for a server that cannot be reached or breaks
// off, the sink's or source's own error. A status other than 2xx is no error here.
// Thread safety: none; one session a thread. Source: RFC 9110, libcurl's easy interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace omnigraph::client {

inline constexpr long kConnectTimeoutMs = 30'000;
// More of an answer that is not 2xx is dropped: error bodies are short.
inline constexpr std::size_t kErrorBodyBytesMax = std::size_t{1} << 20;

using ByteSource = std::function<Result<std::size_t>(std::span<std::byte> out)>;  // 0 = end
using TextSink = std::function<Result<void>(std::string_view)>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::optional<std::string> token;  // sent as `Authorization: Bearer`
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::string content_type{};  // empty: no body
  ByteSource upload{};         // instead of `body`: sent as it is read
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  [[nodiscard]] std::optional<std::string> header(std::string_view lower_case_name) const;  // the first
};

// Sees status and headers of a 2xx answer before any of its body; an error ends the exchange.
using HeadSink = std::function<Result<void>(const HttpResponse&)>;

class HttpSession {
 public:
  HttpSession();
  ~HttpSession();
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // With `sink`, a 2xx body goes there piece by piece instead of into HttpResponse::body.
  [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request, const TextSink& sink = {},
                                          const HeadSink& head = {});

 private:
  void* handle_;  // CURL*
};

// `BASE/segment/segment?name=value`, segments and values percent-encoded. kBadRequest: an empty segment.
[[nodiscard]] Result<std::string> url_of(std::string_view base, std::span<const std::string> segments,
                                         std::span<const std::pair<std::string, std::string>> query = {});

}  // namespace omnigraph::client
