// The bytes of one connection, plain or TLS. Both look the same to the session, so that the templates of the network
// library stay in transport.cc and session.cc. Thread safety: none; used on the connection's strand.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"

namespace omnigraph::server {

class Transport {
 public:
  using Outcome = std::pair<boost::system::error_code, std::size_t>;
  virtual ~Transport() = default;

  // Whatever has to happen before the first request; false: the client is no such client.
  [[nodiscard]] virtual boost::asio::awaitable<bool> open() = 0;
  [[nodiscard]] virtual boost::asio::awaitable<Outcome> read_some(boost::asio::mutable_buffer out) = 0;
  // Both pieces, whole.
  [[nodiscard]] virtual boost::asio::awaitable<boost::system::error_code> write(
      std::array<boost::asio::const_buffer, 2> pieces) = 0;
  // No more will be written; what was written still arrives.
  [[nodiscard]] virtual boost::asio::awaitable<void> end_writing() = 0;

  // Operations under way end with an error.
  virtual void cancel() = 0;
  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
  [[nodiscard]] virtual int descriptor() = 0;
};

// Certificate chain and key, PEM files, as one configured context.
class TlsContext;
[[nodiscard]] Result<std::shared_ptr<TlsContext>> open_tls(const std::string& certificate_path,
                                                           const std::string& key_path);

// `tls` null: plain; else it outlives the transport.
[[nodiscard]] std::unique_ptr<Transport> make_transport(boost::asio::ip::tcp::socket socket,
                                                        const std::shared_ptr<TlsContext>& tls);

}  // namespace omnigraph::server
