#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "base/warning.h"
#include "engine/vector_search.h"
#include "server/embedding_log.h"
#include "server/http_server.h"
#include "server/log.h"
#include "server/options.h"
#include "server/service.h"

namespace {

// The allocator would make eight arenas a processor, and what lies free in one serves no thread of another: a server
// with threads that come and go held 459 MB for 276 MB in use. One a processor is enough (mallopt(3)).
void bound_arenas() { mallopt(M_ARENA_MAX, static_cast<int>(std::max(2U, std::thread::hardware_concurrency()))); }

int run(int argc, char** argv) {
  using namespace omnigraph;
  server::ParsedOptions parsed = server::parse_options(argc, argv);
  if (parsed.exit_code >= 0) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  base::set_warning_sink([](std::string_view code, std::string_view text) {
    server::log_warning(std::string(code).append(": ").append(text));
  });
  server::install_embedding_log();
  if (const auto searched = engine::configure_vector_search(); !searched) {
    std::fprintf(stderr, "Error: %s\n", searched.error().render().c_str());
    return 1;
  }
  auto service = server::Service::boot(parsed.options);
  if (!service) {
    std::fprintf(stderr, "Error: %s\n", service.error().render().c_str());
    return 1;
  }
  const auto code = server::serve(*service, [](const std::string& address) {
    std::printf("OMNIGRAPH_LISTEN_ADDR=%s\n", address.c_str());
    std::fflush(stdout);
    server::log_info("serving on " + address);
  });
  if (code) return *code;
  std::fprintf(stderr, "Error: %s\n", code.error().render().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  bound_arenas();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "Error: %s\n", error.what());
    return 1;
  }
}
