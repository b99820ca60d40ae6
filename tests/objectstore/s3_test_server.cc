#include "tests/objectstore/s3_test_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <thread>

namespace omnigraph::objectstore::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartMax{20};

fs::path server_binary() {
  if (const char* named = std::getenv("OMNIGRAPH_S3_SERVER"); named != nullptr) return named;
  const fs::path program = fs::read_symlink("/proc/self/exe");  // build/<preset>/bin/objectstore_tests
  return program.parent_path().parent_path().parent_path() / "s3_server" / "versitygw";
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// A port nobody has right now.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  OG_CHECK(::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0);
  OG_CHECK(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(probe);
  return ntohs(address.sin_port);
}

bool accepts(std::uint16_t port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return connected;
}

}  // namespace

std::unique_ptr<S3TestServer> S3TestServer::start(std::string& why_not) {
  const std::string binary = server_binary().string();
  if (::access(binary.c_str(), X_OK) != 0) {
    why_not = "no S3 server at '" + binary + "'; run tools/s3_server (needs Go)";
    return nullptr;
  }
  std::unique_ptr<S3TestServer> server(new S3TestServer());
  const std::string data = (server->folder_.path() / "data").string();
  const std::string log = (server->folder_.path() / "log").string();
  fs::create_directory(data);
  const std::uint16_t port = free_port();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  server->url_ = "http://" + address;
  server->process_ = ::fork();
  OG_CHECK(server->process_ >= 0);
  if (server->process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execl(binary.c_str(), "versitygw", "--access", "test-id", "--secret", "test-secret", "--keep-alive", "--port",
            address.c_str(), "posix", data.c_str(), nullptr);
    ::_exit(127);
  }
  const auto give_up = std::chrono::steady_clock::now() + kStartMax;
  while (!accepts(port)) {
    if (::waitpid(server->process_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > give_up) {
      why_not = "the S3 server did not start: " + file_content(log);
      return nullptr;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return server;
}

S3TestServer::~S3TestServer() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

S3Options S3TestServer::options() const {
  return {.environment = [url = url_](const std::string& name) -> std::optional<std::string> {
    static const std::map<std::string, std::string> kFixed = {
        {"AWS_ALLOW_HTTP", "true"}, {"AWS_ACCESS_KEY_ID", "test-id"}, {"AWS_SECRET_ACCESS_KEY", "test-secret"}};
    if (name == "AWS_ENDPOINT_URL_S3") return url;
    const auto found = kFixed.find(name);
    return found == kFixed.end() ? std::nullopt : std::optional(found->second);
  }};
}

}  // namespace omnigraph::objectstore::testing
