#include "server/http_server.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/text.h"
#include "base/ulid.h"
#include "server/log.h"
#include "server/routes.h"

namespace omnigraph::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr auto kHeaderTimeout = std::chrono::seconds(30);
constexpr auto kIdleTimeout = std::chrono::seconds(120);
constexpr auto kProgressTimeout = std::chrono::seconds(60);
constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
// How often an idle event stream is asked for something new, how soon it notices the end of the server, and how often a
// comment keeps proxies and dead connections from lasting.
constexpr auto kEventInterval = std::chrono::seconds(1);
constexpr auto kEventTick = std::chrono::milliseconds(200);
constexpr auto kHeartbeatInterval = std::chrono::seconds(15);
// Handlers block on storage, so there are more of them than processors; beyond this requests queue.
constexpr std::size_t kWorkers = 32;

struct Shared {
  std::shared_ptr<Service> service;
  asio::thread_pool workers{kWorkers};
  std::atomic<std::uint64_t> running{0};  // requests between header and last byte
  std::atomic<bool> stopping{false};
};

std::string request_id_of(const HttpRequest& request) {
  constexpr std::size_t kLengthMax = 128;
  const std::string_view given = request.header("x-request-id");
  const bool visible = std::ranges::all_of(given, [](char c) { return c > ' ' && c < '\x7f'; });
  return !given.empty() && given.size() <= kLengthMax && visible ? std::string(given) : base::new_ulid();
}

void decode_target(std::string_view target, HttpRequest& out) {
  const std::size_t question = target.find('?');
  out.path = target.substr(0, question);
  const auto decode = [&](std::string_view text, bool plus_is_space) {
    std::string spaced(text);
    if (plus_is_space) std::ranges::replace(spaced, '+', ' ');
    auto decoded = base::percent_decode(spaced);
    if (!decoded || !base::is_valid_utf8(*decoded)) {
      out.bad_escape = true;
      return std::string();
    }
    return std::move(*decoded);
  };
  std::string_view path = out.path;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    out.segments.push_back(decode(path.substr(0, slash), false));
    if (slash == std::string_view::npos) break;
    path = path.substr(slash + 1);
  }
  for (std::string_view rest = question == std::string_view::npos ? "" : target.substr(question + 1); !rest.empty();) {
    const std::size_t amp = rest.find('&');
    const std::string_view pair = rest.substr(0, amp);
    const std::size_t equals = pair.find('=');
    if (!pair.empty()) {
      out.query.emplace_back(decode(pair.substr(0, equals), true),
                             equals == std::string_view::npos ? "" : decode(pair.substr(equals + 1), true));
    }
    rest = amp == std::string_view::npos ? std::string_view() : rest.substr(amp + 1);
  }
}

