#include "tests/objectstore/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

#include "base/result.h"
#include "base/text.h"

namespace omnigraph::objectstore::testing {
namespace {

// Reads until the request is whole; nullopt: the peer is gone.
std::optional<SeenRequest> read_request(int connection, std::string& buffered) {
  const auto read_more = [&] {
    char chunk[65536];
    const ssize_t size = ::recv(connection, chunk, sizeof chunk, 0);
    if (size > 0) buffered.append(chunk, static_cast<std::size_t>(size));
    return size > 0;
  };
  std::size_t end = 0;
  while ((end = buffered.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) return std::nullopt;
  }
  SeenRequest request;
  std::string_view head = std::string_view(buffered).substr(0, end);
  const std::string_view first = head.substr(0, head.find("\r\n"));
  request.method = first.substr(0, first.find(' '));
  request.target = first.substr(first.find(' ') + 1, first.rfind(' ') - first.find(' ') - 1);
  for (head.remove_prefix(first.size()); head.starts_with("\r\n");) {
    head.remove_prefix(2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size());
    const std::size_t colon = line.find(':');
    request.headers[base::to_lower_ascii(line.substr(0, colon))] = base::trim_ascii(line.substr(colon + 1));
  }
  std::size_t length = 0;
  const std::string& text = request.headers["content-length"];
  std::from_chars(text.data(), text.data() + text.size(), length);
  buffered.erase(0, end + 4);
  while (buffered.size() < length) {
    if (!read_more()) return std::nullopt;
  }
  request.body = buffered.substr(0, length);
  buffered.erase(0, length);
  return request;
}

std::string to_text(const FakeAnswer& answer, bool with_body) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  return text + "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + (with_body ? answer.body : "");
}

}  // namespace

LoopbackServer::LoopbackServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  OG_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  OG_CHECK(::listen(listener_, 16) == 0);
  OG_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::jthread> workers;
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    workers.swap(workers_);
  }
  workers.clear();
  for (const int connection : connections_) ::close(connection);
  ::close(listener_);
}

std::vector<SeenRequest> LoopbackServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void LoopbackServer::accept_all() {
  while (true) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    const std::lock_guard lock(mutex_);
    connections_.push_back(connection);
    workers_.emplace_back([this, connection] { serve(connection); });
  }
}

void LoopbackServer::serve(int connection) {
  std::string buffered;
  while (const auto request = read_request(connection, buffered)) {
    std::optional<FakeAnswer> answer;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
      answer = handler_(*request);
    }
    if (!answer) break;
    const std::string text = to_text(*answer, request->method != "HEAD");
    if (::send(connection, text.data(), text.size(), MSG_NOSIGNAL) < 0) break;
  }
  ::shutdown(connection, SHUT_RDWR);
}

}  // namespace omnigraph::objectstore::testing
