// An HTTP server on 127.0.0.1 for tests of clients: a function gives the answers, a log keeps the requests.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace omnigraph::objectstore::testing {

struct SeenRequest {
  std::string method, target;                  // target: path and query as they came
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
};

struct FakeAnswer {
  int status = 200;
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

class LoopbackServer {
 public:
  // nullopt: the connection is closed without an answer. Called from several threads, one call at a time.
  using Handler = std::function<std::optional<FakeAnswer>(const SeenRequest&)>;

  explicit LoopbackServer(Handler handler);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<SeenRequest> requests() const;

 private:
  void accept_all();
  void serve(int connection);

  const Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> requests_;  // guarded by mutex_
  std::vector<int> connections_;       // guarded by mutex_
  std::vector<std::jthread> workers_;  // guarded by mutex_
  std::jthread acceptor_;
};

}  // namespace omnigraph::objectstore::testing
