#include "server/transport.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/err.h>

#include "base/file.h"

namespace omnigraph::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// What plain and TLS streams do alike. Stream: a socket, or a layer around one.
template <class Stream>
class StreamTransport : public Transport {
 public:
  asio::awaitable<Outcome> read_some(asio::mutable_buffer out) final {
    const auto [failed, size] = co_await stream_.async_read_some(out, kTuple);
    co_return Outcome{failed, size};
  }
  asio::awaitable<error_code> write(std::array<asio::const_buffer, 2> pieces) override {
    const auto [failed, size] = co_await asio::async_write(stream_, pieces, kTuple);
    co_return failed;
  }
  void cancel() final {
    error_code ignored;
    socket().cancel(ignored);
  }
  asio::any_io_executor executor() final { return stream_.get_executor(); }
  int descriptor() final { return socket().native_handle(); }

 protected:
  template <class... Parts>
  explicit StreamTransport(Parts&&... parts) : stream_(std::forward<Parts>(parts)...) {}

  auto& socket() { return stream_.lowest_layer(); }
  void shut_sending() {
    error_code ignored;
    socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  Stream stream_;
};

class PlainTransport final : public StreamTransport<tcp::socket> {
 public:
  explicit PlainTransport(tcp::socket socket) : StreamTransport(std::move(socket)) {
    error_code ignored;
    stream_.non_blocking(true, ignored);
  }

  asio::awaitable<bool> open() override { co_return true; }
  // Most answers fit the socket's buffer: those cost no turn of the event loop.
  asio::awaitable<error_code> write(std::array<asio::const_buffer, 2> pieces) override {
    error_code failed;
    std::size_t sent = stream_.write_some(pieces, failed);
    if (failed && failed != asio::error::would_block) co_return failed;
    for (asio::const_buffer& piece : pieces) {
      const std::size_t of_piece = std::min(sent, piece.size());
      piece += of_piece;
      sent -= of_piece;
    }
    if (asio::buffer_size(pieces) == 0) co_return error_code();
    co_return co_await StreamTransport::write(pieces);
  }
  asio::awaitable<void> end_writing() override {
    shut_sending();
    co_return;
  }
};

}  // namespace

class TlsContext {
 public:
  asio::ssl::context context{asio::ssl::context::tls_server};
};

namespace {

class TlsTransport final : public StreamTransport<asio::ssl::stream<tcp::socket>> {
 public:
  TlsTransport(tcp::socket socket, TlsContext& tls) : StreamTransport(std::move(socket), tls.context) {}

  asio::awaitable<bool> open() override {
    const auto [failed] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kTuple);
    co_return !failed;
  }
  asio::awaitable<void> end_writing() override {
    co_await stream_.async_shutdown(kTuple);
    shut_sending();
  }
};

Error tls_error(const std::string& what, const std::string& path, const error_code& failed) {
  ERR_clear_error();
  return bad_request("cannot use the TLS " + what + " '" + path + "': " + failed.message());
}

}  // namespace

Result<std::shared_ptr<TlsContext>> open_tls(const std::string& certificate_path, const std::string& key_path) {
  auto tls = std::make_shared<TlsContext>();
  error_code failed;
  tls->context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                               asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                               asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression,
                           failed);
  OG_RETURN_IF_ERROR(base::read_file(certificate_path));  // names a file that is missing or unreadable
  OG_RETURN_IF_ERROR(base::read_file(key_path));
  tls->context.use_certificate_chain_file(certificate_path, failed);
  if (failed) return std::unexpected(tls_error("certificate", certificate_path, failed));
  tls->context.use_private_key_file(key_path, asio::ssl::context::pem, failed);
  if (failed) return std::unexpected(tls_error("key", key_path, failed));
  if (SSL_CTX_check_private_key(tls->context.native_handle()) != 1) {
    ERR_clear_error();
    return std::unexpected(
        bad_request("the TLS key '" + key_path + "' does not belong to the certificate '" + certificate_path + "'"));
  }
  return tls;
}

std::unique_ptr<Transport> make_transport(tcp::socket socket, const std::shared_ptr<TlsContext>& tls) {
  if (tls) return std::make_unique<TlsTransport>(std::move(socket), *tls);
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace omnigraph::server
