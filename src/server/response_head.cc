#include "server/response_head.h"

#include <array>
#include <charconv>
#include <ctime>

namespace omnigraph::server {

namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 206: return "Partial Content";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 424: return "Failed Dependency";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

void append_number(std::string& out, std::uint64_t value, int base = 10) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  out.append(text.data(), end);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) {
    if (c == '\t' || static_cast<unsigned char>(c) >= ' ') out.push_back(c);
  }
  out.append("\r\n");
}

// `Sun, 06 Nov 1994 08:49:37 GMT`, made once a second for each thread.
std::string_view date_now() {
  thread_local std::time_t made = 0;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made = now;
  }
  return {text.data(), size};
}

}  // namespace

std::string response_head(const HttpResponse& response, const Framing& framing, const HeadFields& fields) {
  std::string out;
  constexpr std::size_t kUsual = 320;
  out.reserve(kUsual);
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(reason_of(response.status)).append("\r\n");
  append_header(out, "Date", date_now());
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  append_header(out, "X-Request-Id", fields.request_id);
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  if (!fields.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (fields.http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  if (framing.kind == FramingKind::kLength) {
    out.append("Content-Length: ");
    append_number(out, framing.length);
    out.append("\r\n");
  } else if (framing.kind == FramingKind::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  out.append("\r\n");
  return out;
}

void append_chunk(std::string& out, std::string_view piece) {
  constexpr int kHex = 16;
  append_number(out, piece.size(), kHex);
  out.append("\r\n").append(piece).append("\r\n");
}

}  // namespace omnigraph::server
