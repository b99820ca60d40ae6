// Status line and headers of responses (RFC 9112). Thread safety: free functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/http.h"

namespace omnigraph::server {

// How the body's end is told: by its length, by chunks, or not at all (no body, or the end of the connection).
enum class FramingKind : std::uint8_t { kLength, kChunked, kNone };
struct Framing {
  FramingKind kind = FramingKind::kNone;
  std::uint64_t length = 0;
};

struct HeadFields {
  std::string_view request_id;
  bool keep_alive = false;
  bool http_1_0 = false;
};

// Up to and with the empty line. Characters that would end a header line are left out of its value.
[[nodiscard]] std::string response_head(const HttpResponse& response, const Framing& framing, const HeadFields& fields);

void append_chunk(std::string& out, std::string_view piece);  // REQUIRES: not empty
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace omnigraph::server