template <class Parser>
HttpRequest request_of(const Parser& parser) {
  HttpRequest request;
  const auto& message = parser.get();
  request.method = message.method_string();
  decode_target(std::string_view(message.target().data(), message.target().size()), request);
  for (const auto& field : message) {
    std::string name = base::to_lower_ascii(std::string_view(field.name_string().data(), field.name_string().size()));
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  if (parser.content_length()) request.content_length = *parser.content_length();
  return request;
}

// One connection: requests one after the other on a strand of its own.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {}

  asio::awaitable<void> run() {
    try {
      bool first = true;
      while (co_await one_request(first)) first = false;
      co_await linger();
    } catch (const boost::system::system_error&) {
      // The peer went away or stalled; there is nobody left to tell.
    } catch (const std::exception& error) {
      log_error(std::string("connection ended: ") + error.what());
    }
  }

 private:
  struct Running {
    explicit Running(Shared& s) : shared(s) { ++shared.running; }
    ~Running() { --shared.running; }
    Shared& shared;
  };

  // False: the connection ends.
  asio::awaitable<bool> one_request(bool first) {
    continued_ = false;
    http::request_parser<http::buffer_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(boost::none);
    stream_.expires_after(first ? kHeaderTimeout : kIdleTimeout);
    auto [failed, size] = co_await http::async_read_header(stream_, buffer_, parser, asio::as_tuple(asio::use_awaitable));
    if (failed) {
      if (failed != http::error::end_of_stream && failed.category() == http::make_error_code(http::error::bad_method).category()) {
        co_await write_broken(failed);
      }
      co_return false;
    }
    const Running running(shared_);
    const auto started = std::chrono::steady_clock::now();
    HttpRequest request = request_of(parser);
    const std::string request_id = request_id_of(request);
    const Match match = match_route(request);
    bool keep_alive = parser.get().keep_alive() && !shared_.stopping;
    const std::optional<std::uint64_t> limit =
        match.route == nullptr ? std::optional<std::uint64_t>(kBodyBytesMax) : body_limit(*match.route);
    HttpResponse response;
    if (!limit) {
      request.read_body = [this, &parser](std::span<std::byte> out) { return read_piece_blocking(parser, out); };
      response = co_await on_worker([&] { return respond(*shared_.service, match, request); });
      // What is left of a refused body is not read.
      if (!parser.is_done()) keep_alive = false;
    } else if (!co_await read_body(parser, *limit, request.body)) {
      response = error_response(Error{Code::kResourceLimit, "the request body is larger than " + std::to_string(*limit) + " bytes"});
      keep_alive = false;
    } else if (match.route != nullptr && match.route->open) {
      // Health and the document need no storage: they answer however busy the workers are.
      response = respond(*shared_.service, match, request);
    } else {
      response = co_await on_worker([&] { return respond(*shared_.service, match, request); });
    }
    const bool sent = co_await write_response(parser.get().version(), keep_alive, match.head, request_id, response);
    if (logs_info()) {
      const auto took = std::chrono::steady_clock::now() - started;
      log_info(request.method + " " + request.path + " " + std::to_string(response.status) + " " +
               std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()) + "us " + request_id);
    }
    co_return sent && keep_alive;
  }

  // Closing with unread bytes would reset the connection before the client has read the answer, so what it still sends
  // is thrown away for a while.
  asio::awaitable<void> linger() {
    constexpr auto kLingerTime = std::chrono::seconds(5);
    constexpr std::size_t kLingerBytesMax = std::size_t{64} << 20;
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    std::vector<std::byte> waste(kPieceBytes);
    stream_.expires_after(kLingerTime);
    for (std::size_t total = 0; total < kLingerBytesMax;) {
      const auto [failed, count] = co_await stream_.async_read_some(asio::buffer(waste), asio::as_tuple(asio::use_awaitable));
      if (failed || count == 0) co_return;
      total += count;
    }
  }

  // Runs a blocking function on the workers while the network thread goes on.
  template <class F>
  asio::awaitable<std::invoke_result_t<F>> on_worker(F body) {
    co_return co_await asio::co_spawn(
        shared_.workers, [&body]() -> asio::awaitable<std::invoke_result_t<F>> { co_return body(); }, asio::use_awaitable);
  }

  template <class Parser>
  asio::awaitable<std::size_t> read_piece(Parser& parser, std::span<std::byte> out) {
    if (parser.is_done()) co_return 0;
    stream_.expires_after(kProgressTimeout);
    if (!continued_ && parser.get()[http::field::expect] == "100-continue") {
      continued_ = true;
      http::response<http::empty_body> go_on{http::status::continue_, parser.get().version()};
      co_await http::async_write(stream_, go_on, asio::use_awaitable);
    }
    auto& body = parser.get().body();
    body.data = out.data();
    body.size = out.size();
    const auto [failed, size] = co_await http::async_read_some(stream_, buffer_, parser, asio::as_tuple(asio::use_awaitable));
    if (failed && failed != http::error::need_buffer) throw boost::system::system_error(failed);
    co_return out.size() - body.size;
  }

  // Called on a worker: the read itself happens on the connection's strand.
  template <class Parser>
  Result<std::size_t> read_piece_blocking(Parser& parser, std::span<std::byte> out) {
    try {
      while (!parser.is_done()) {
        const std::size_t count = asio::co_spawn(stream_.get_executor(), read_piece(parser, out), asio::use_future).get();
        if (count != 0) return count;
      }
      return std::size_t{0};
    } catch (const std::exception& error) {
      return std::unexpected(bad_request(std::string("the request body broke off: ") + error.what()));
    }
  }

  // False: longer than the limit.
  template <class Parser>
  asio::awaitable<bool> read_body(Parser& parser, std::uint64_t limit, std::string& body) {
    if (parser.content_length() && *parser.content_length() > limit) co_return false;
    while (!parser.is_done()) {
      const std::size_t before = body.size();
      body.resize(before + kPieceBytes);
      const std::size_t count = co_await read_piece(parser, std::as_writable_bytes(std::span(body)).subspan(before));
      body.resize(before + count);
      if (body.size() > limit) co_return false;
    }
    co_return true;
  }

  template <class Message>
  static void set_headers(Message& message, const HttpResponse& response, const std::string& request_id, bool keep_alive) {
    message.set(http::field::content_type, response.content_type);
    message.set("X-Request-Id", request_id);
    for (const auto& [name, value] : response.headers) message.set(name, value);
    message.keep_alive(keep_alive);
  }

  asio::awaitable<bool> write_response(unsigned version, bool keep_alive, bool head, const std::string& request_id,
                                       HttpResponse& response) {
    if (response.events && !head) co_return co_await write_events(version, request_id, response);
    if (response.stream && !head) co_return co_await write_stream(version, keep_alive, request_id, response);
    stream_.expires_after(kProgressTimeout);
    if (head) {
      http::response<http::empty_body> message{static_cast<http::status>(response.status), version};
      set_headers(message, response, request_id, keep_alive);
      message.content_length(response.body.size());
      http::response_serializer<http::empty_body> serializer(message);
      co_await http::async_write_header(stream_, serializer, asio::use_awaitable);
      co_return true;
    }
    http::response<http::string_body> message{static_cast<http::status>(response.status), version};
    set_headers(message, response, request_id, keep_alive);
    message.body() = std::move(response.body);
    message.prepare_payload();
    co_await http::async_write(stream_, message, asio::use_awaitable);
    co_return true;
  }

  asio::awaitable<void> write_chunk(std::string_view piece) {
    stream_.expires_after(kProgressTimeout);
    co_await asio::async_write(stream_, http::make_chunk(asio::buffer(piece.data(), piece.size())), asio::use_awaitable);
  }

  asio::awaitable<bool> write_stream(unsigned version, bool keep_alive, const std::string& request_id, HttpResponse& response) {
    http::response<http::empty_body> message{static_cast<http::status>(response.status), version};
    set_headers(message, response, request_id, keep_alive);
    message.chunked(true);
    http::response_serializer<http::empty_body> serializer(message);
    co_await http::async_write_header(stream_, serializer, asio::use_awaitable);
    const TextSink sink = [this](std::string_view piece) -> Result<void> {
      try {
        asio::co_spawn(stream_.get_executor(), write_chunk(piece), asio::use_future).get();
        return {};
      } catch (const std::exception& error) {
        return std::unexpected(Error{Code::kCancelled, std::string("the client went away: ") + error.what()});
      }
    };
    const Result<void> done = co_await on_worker([&] { return response.stream(sink); });
    if (!done) {
      // Without the last chunk the client sees that the body is not whole.
      if (done.error().code != Code::kCancelled) log_error(done.error().render());
      co_return false;
    }
    stream_.expires_after(kProgressTimeout);
    co_await asio::async_write(stream_, http::make_chunk_last(), asio::use_awaitable);
    co_return true;
  }

  // Waits on the network side: a worker is used only to look for new events.
  asio::awaitable<bool> write_events(unsigned version, const std::string& request_id, HttpResponse& response) {
    http::response<http::empty_body> message{static_cast<http::status>(response.status), version};
    set_headers(message, response, request_id, false);
    message.chunked(true);
    http::response_serializer<http::empty_body> serializer(message);
    stream_.expires_after(kProgressTimeout);
    co_await http::async_write_header(stream_, serializer, asio::use_awaitable);
    auto written = std::chrono::steady_clock::now();
    while (!shared_.stopping) {
      Result<std::string> events = co_await on_worker([&] { return response.events(); });
      const bool failed = !events;
      if (failed) events = std::string("event: error\ndata: ").append(error_response(events.error()).body).append("\n\n");
      const auto now = std::chrono::steady_clock::now();
      if (events->empty() && now - written >= kHeartbeatInterval) *events = ": heartbeat\n\n";
      if (!events->empty()) {
        co_await write_chunk(*events);
        written = now;
        if (failed) break;
        continue;  // more may wait
      }
      asio::steady_timer tick(stream_.get_executor());
      for (auto waited = std::chrono::milliseconds(0); waited < kEventInterval && !shared_.stopping; waited += kEventTick) {
        tick.expires_after(kEventTick);
        co_await tick.async_wait(asio::use_awaitable);
      }
    }
    stream_.expires_after(kProgressTimeout);
    co_await asio::async_write(stream_, http::make_chunk_last(), asio::use_awaitable);
    co_return false;
  }

  // A request that is not HTTP still gets an answer in the contract's shape.
  asio::awaitable<void> write_broken(const beast::error_code& failed) {
    const bool too_large = failed == http::error::header_limit;
    HttpResponse response = error_response(bad_request("malformed HTTP request: " + failed.message()));
    if (too_large) response.status = 431;
    constexpr unsigned kHttp11 = 11;
    co_await write_response(kHttp11, false, false, base::new_ulid(), response);
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  Shared& shared_;
  bool continued_ = false;
};

