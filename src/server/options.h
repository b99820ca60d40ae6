// Command line and environment of `omnigraph-server` (chapter 07 section 1.1).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace omnigraph::server {

struct Options {
  std::string cluster;
  std::string host = "127.0.0.1";
  std::string port = "8080";
  bool unauthenticated = false;
  bool require_all_graphs = false;
  std::uint32_t actor_inflight_max = 16;
  std::uint64_t actor_bytes_max = 4294967296;
  std::uint64_t load_bytes_max = 0;           // 0 = none
  std::uint32_t shutdown_grace_seconds = 30;  // 0 = no limit
  std::string metrics_token_digest;           // SHA-256, raw; empty: /metrics takes the tokens of the routes
  std::string tls_certificate, tls_key;       // PEM files; both or neither
  std::uint64_t query_result_bytes_max = std::uint64_t{1} << 30;  // 0 = none
  std::uint32_t slow_query_ms = 1000;          // queries and mutations that take as long are logged; 0: all
  std::uint32_t header_timeout_ms = 30'000;    // from the first byte of a request to the end of its headers
  std::uint32_t idle_timeout_ms = 120'000;     // between requests of a connection
  std::uint32_t progress_timeout_ms = 60'000;  // of a body without a byte
};

struct ParsedOptions {
  Options options;
  int exit_code = -1;  // >= 0: print `text` and exit
  std::string text;
};

[[nodiscard]] ParsedOptions parse_options(int argc, char** argv);

}  // namespace omnigraph::server
