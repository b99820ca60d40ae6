#include "server/options.h"

#include <charconv>
#include <cstdlib>
#include <sstream>

#include <CLI/CLI.hpp>

#include "base/hash.h"
#include "base/text.h"
#include "base/version.h"
#include "server/log.h"

namespace omnigraph::server {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): start-up, nothing sets it
  return value == nullptr ? std::string() : std::string(base::trim_ascii(value));
}

// True unless unset, blank, `0` or `false`.
bool flag_of(const char* name) {
  const std::string value = base::to_lower_ascii(environment(name));
  return !value.empty() && value != "0" && value != "false";
}

template <class T>
void number_of(const char* name, T& to) {
  const std::string text = environment(name);
  if (text.empty()) return;
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc() && end == text.data() + text.size()) {
    to = value;
  } else {
    log_warning(std::string("cannot read ") + name + "='" + text + "' as a number; the default applies");
  }
}

void read_environment(Options& options) {
  options.unauthenticated = options.unauthenticated || flag_of("OMNIGRAPH_UNAUTHENTICATED");
  options.require_all_graphs = options.require_all_graphs || flag_of("OMNIGRAPH_REQUIRE_ALL_GRAPHS");
  number_of("OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX", options.actor_inflight_max);
  number_of("OMNIGRAPH_PER_ACTOR_BYTES_MAX", options.actor_bytes_max);
  number_of("OMNIGRAPH_LOAD_BYTES_MAX", options.load_bytes_max);
  number_of("OMNIGRAPH_SHUTDOWN_GRACE_SECS", options.shutdown_grace_seconds);
  if (const std::string token = environment("OMNIGRAPH_METRICS_TOKEN"); !token.empty()) {
    options.metrics_token_digest = base::sha256_raw(token);
  }
  number_of("OMNIGRAPH_QUERY_RESULT_BYTES_MAX", options.query_result_bytes_max);
  number_of("OMNIGRAPH_SLOW_QUERY_MS", options.slow_query_ms);
  number_of("OMNIGRAPH_HTTP_HEADER_TIMEOUT_MS", options.header_timeout_ms);
  number_of("OMNIGRAPH_HTTP_IDLE_TIMEOUT_MS", options.idle_timeout_ms);
  number_of("OMNIGRAPH_HTTP_PROGRESS_TIMEOUT_MS", options.progress_timeout_ms);
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  ParsedOptions parsed;
  std::string bind = "127.0.0.1:8080";
  CLI::App app("Serves the applied revision of a cluster over HTTP.", "omnigraph-server");
  app.set_version_flag("--version", "omnigraph-server " + std::string(base::version()));
  app.add_option("--cluster", parsed.options.cluster, "Cluster config folder, or storage root URI");
  app.add_option("--bind", bind, "host:port to listen on; port 0 lets the system choose")->capture_default_str();
  app.add_flag("--unauthenticated", parsed.options.unauthenticated, "Serve without tokens and policies");
  app.add_flag("--require-all-graphs", parsed.options.require_all_graphs,
               "Refuse to start unless every graph is healthy");
  app.add_option("--tls-cert", parsed.options.tls_certificate, "PEM file with the certificate chain: serve HTTPS");
  app.add_option("--tls-key", parsed.options.tls_key, "PEM file with the key of --tls-cert");
  app.footer("EXAMPLE\n  omnigraph-server --cluster fleet/ --bind 127.0.0.1:8080 --unauthenticated\n");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    const bool wanted = error.get_exit_code() == 0;
    app.exit(error, out, out);
    parsed.exit_code = wanted ? 0 : 2;
    parsed.text = out.str();
    return parsed;
  }
  read_environment(parsed.options);
  if (parsed.options.cluster.empty()) {
    parsed.exit_code = 1;
    parsed.text = "Error: omnigraph-server boots from a cluster; pass --cluster <dir|uri>\n";
    return parsed;
  }
  if (parsed.options.tls_certificate.empty() != parsed.options.tls_key.empty()) {
    parsed.exit_code = 2;
    parsed.text = "Error: --tls-cert and --tls-key go together\n";
    return parsed;
  }
  const std::size_t colon = bind.rfind(':');
  if (colon == std::string::npos || colon + 1 == bind.size()) {
    parsed.exit_code = 2;
    parsed.text = "Error: --bind '" + bind + "' must be host:port\n";
    return parsed;
  }
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(bind.data() + colon + 1, bind.data() + bind.size(), port);
  if (failed != std::errc() || end != bind.data() + bind.size()) {
    parsed.exit_code = 2;
    parsed.text = "Error: --bind '" + bind + "': the port must be a number from 0 to 65535\n";
    return parsed;
  }
  parsed.options.host = bind.substr(0, colon);
  parsed.options.port = bind.substr(colon + 1);
  if (parsed.options.host.starts_with('[') && parsed.options.host.ends_with(']')) {
    parsed.options.host = parsed.options.host.substr(1, parsed.options.host.size() - 2);
  }
  return parsed;
}

}  // namespace omnigraph::server
