#include "base/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/text.h"
#include "base/version.h"

namespace omnigraph::base {
namespace {

// More calls than this at once are fine; their connections are closed afterwards.
constexpr std::size_t kIdleHandlesMax = 32;
// A size in a header is only believed so far when memory is set aside for the answer.
constexpr std::size_t kReserveMax = std::size_t{1} << 30;
constexpr long kTransferBufferBytes = 512L << 10;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// Where one transfer reads and writes.
struct Transfer {
  std::span<const std::byte> unsent;
  std::size_t answer_bytes_max = 0;
  HttpResponse response;
};

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* data) {
  auto& unsent = static_cast<Transfer*>(data)->unsent;
  const std::size_t taken = std::min(size * count, unsent.size());
  std::memcpy(buffer, unsent.data(), taken);
  unsent = unsent.subspan(taken);
  return taken;
}

// Returning another number than was offered ends the transfer with an error; exceptions must not cross libcurl.
std::size_t on_body(const char* bytes, std::size_t size, std::size_t count, void* data) {
  try {
    auto& transfer = *static_cast<Transfer*>(data);
    std::string& body = transfer.response.body;
    if (transfer.answer_bytes_max != 0 && size * count > transfer.answer_bytes_max - body.size()) return 0;
    body.append(bytes, size * count);
    return size * count;
  } catch (const std::exception&) {
    return 0;
  }
}

std::size_t on_header(const char* bytes, std::size_t size, std::size_t count, void* data) {
  try {
    auto& transfer = *static_cast<Transfer*>(data);
    HttpResponse& response = transfer.response;
    const std::string_view line = trim_ascii(std::string_view(bytes, size * count));
    if (line.starts_with("HTTP/")) {  // of the answer after a `100 Continue`
      response.headers.clear();
      response.body.clear();
      return size * count;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    std::string name = to_lower_ascii(line.substr(0, colon));
    const std::string_view value = trim_ascii(line.substr(colon + 1));
    if (name == "content-length") {
      std::size_t length = 0;
      std::from_chars(value.data(), value.data() + value.size(), length);
      response.body.reserve(std::min(length, transfer.answer_bytes_max == 0 ? kReserveMax : transfer.answer_bytes_max));
    }
    response.headers.emplace_back(std::move(name), value);
    return size * count;
  } catch (const std::exception&) {
    return 0;
  }
}

HttpFailure failure_of(CURLcode code, CURL* easy, const char* detail) {
  HttpFailure failure;
  failure.message = *detail != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      failure.permanent = true;
      failure.stage = HttpFailure::Stage::kUnreachable;
      break;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: failure.stage = HttpFailure::Stage::kUnreachable; break;
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t ready_us = 0;  // when the request could be sent; 0: never
      curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
      if (ready_us == 0) failure.stage = HttpFailure::Stage::kUnreachable;
      break;
    }
    default: break;
  }
  return failure;
}

void set_method(CURL* easy, const HttpRequest& request, Transfer& transfer) {
  const auto size = static_cast<curl_off_t>(request.body.size());
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  const bool sends_body = request.method == "PUT" || request.method == "POST";
  if (sends_body && request.once) {
    // Without a way to rewind the body libcurl reports a dead connection instead of sending the body again.
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
  } else if (sends_body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                     request.body.empty() ? "" : reinterpret_cast<const char*>(request.body.data()));
  }
  if (request.method != "GET") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

HeaderList header_list(const HttpRequest& request) {
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    OG_CHECK(longer != nullptr);
    list = longer;
  };
  add("Expect:");  // waiting for `100 Continue` would cost a round trip
  add("Accept:");
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    typed = typed || equals_ignore_ascii_case(name, "content-type");
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!typed) add(request.body.empty() ? "Content-Type:" : "Content-Type: application/octet-stream");
  return {list, &curl_slist_free_all};
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return {};
}

struct HttpClient::State {
  std::mutex mutex;
  std::vector<Easy> idle;  // Guarded by mutex. The one used last, whose connection is the freshest, at the end.
  CURLSH* share = nullptr;
  std::array<std::mutex, CURL_LOCK_DATA_LAST> share_mutexes;

  Easy take() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        Easy easy = std::move(idle.back());
        idle.pop_back();
        return easy;
      }
    }
    Easy easy(curl_easy_init(), &curl_easy_cleanup);
    OG_CHECK(easy != nullptr);
    curl_easy_setopt(easy.get(), CURLOPT_SHARE, share);
    return easy;
  }

  void give_back(Easy easy) {
    curl_easy_reset(easy.get());  // keeps its connections and the share
    const std::lock_guard lock(mutex);
    if (idle.size() < kIdleHandlesMax) idle.push_back(std::move(easy));
  }
};

HttpClient::HttpClient() : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { OG_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  // Names and TLS sessions are shared, so that a further connection costs no look-up and a shorter handshake.
  state_->share = curl_share_init();
  OG_CHECK(state_->share != nullptr);
  const auto lock = [](CURL*, curl_lock_data data, curl_lock_access, void* mutexes) {
    (*static_cast<std::array<std::mutex, CURL_LOCK_DATA_LAST>*>(mutexes))[data].lock();
  };
  const auto unlock = [](CURL*, curl_lock_data data, void* mutexes) {
    (*static_cast<std::array<std::mutex, CURL_LOCK_DATA_LAST>*>(mutexes))[data].unlock();
  };
  curl_share_setopt(state_->share, CURLSHOPT_USERDATA, &state_->share_mutexes);
  curl_share_setopt(state_->share, CURLSHOPT_LOCKFUNC, static_cast<curl_lock_function>(lock));
  curl_share_setopt(state_->share, CURLSHOPT_UNLOCKFUNC, static_cast<curl_unlock_function>(unlock));
  curl_share_setopt(state_->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  curl_share_setopt(state_->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

HttpClient::~HttpClient() {
  state_->idle.clear();
  curl_share_cleanup(state_->share);
}

HttpClient& HttpClient::shared() {
  static HttpClient& client = *new HttpClient();
  return client;
}

std::expected<HttpResponse, HttpFailure> HttpClient::send(const HttpRequest& request) {
  Easy easy = state_->take();
  CURL* const handle = easy.get();
  Transfer transfer{.unsent = request.body, .answer_bytes_max = request.answer_bytes_max, .response = {}};
  std::array<char, CURL_ERROR_SIZE> detail{};
  const HeaderList headers = header_list(request);
  const std::string agent = "omnigraph/" + std::string(version());

  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
  if (request.total_timeout.count() > 0) {
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  }
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kTransferBufferBytes);
  curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, kTransferBufferBytes);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  if (request.direct) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  if (!request.ca_bundle.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, request.ca_bundle.c_str());
  set_method(handle, request, transfer);

  const CURLcode code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK) {
    const HttpFailure failure = failure_of(code, handle, detail.data());
    state_->give_back(std::move(easy));
    return std::unexpected(failure);
  }
  state_->give_back(std::move(easy));
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

}  // namespace omnigraph::base
