// HTTP over libcurl with connections that are kept and used again. One instance a process is enough. Redirects are not
// followed, so that what a header holds never reaches another host.
// Thread safety: send() may be called from many threads; each call takes a handle (and its connection) of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omnigraph::base {

struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::span<const std::byte> body{};  // borrowed for the call
  // Sent at most once: without this a connection that turns out dead is replaced and the request sent again.
  bool once = false;
  bool direct = false;  // past any proxy: services of this machine
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::seconds stall_timeout{10};     // without a byte in either direction
  std::chrono::milliseconds total_timeout{};  // of the whole exchange; 0: none
  std::size_t answer_bytes_max = 0;           // a longer answer is a failure; 0: any length
  std::string ca_bundle{};                    // PEM file; empty: the system's
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // lower-case names
  std::string body;

  // The first header of that (lower-case) name; "" if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct HttpFailure {
  enum class Stage {
    kUnreachable,  // no connection came about, nothing was sent
    kUnknown       // the request may have arrived, the whole answer did not
  };
  Stage stage = Stage::kUnknown;
  bool permanent = false;  // trying again cannot help: the URL, a certificate, a file
  std::string message;
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  [[nodiscard]] std::expected<HttpResponse, HttpFailure> send(const HttpRequest& request);

  // The process's own; never destroyed, since threads may outlive main.
  [[nodiscard]] static HttpClient& shared();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace omnigraph::base
