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
  std::string body;                                          // buffered routes
  // Streaming routes: the next bytes of the body, 0 at its end. Blocks.
  std::function<Result<std::size_t>(std::span<std::byte>)> read_body;

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

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Instead of a body: called with a sink that blocks until the piece is taken. An error aborts the connection without
  // a terminating chunk.
  std::function<Result<void>(const TextSink&)> stream;
  // Instead of a body: server-sent events without end. Called on a worker for the next ones; while it has none, the
  // empty text, nothing runs. An error is sent as the last event; the end of the server ends the stream too.
  std::function<Result<std::string>()> events;
};

[[nodiscard]] HttpResponse json_response(std::string body);
[[nodiscard]] HttpResponse error_response(const Error& error);

}  // namespace omnigraph::server
