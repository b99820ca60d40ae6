// HTTP/1.1 requests from bytes as they arrive (RFC 9112). The grammar is Boost.Beast's, without its message containers.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http.h"

namespace omnigraph::server {

inline constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;  // request line and headers

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes from the front of `input` and says how many. Unless done(), what it left must be offered again together
  // with what comes after it. Errors: kResourceLimit: headers above kHeaderBytesMax; kBadRequest: not HTTP.
  [[nodiscard]] Result<std::size_t> put(std::string_view input);

  [[nodiscard]] bool header_done() const;
  [[nodiscard]] bool done() const;
  // After header_done(): method, target, headers and content_length are there.
  [[nodiscard]] HttpRequest& request();
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool is_http_1_0() const;
  [[nodiscard]] bool expects_continue() const;
  // Body bytes decoded since the caller last cleared it.
  [[nodiscard]] std::string& body();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Splits and decodes a request target into path, segments and query.
void decode_target(std::string_view target, HttpRequest& out);

}  // namespace omnigraph::server