asio::awaitable<void> accept_connections(tcp::acceptor& acceptor, Shared& shared) {
  for (;;) {
    auto strand = asio::make_strand(acceptor.get_executor());
    auto [failed, socket] = co_await acceptor.async_accept(strand, asio::as_tuple(asio::use_awaitable));
    if (failed == asio::error::operation_aborted || shared.stopping) co_return;
    if (failed) {
      // Out of descriptors, say: try again a little later instead of spinning.
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto session = std::make_shared<Session>(tcp::socket(std::move(socket)), shared);
    asio::co_spawn(strand, [session]() { return session->run(); }, asio::detached);
  }
}

Result<tcp::acceptor> bind(asio::io_context& io, const Options& options) {
  const auto fail = [&](const beast::error_code& failed) {
    return std::unexpected(bad_request("cannot listen on '" + options.host + ":" + options.port + "': " + failed.message()));
  };
  beast::error_code failed;
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

// Waits until the requests in flight are answered, or the grace period is over.
void drain(const Shared& shared, std::uint32_t grace_seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(grace_seconds);
  while (shared.running != 0 && (grace_seconds == 0 || std::chrono::steady_clock::now() < end)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Result<int> serve(const std::shared_ptr<Service>& service, const std::function<void(const std::string&)>& listening) {
  asio::io_context io;
  Shared shared;
  shared.service = service;
  OG_ASSIGN_OR_RETURN(tcp::acceptor acceptor, bind(io, service->options()));
  std::jthread drainer;  // joined before what it uses goes
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const beast::error_code& failed, int) {
    if (failed) return;
    log_info("shutdown signal received");
    shared.stopping = true;
    beast::error_code ignored;
    acceptor.close(ignored);
    signals.async_wait([](const beast::error_code& again, int) {
      if (!again) std::_Exit(1);
    });
    drainer = std::jthread([&] {
      drain(shared, service->options().shutdown_grace_seconds);
      io.stop();
    });
  });
  asio::co_spawn(io, accept_connections(acceptor, shared), asio::detached);
  beast::error_code failed;
  listening(address_text(acceptor.local_endpoint(failed)));
  const unsigned threads = std::max(2U, std::thread::hardware_concurrency());
  std::vector<std::jthread> network;
  for (unsigned i = 1; i < threads; ++i) network.emplace_back([&io] { io.run(); });
  io.run();
  network.clear();
  if (drainer.joinable()) drainer.join();
  // A handler that is still running past the grace period does not hold the process.
  if (shared.running != 0) std::_Exit(0);
  shared.workers.join();
  return 0;
}

}  // namespace omnigraph::server
