// Keep-alive load on one HTTP route: how many requests a second, and how long they take.
//
//   http_load HOST:PORT PATH BODY [connections=64] [seconds=5] [token]
//
// One thread, one request in flight on each connection, so that the load is what the server makes of it. BODY empty:
// GET. Ends with 1 when any answer is not 200.

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Connection {
  int socket = -1;
  std::string received;
  Clock::time_point sent;
};

int open_socket(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0) fail("getaddrinfo");
  const int made = socket(found->ai_family, SOCK_STREAM, 0);
  if (made < 0 || connect(made, found->ai_addr, found->ai_addrlen) != 0) fail("connect");
  freeaddrinfo(found);
  const int on = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return made;
}

// Bytes of the first answer in `text`, 0 while it is not whole.
std::size_t answer_size(std::string_view text) {
  const std::size_t head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  const std::size_t length = text.find("Content-Length: ");
  if (length == std::string_view::npos || length > head) return 0;
  const std::size_t body = std::strtoull(text.data() + length + std::strlen("Content-Length: "), nullptr, 10);
  return text.size() >= head + 4 + body ? head + 4 + body : 0;
}

class Load {
 public:
  Load(std::string request, std::size_t connections, const std::string& host, const std::string& port)
      : request_(std::move(request)), events_(epoll_create1(0)), connections_(connections) {
    for (Connection& connection : connections_) {
      connection.socket = open_socket(host, port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      if (epoll_ctl(events_, EPOLL_CTL_ADD, connection.socket, &event) != 0) fail("epoll_ctl");
    }
  }

  void run(double seconds) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    for (Connection& connection : connections_) send_request(connection);
    std::vector<epoll_event> ready(connections_.size());
    while (Clock::now() < end) {
      const int count = epoll_wait(events_, ready.data(), static_cast<int>(ready.size()), 1000);
      for (int i = 0; i < count; ++i) receive(*static_cast<Connection*>(ready[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  int report(double seconds) {
    std::ranges::sort(micros_);
    if (micros_.empty()) return std::printf("no answers\n"), 1;
    const auto at = [&](double share) {
      return static_cast<double>(micros_[static_cast<std::size_t>(share * static_cast<double>(micros_.size() - 1))]) /
             1000;
    };
    std::printf("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms, %zu answers, %zu not 200\n",
                static_cast<double>(micros_.size()) / seconds, at(0.5), at(0.99), at(0.999), at(1), micros_.size(),
                failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  void send_request(Connection& connection) {
    connection.sent = Clock::now();
    if (send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size()))
      fail("send");
  }

  void receive(Connection& connection) {
    char buffer[16384];
    const ssize_t size = recv(connection.socket, buffer, sizeof(buffer), 0);
    if (size <= 0) fail("recv");
    connection.received.append(buffer, static_cast<std::size_t>(size));
    if (answer_size(connection.received) == 0) return;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.sent);
    micros_.push_back(static_cast<std::uint32_t>(took.count()));
    if (!connection.received.starts_with("HTTP/1.1 200 ") && failed_++ == 0)
      std::fprintf(stderr, "%s\n", connection.received.c_str());
    connection.received.clear();
    send_request(connection);
  }

  const std::string request_;
  const int events_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> micros_;
  std::size_t failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "http_load HOST:PORT PATH BODY [connections] [seconds] [token]\n"), 2;
  const std::string address = argv[1], path = argv[2], body = argv[3];
  const std::size_t connections = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 64;
  const double seconds = argc > 5 ? std::strtod(argv[5], nullptr) : 5;
  std::string request = body.empty() ? "GET " : "POST ";
  request.append(path).append(" HTTP/1.1\r\nHost: ").append(address).append("\r\n");
  if (argc > 6) request.append("Authorization: Bearer ").append(argv[6]).append("\r\n");
  if (!body.empty())
    request.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  request.append("\r\n").append(body);
  const std::size_t colon = address.rfind(':');
  Load load(std::move(request), connections, address.substr(0, colon), address.substr(colon + 1));
  load.run(seconds);
  return load.report(seconds);
}
