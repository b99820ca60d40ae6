// gzip content coding (RFC 1952) of request and response bodies. Thread safety: none; one object a body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http.h"

namespace omnigraph::server {

class GzipWriter {
 public:
  GzipWriter();
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  // Appends to `out` what is ready; with `last` everything, and the trailer.
  void write(std::string_view text, bool last, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whole bodies. Errors of decode: kBadRequest; kResourceLimit above `limit` decoded bytes.
[[nodiscard]] std::string gzip_encode(std::string_view text);
[[nodiscard]] Result<std::string> gzip_decode(std::string_view bytes, std::uint64_t limit);

// The decoded bytes of a source of encoded ones.
using BodySource = std::function<Result<std::size_t>(std::span<std::byte>)>;
[[nodiscard]] BodySource gzip_source(BodySource encoded);

// True if an Accept-Encoding header lets gzip through.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

}  // namespace omnigraph::server
