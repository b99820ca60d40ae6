// Requests and responses between the network and the routes. No socket type appears here, so that routes can be tested
// without one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace omnigraph::server {

struct HttpRequest {
  std::string method;                                        // upper-case
  std::string path;                                          // as sent, without the query
  std::vector<std::string> segments;                         // percent-decoded after splitting
  bool bad_escape = false;                                   // a segment or the query did not decode
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-case
  std::optional<std::uint64_t> content_length;
  std::string id;    // X-Request-Id, the client's or made
  std::string body;  // buffered routes; what an empty `Content-Encoding` would have sent
  // Streaming routes: the next bytes of the body, 0 at its end. Blocks.
  std::function<Result<std::size_t>(std::span<std::byte>)> read_body;
  // The client has gone away, or will not send anything more: work for it alone may stop. Cheap; any thread.
  std::function<bool()> gone;

  [[nodiscard]] std::vector<std::string_view> header_values(std::string_view lower_case_name) const {
    std::vector<std::string_view> values;
    for (const auto& [name, value] : headers) {
      if (name == lower_case_name) values.emplace_back(value);
    }
    return values;
  }
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers) {
      if (name == lower_case_name) return value;
    }
    return {};
  }
};

using TextSink = std::function<Result<void>(std::string_view)>;

// At most one of `body`, `stream`, `events` and `deferred` makes the answer.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // empty: none is sent
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool compressible = true;  // may go out as gzip to a client that asks for it
  // HEAD, 304: the length of the body that is not sent.
  std::optional<std::uint64_t> content_length;
  // Called with a sink that blocks until the piece is taken; on a thread of its own, as the client sets the pace. An
  // error aborts the connection without a terminating chunk.
  std::function<Result<void>(const TextSink&)> stream;
  std::optional<std::uint64_t> stream_length;  // known: sent as Content-Length instead of chunks
  bool stream_slot = false;                    // counts against the cap of streams (kStreamsMax)
  // Server-sent events without end. Called for the next ones; while it has none, the empty text, nothing runs. An error
  // is sent as the last event; the end of the server ends the stream too.
  std::function<Result<std::string>()> events;
  // The rest of a handler that reads the request's body at the client's pace: on a thread of its own.
  std::function<HttpResponse()> deferred;
};

[[nodiscard]] HttpResponse json_response(std::string body);
[[nodiscard]] HttpResponse error_response(const Error& error);

}  // namespace omnigraph::server
