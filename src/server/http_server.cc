#include "server/http_server.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/log.h"
#include "server/network.h"
#include "server/routes.h"

namespace omnigraph::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kSweepInterval = std::chrono::milliseconds(200);

asio::awaitable<void> accept_connections(tcp::acceptor& acceptor, Network& network) {
  for (;;) {
    auto strand = asio::make_strand(network.io);
    auto [failed, socket] = co_await acceptor.async_accept(strand, asio::as_tuple(asio::use_awaitable));
    if (failed == asio::error::operation_aborted || network.stopping) co_return;
    if (failed) {
      // Out of descriptors, say: try again a little later instead of spinning.
      asio::steady_timer pause(network.io, std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    start_session(std::move(socket), network);
  }
}

// Ends connections past their deadline; once the server stops, idle ones too.
asio::awaitable<void> sweep(Network& network) {
  asio::steady_timer tick(network.io);
  for (;;) {
    tick.expires_after(kSweepInterval);
    co_await tick.async_wait(asio::as_tuple(asio::use_awaitable));
    sweep_sessions(network, network.stopping);
  }
}

Result<tcp::acceptor> bind(asio::io_context& io, const Options& options) {
  const auto fail = [&](const error_code& failed) {
    return std::unexpected(
        bad_request("cannot listen on '" + options.host + ":" + options.port + "': " + failed.message()));
  };
  error_code failed;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(options.host, options.port, tcp::resolver::passive, failed);
  if (failed) return fail(failed);
  const tcp::endpoint endpoint = found.begin()->endpoint();
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return fail(failed);
  return acceptor;
}

std::string address_text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

// As many connections as the system lets this process have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Signals and what they start. Handlers of the signal set run on network threads; what takes time has its own thread.
class SignalDesk {
 public:
  SignalDesk(Network& network, tcp::acceptor& acceptor, const Options& options)
      : network_(network),
        acceptor_(acceptor),
        options_(options),
        ends_(network.io, SIGINT, SIGTERM),
        reloads_(network.io, SIGHUP) {
    wait_for_end();
    wait_for_reload();
  }
  ~SignalDesk() {
    if (reloader_.joinable()) reloader_.join();
    if (drainer_.joinable()) drainer_.join();
  }
  SignalDesk(const SignalDesk&) = delete;
  SignalDesk& operator=(const SignalDesk&) = delete;

 private:
  void wait_for_end() {
    ends_.async_wait([this](const error_code& failed, int) {
      if (failed) return;
      log_info("shutdown signal received");
      network_.stopping = true;
      error_code ignored;
      acceptor_.close(ignored);
      ends_.async_wait([](const error_code& again, int) {
        if (again) return;
        flush_log();
        std::_Exit(1);
      });
      drainer_ = std::thread([this] {
        drain();
        network_.io.stop();
      });
    });
  }

  void wait_for_reload() {
    reloads_.async_wait([this](const error_code& failed, int) {
      if (failed) return;
      if (reloader_.joinable()) reloader_.join();
      reloader_ = std::thread([this] {
        const auto reloaded = network_.reloadable->reload();
        if (reloaded) {
          log_info("reloaded tokens and applied revision");
        } else {
          log_error("reload failed, serving what was served before: " + reloaded.error().render());
        }
      });
      wait_for_reload();
    });
  }

  // Waits until the requests in flight are answered, or the grace period is over.
  void drain() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options_.shutdown_grace_seconds);
    const bool unlimited = options_.shutdown_grace_seconds == 0;
    while (network_.running != 0 && (unlimited || std::chrono::steady_clock::now() < end)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  Network& network_;
  tcp::acceptor& acceptor_;
  const Options& options_;
  asio::signal_set ends_, reloads_;
  std::thread drainer_, reloader_;
};

}  // namespace

Result<int> serve(const std::shared_ptr<Service>& service, const std::function<void(const std::string&)>& listening) {
  const Options& options = service->options();
  raise_descriptor_limit();
  Network network(std::make_shared<Reloadable>(service));
  network.timeouts = {std::chrono::milliseconds(options.header_timeout_ms),
                      std::chrono::milliseconds(options.idle_timeout_ms),
                      std::chrono::milliseconds(options.progress_timeout_ms)};
  for (const Route& route : routes()) {
    service->metrics().declare_route(route.pattern, statuses_of(route, service->auth_state() != AuthState::kOpen));
  }
  service->metrics().declare_route("unmatched", {404, 405});
  if (!options.tls_certificate.empty()) {
    OG_ASSIGN_OR_RETURN(network.tls, open_tls(options.tls_certificate, options.tls_key));
  }
  OG_ASSIGN_OR_RETURN(tcp::acceptor acceptor, bind(network.io, options));
  SignalDesk signals(network, acceptor, options);
  asio::co_spawn(network.io, accept_connections(acceptor, network), asio::detached);
  asio::co_spawn(network.io, sweep(network), asio::detached);
  error_code failed;
  listening(address_text(acceptor.local_endpoint(failed)));
  network.threads.run();
  // A handler that is still running past the grace period does not hold the process.
  if (network.running != 0) {
    flush_log();
    std::_Exit(0);
  }
  network.threads.join();
  while (network.client_threads != 0) std::this_thread::yield();
  return 0;
}

}  // namespace omnigraph::server
