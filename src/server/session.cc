// One connection: requests one after the other, on a strand of its own (chapter 07 section 2).

#include <poll.h>

#include <cstdio>
#include <future>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.h"
#include "base/ulid.h"
#include "server/gzip.h"
#include "server/log.h"
#include "server/network.h"
#include "server/request_log.h"
#include "server/request_parser.h"
#include "server/response_head.h"
#include "server/routes.h"

namespace omnigraph::server {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
// A piece of a large body that must be on its way within the progress time-out.
constexpr std::size_t kWritePieceBytes = std::size_t{1} << 20;
// A refused body up to this size is read to its end, so that the connection lives on.
constexpr std::uint64_t kDrainBytesMax = kPieceBytes;
constexpr std::size_t kCompressBytesMin = 1400;  // less fits one packet anyway
constexpr auto kStreamPatience = std::chrono::milliseconds(250);
// How often an idle event stream is asked for something new, how soon it notices the end of the server, and how often a
// comment keeps proxies and dead connections from lasting.
constexpr auto kEventInterval = std::chrono::seconds(1);
constexpr auto kEventTick = std::chrono::milliseconds(200);
constexpr auto kHeartbeatInterval = std::chrono::seconds(15);
// A handler is young while nobody would miss it: clients may close their sending half right after the request.
constexpr auto kGoneAfter = std::chrono::milliseconds(100);
constexpr auto kGoneInterval = std::chrono::milliseconds(20);

std::int64_t ms_of(Clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

std::string request_id_of(const HttpRequest& request) {
  constexpr std::size_t kLengthMax = 128;
  const std::string_view given = request.header("x-request-id");
  const bool visible = std::ranges::all_of(given, [](char c) { return c > ' ' && c < '\x7f'; });
  return !given.empty() && given.size() <= kLengthMax && visible ? std::string(given) : base::new_ulid();
}

// True once the other side has closed its half. Asks the kernel at most every kGoneInterval. Any thread.
class GoneProbe {
 public:
  // From now on, for one request.
  void start(int descriptor) {
    descriptor_ = descriptor;
    gone_ = false;
    next_ms_ = ms_of(Clock::now() + kGoneAfter);
  }
  bool gone() {
    const std::int64_t now = ms_of(Clock::now());
    std::int64_t next = next_ms_.load(std::memory_order_relaxed);
    if (gone_ || now < next) return gone_;
    if (!next_ms_.compare_exchange_strong(next, now + kGoneInterval.count())) return gone_;
    pollfd asked{descriptor_, POLLRDHUP, 0};
    if (poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) gone_ = true;
    return gone_;
  }

 private:
  int descriptor_ = -1;
  std::atomic<std::int64_t> next_ms_{0};
  std::atomic<bool> gone_{false};
};

}  // namespace

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::unique_ptr<Transport> transport, Network& network)
      : transport_(std::move(transport)), network_(network) {}
  ~Session() { network_.sessions.remove(this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  asio::awaitable<void> run() {
    try {
      deadline_in(network_.timeouts.header);
      const bool open = co_await transport_->open();
      no_deadline();
      if (!open) co_return;
      while (co_await one_request()) {
      }
      if (!aborted_) co_await linger();
    } catch (const std::exception& error) {
      log_event(LogLevel::kWarn, "http", "connection ended", {{"reason", error.what()}});
    }
  }

  // Called from any thread: ends what the connection waits for if its deadline is over.
  void sweep(bool idle_too) {
    const std::int64_t deadline = deadline_ms_.load(std::memory_order_relaxed);
    const bool late = deadline != 0 && ms_of(Clock::now()) >= deadline;
    if (!late && !(idle_too && idle_.load(std::memory_order_relaxed))) return;
    asio::post(transport_->executor(), [self = shared_from_this(), idle_too] {
      // Looked at again: what was late may have ended meanwhile.
      const std::int64_t now_deadline = self->deadline_ms_.load(std::memory_order_relaxed);
      const bool still_late = now_deadline != 0 && ms_of(Clock::now()) >= now_deadline;
      if (!still_late && !(idle_too && self->idle_)) return;
      self->timed_out_ = still_late;
      self->transport_->cancel();
    });
  }

 private:
  void deadline_in(std::chrono::milliseconds patience) {
    deadline_ms_.store(ms_of(Clock::now() + patience), std::memory_order_relaxed);
  }
  void no_deadline() { deadline_ms_.store(0, std::memory_order_relaxed); }

  struct Running {
    explicit Running(Network& network) : network_(network) { ++network_.running; }
    ~Running() { --network_.running; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    Network& network_;
  };

  // More bytes into the buffer; false: none will come.
  asio::awaitable<bool> fill(std::chrono::milliseconds patience, std::size_t size_max) {
    // After the end of the stream no further event comes: a second read would wait for ever.
    if (ended_) co_return false;
    const std::size_t before = buffer_.size();
    // Without writing zeros over what is about to be written.
    buffer_.resize_and_overwrite(before + size_max, [](char*, std::size_t size) { return size; });
    deadline_in(patience);
    const auto [failed, size] = co_await transport_->read_some(asio::buffer(buffer_.data() + before, size_max));
    no_deadline();
    buffer_.resize(before + size);
    ended_ = failed || size == 0;
    co_return !ended_;
  }

  // True when the headers are there. Otherwise the connection ends, with an answer where one is due.
  asio::awaitable<bool> read_header(RequestParser& parser) {
    auto patience = first_ ? network_.timeouts.header : network_.timeouts.idle;
    first_ = false;
    std::optional<Clock::time_point> begun;  // first byte of the request
    for (;;) {
      if (!buffer_.empty()) {
        auto taken = parser.put(buffer_);
        if (!taken) {
          co_await write_broken(taken.error());
          co_return false;
        }
        buffer_.erase(0, *taken);
        if (parser.header_done()) co_return true;
        if (!begun) begun = Clock::now();
        const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - *begun);
        patience = std::max(network_.timeouts.header - spent, std::chrono::milliseconds(0));
      }
      idle_ = buffer_.empty();
      if (network_.stopping && idle_) co_return false;
      const bool more = co_await fill(patience, kHeaderReadBytes);
      idle_ = false;
      if (more) continue;
      if (!buffer_.empty() && timed_out_) {
        HttpResponse late = error_response(bad_request("the request headers did not arrive in time"));
        late.status = kRequestTimeout;
        co_await write_refusal(late);
      } else if (!buffer_.empty()) {
        co_await write_broken(bad_request("malformed HTTP request: it ends inside the headers"));
      }
      co_return false;
    }
  }

  // False: the connection ends.
  asio::awaitable<bool> one_request() {
    parser_.emplace();
    continued_ = false;
    if (!co_await read_header(*parser_)) co_return false;
    const Running running(network_);
    const auto started = Clock::now();
    HttpRequest& request = parser_->request();
    request.id = request_id_of(request);
    keep_alive_ = parser_->keep_alive();
    const Match match = match_route(request);
    Admitted admitted = admit(network_.reloadable->current(), match, request);
    HttpResponse response;
    if (!admitted.refusal) {
      gone_.start(transport_->descriptor());
      request.gone = [this] { return gone_.gone(); };  // so small that it is copied without an allocation
      response = co_await answer(match, *admitted.call, request);
      request.gone = nullptr;
    } else {
      response = std::move(*admitted.refusal);
      if (!co_await drain_body()) keep_alive_ = false;
    }
    if (network_.stopping) keep_alive_ = false;
    const bool sent = co_await write_response(match.head, response);
    finish(match, request, response.status, Clock::now() - started, *admitted.service);
    co_return sent&& keep_alive_;
  }

  // Reads the body where that is due, and runs the handler.
  asio::awaitable<HttpResponse> answer(const Match& match, Call& call, HttpRequest& request) {
    const Route& route = *match.route;
    if (route.body == BodyKind::kNone) {
      // Nothing in it counts; drained below.
    } else if (const auto limit = body_limit(route)) {
      if (const auto failed = co_await read_body(*limit, request)) {
        keep_alive_ = false;
        co_return error_response(*failed);
      }
    } else {
      request.read_body = [this](std::span<std::byte> out) { return read_body_blocking(out); };
    }
    HttpResponse response;
    if (route.waits) {
      const Places::Place place = co_await network_.handlers.take(std::chrono::hours(24));
      const NetworkThreads::InHandler mark;
      response = respond(call);
    } else {
      response = respond(call);
    }
    if (response.deferred) {
      HttpResponse rest;
      co_await on_thread([&] { rest = response.deferred(); });
      response = std::move(rest);
    }
    if (response.stream && !match.head && response.stream_slot) {
      stream_place_.emplace(co_await network_.streams.take(kStreamPatience));
      if (!*stream_place_) response = error_response(streams_saturated());
    }
    // What is left of a refused body is not read.
    if (!parser_->done() && !co_await drain_body()) keep_alive_ = false;
    co_return response;
  }

  static Error streams_saturated() {
    constexpr std::string_view kResource = "stream_export_slots";
    Error error{Code::kResourceLimit, "resource limit exceeded for " + std::string(kResource) + ": actual " +
                                          std::to_string(kStreamsMax + 1) + ", limit " + std::to_string(kStreamsMax)};
    return with_detail(std::move(error), "resource_limit",
                       R"({"resource":")" + std::string(kResource) + R"(","limit":)" + std::to_string(kStreamsMax) +
                           ",\"actual\":" + std::to_string(kStreamsMax + 1) + "}");
  }

  // Runs a blocking function on a thread of its own while the network goes on.
  template <class F>
  asio::awaitable<void> on_thread(F body) {
    asio::steady_timer finished(transport_->executor(), asio::steady_timer::time_point::max());
    bool done = false;
    ++network_.client_threads;
    std::thread([&, &threads = network_.client_threads] {
      body();
      asio::post(finished.get_executor(), [&] {
        done = true;
        finished.cancel();
      });
      --threads;
    }).detach();
    while (!done) co_await finished.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  asio::awaitable<void> send_continue() {
    if (continued_ || !parser_->expects_continue()) co_return;
    continued_ = true;
    co_await send("HTTP/1.1 100 Continue\r\n\r\n", {});
  }

  // Body bytes into parser_->body(), at least one unless it is done.
  asio::awaitable<Result<void>> read_piece() {
    co_await send_continue();
    while (parser_->body().empty() && !parser_->done()) {
      if (!buffer_.empty()) {
        const auto taken = parser_->put(buffer_);
        if (!taken) co_return std::unexpected(taken.error());
        buffer_.erase(0, *taken);
        if (*taken != 0) continue;
      }
      if (co_await fill(network_.timeouts.progress, kPieceBytes)) continue;
      co_return std::unexpected(timed_out_ ? Error{Code::kBadRequest, "the request body made no progress in time"}
                                           : bad_request("the request body broke off"));
    }
    co_return Result<void>();
  }

  // The error to answer with, if any.
  asio::awaitable<std::optional<Error>> read_body(std::uint64_t limit, HttpRequest& request) {
    const Error too_large{Code::kResourceLimit, "the request body is larger than " + std::to_string(limit) + " bytes"};
    if (request.content_length && *request.content_length > limit) co_return too_large;
    if (request.content_length) request.body.reserve(*request.content_length);
    while (!parser_->done()) {
      const auto read = co_await read_piece();
      if (!read) co_return read.error();
      request.body.append(parser_->body());
      parser_->body().clear();
      if (request.body.size() > limit) co_return too_large;
    }
    const std::string_view coding = request.header("content-encoding");
    if (coding.empty() || base::equals_ignore_ascii_case(coding, "identity")) co_return std::nullopt;
    if (!base::equals_ignore_ascii_case(coding, "gzip")) co_return unknown_coding(coding);
    auto decoded = gzip_decode(request.body, limit);
    if (!decoded) co_return decoded.error();
    request.body = std::move(*decoded);
    co_return std::nullopt;
  }

  static Error unknown_coding(std::string_view coding) {
    return Error{Code::kUnsupportedMediaType,
                 "Content-Encoding '" + std::string(coding) + "' is not understood; send gzip or none"};
  }

  // Called on a thread of its own: the reading itself happens on the connection's strand.
  Result<std::size_t> read_body_blocking(std::span<std::byte> out) {
    auto read = std::make_shared<std::promise<Result<std::size_t>>>();
    asio::co_spawn(transport_->executor(), copy_piece(out),
                   [read](const std::exception_ptr& thrown, Result<std::size_t> count) {
                     if (thrown) count = std::unexpected(bad_request("the request body broke off"));
                     read->set_value(std::move(count));
                   });
    return read->get_future().get();
  }

  asio::awaitable<Result<std::size_t>> copy_piece(std::span<std::byte> out) {
    std::string& body = parser_->body();
    if (body.empty() && !parser_->done()) {
      const auto piece = co_await read_piece();
      if (!piece) co_return std::unexpected(piece.error());
    }
    const std::size_t count = std::min(out.size(), body.size());
    std::memcpy(out.data(), body.data(), count);
    body.erase(0, count);
    co_return count;
  }

  // Reads what is left of a small body. False: the connection cannot go on.
  asio::awaitable<bool> drain_body() {
    const auto length = parser_->request().content_length;
    if (parser_->done()) co_return true;
    if (!length || *length > kDrainBytesMax || (parser_->expects_continue() && !continued_)) co_return false;
    while (!parser_->done()) {
      parser_->body().clear();
      const auto read = co_await read_piece();
      if (!read) co_return false;
    }
    co_return true;
  }

  // Closing with unread bytes would reset the connection before the client has read the answer, so what it still sends
  // is thrown away for a while.
  asio::awaitable<void> linger() {
    constexpr auto kLingerTime = std::chrono::seconds(5);
    constexpr std::size_t kLingerBytesMax = std::size_t{64} << 20;
    deadline_in(kLingerTime);
    co_await transport_->end_writing();
    const auto end = Clock::now() + kLingerTime;
    for (std::size_t total = 0; !ended_ && total < kLingerBytesMax && Clock::now() < end;) {
      buffer_.resize(kPieceBytes);
      const auto [failed, count] = co_await transport_->read_some(asio::buffer(buffer_));
      if (failed || count == 0) break;
      total += count;
    }
    no_deadline();
  }

  // False: the client is gone.
  asio::awaitable<bool> send(std::string_view head, std::string_view body) {
    for (;;) {
      const std::string_view piece = body.substr(0, kWritePieceBytes);
      deadline_in(network_.timeouts.progress);
      const error_code failed = co_await transport_->write(
          {asio::buffer(head.data(), head.size()), asio::buffer(piece.data(), piece.size())});
      no_deadline();
      if (failed) co_return false;
      head = {};
      body.remove_prefix(piece.size());
      if (body.empty()) co_return true;
    }
  }

  [[nodiscard]] HeadFields head_fields() {
    return {parser_->request().id, keep_alive_, parser_->header_done() && parser_->is_http_1_0()};
  }

  asio::awaitable<bool> write_response(bool head, HttpResponse& response) {
    std::optional<Places::Place> place = std::move(stream_place_);
    stream_place_.reset();
    if (response.events && !head) co_return co_await write_events(response);
    const bool gzip = response.compressible && !head && accepts_gzip(parser_->request().header("accept-encoding"));
    if (response.stream && !head) co_return co_await write_stream(response, gzip);
    if (gzip && response.body.size() >= kCompressBytesMin) {
      response.body = gzip_encode(response.body);
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
    if (response.compressible) response.headers.emplace_back("Vary", "Accept-Encoding");
    const std::uint64_t length = response.content_length.value_or(response.body.size());
    const bool chunked_get = head && (response.stream || response.events) && !response.stream_length;
    const auto framing = chunked_get ? Framing{FramingKind::kNone}
                                     : Framing{FramingKind::kLength, response.stream_length.value_or(length)};
    const std::string text = response_head(response, framing, head_fields());
    co_return co_await send(text, head ? std::string_view() : std::string_view(response.body));
  }

  // One piece of a stream, from its thread.
  Result<void> send_from_thread(std::string_view piece) {
    auto sent = std::make_shared<std::promise<bool>>();
    asio::co_spawn(transport_->executor(), send(piece, {}),
                   [sent](const std::exception_ptr& thrown, bool whole) { sent->set_value(!thrown && whole); });
    if (sent->get_future().get()) return {};
    return std::unexpected(Error{Code::kCancelled, "the client went away"});
  }

  asio::awaitable<bool> write_stream(HttpResponse& response, bool gzip) {
    const bool chunked = !response.stream_length && !parser_->is_http_1_0();
    if (!chunked && !response.stream_length) keep_alive_ = false;  // the end of the connection is the end of the body
    gzip = gzip && chunked;
    if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    if (response.compressible) response.headers.emplace_back("Vary", "Accept-Encoding");
    const Framing framing = response.stream_length ? Framing{FramingKind::kLength, *response.stream_length}
                            : chunked              ? Framing{FramingKind::kChunked}
                                                   : Framing{FramingKind::kNone};
    if (!co_await send(response_head(response, framing, head_fields()), {})) co_return false;
    Result<void> done;
    co_await on_thread([&] { done = pump(response, chunked, gzip); });
    if (done) co_return true;
    // Without the last chunk the client sees that the body is not whole.
    if (done.error().code != Code::kCancelled) log_event(LogLevel::kError, "http", done.error().render());
    keep_alive_ = false;
    aborted_ = true;
    co_return false;
  }

  // The whole stream, on its thread.
  Result<void> pump(const HttpResponse& response, bool chunked, bool gzip) {
    std::optional<GzipWriter> writer;
    if (gzip) writer.emplace();
    std::string packed, framed;
    const auto send_piece = [&](std::string_view piece) -> Result<void> {
      if (piece.empty()) return {};
      if (!chunked) return send_from_thread(piece);
      framed.clear();
      append_chunk(framed, piece);
      return send_from_thread(framed);
    };
    const TextSink sink = [&](std::string_view piece) -> Result<void> {
      if (!writer) return send_piece(piece);
      packed.clear();
      writer->write(piece, false, packed);
      return send_piece(packed);
    };
    OG_RETURN_IF_ERROR(response.stream(sink));
    if (writer) {
      packed.clear();
      writer->write({}, true, packed);
      OG_RETURN_IF_ERROR(send_piece(packed));
    }
    return chunked ? send_from_thread(kLastChunk) : Result<void>();
  }

  // Waits on the network side: a handler's place is used only to look for new events.
  asio::awaitable<bool> write_events(HttpResponse& response) {
    keep_alive_ = false;
    const bool chunked = !parser_->is_http_1_0();
    const Framing framing{chunked ? FramingKind::kChunked : FramingKind::kNone};
    if (!co_await send(response_head(response, framing, head_fields()), {})) co_return false;
    gone_.start(transport_->descriptor());
    const auto gone = [this] { return gone_.gone(); };
    auto written = Clock::now();
    std::string framed;
    while (!network_.stopping && !gone()) {
      Result<std::string> events;
      {
        const Places::Place place = co_await network_.handlers.take(std::chrono::hours(24));
        const NetworkThreads::InHandler mark;
        events = response.events();
      }
      const bool failed = !events;
      if (failed)
        events = std::string("event: error\ndata: ").append(error_response(events.error()).body).append("\n\n");
      if (events->empty() && Clock::now() - written >= kHeartbeatInterval) *events = ": heartbeat\n\n";
      if (!events->empty()) {
        framed.clear();
        if (chunked) append_chunk(framed, *events);
        if (!co_await send(chunked ? framed : *events, {})) co_return false;
        written = Clock::now();
        if (failed) break;
        continue;  // more may wait
      }
      asio::steady_timer tick(transport_->executor());
      for (auto waited = std::chrono::milliseconds(0); waited < kEventInterval && !network_.stopping && !gone();
           waited += kEventTick) {
        tick.expires_after(kEventTick);
        co_await tick.async_wait(asio::use_awaitable);
      }
    }
    if (chunked) co_await send(kLastChunk, {});
    co_return false;
  }

  asio::awaitable<void> write_refusal(HttpResponse& response) {
    const std::string id = base::new_ulid();
    keep_alive_ = false;
    co_await send(response_head(response, {FramingKind::kLength, response.body.size()}, {id, false, false}),
                  response.body);
  }

  // A request that is not HTTP still gets an answer in the contract's shape.
  asio::awaitable<void> write_broken(const Error& error) {
    HttpResponse response = error_response(error);
    if (error.code == Code::kResourceLimit) response.status = kHeadersTooLarge;
    co_await write_refusal(response);
  }

  void finish(const Match& match, const HttpRequest& request, int status, Clock::duration took, Service& service) {
    const double seconds = std::chrono::duration<double>(took).count();
    service.metrics().request_done(match.route == nullptr ? "unmatched" : match.route->pattern, status, seconds);
    if (!logs(LogLevel::kInfo, "http")) return;
    std::vector<LogField> fields = {{"method", request.method},
                                    {"path", request.path},
                                    {"status", static_cast<std::int64_t>(status)},
                                    {"duration_us", static_cast<std::int64_t>(seconds * 1e6)}};
    append_request_ids(fields, request);
    log_event(LogLevel::kInfo, "http", "request", fields);
  }

  static constexpr std::size_t kHeaderReadBytes = std::size_t{8} << 10;
  static constexpr int kRequestTimeout = 408;
  static constexpr int kHeadersTooLarge = 431;

  const std::unique_ptr<Transport> transport_;
  Network& network_;
  GoneProbe gone_;
  std::string buffer_;  // received and not parsed
  std::optional<RequestParser> parser_;
  std::optional<Places::Place> stream_place_;
  bool first_ = true;
  bool keep_alive_ = false;
  bool continued_ = false;
  bool aborted_ = false;
  bool timed_out_ = false;
  bool ended_ = false;  // the client sends no more
  std::atomic<bool> idle_{false};
  std::atomic<std::int64_t> deadline_ms_{0};  // steady clock; 0: none
};

std::vector<std::shared_ptr<Session>> Sessions::all() {
  std::vector<std::shared_ptr<Session>> alive;
  const std::lock_guard lock(mutex_);
  alive.reserve(sessions_.size());
  for (Session* session : sessions_) {
    if (auto held = session->weak_from_this().lock()) alive.push_back(std::move(held));
  }
  return alive;
}

void start_session(asio::ip::tcp::socket socket, Network& network) {
  const auto strand = socket.get_executor();
  auto session = std::make_shared<Session>(make_transport(std::move(socket), network.tls), network);
  network.sessions.add(session);
  asio::co_spawn(strand, [session]() { return session->run(); }, asio::detached);
}

void sweep_sessions(Network& network, bool idle_too) {
  for (const auto& session : network.sessions.all()) session->sweep(idle_too);
}

}  // namespace omnigraph::server
