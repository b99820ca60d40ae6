#include "client/http.h"

#include <curl/curl.h>

#include <memory>

#include "base/text.h"

namespace omnigraph::client {

namespace {

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

class HeaderList {
 public:
  void add(const std::string& line) { list_.reset(curl_slist_append(list_.release(), line.c_str())); }
  [[nodiscard]] curl_slist* get() const { return list_.get(); }

 private:
  std::unique_ptr<curl_slist, ListDeleter> list_;
};

// What the callbacks of one exchange share.
struct Exchange {
  CURL* handle;
  HttpResponse response;
  const TextSink* sink = nullptr;
  const HeadSink* head = nullptr;
  const ByteSource* upload = nullptr;
  std::optional<Error> failed{};  // of the sink or the source
};

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line = base::trim_ascii({data, size * count});
  if (line.starts_with("HTTP/")) {  // a new answer begins, after `100 Continue` for example
    exchange.response.headers.clear();
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    exchange.response.headers.emplace_back(base::to_lower_ascii(line.substr(0, colon)),
                                           std::string(base::trim_ascii(line.substr(colon + 1))));
  } else if (line.empty() && exchange.head != nullptr) {  // the headers are complete
    long status = 0;
    curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    if (!exchange.response.ok()) return size * count;
    if (auto taken = (*exchange.head)(exchange.response); !taken) {
      exchange.failed = std::move(taken).error();
      return 0;
    }
  }
  return size * count;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view piece(data, size * count);
  long status = 0;
  curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
  const bool success = status >= 200 && status < 300;
  if (success && exchange.sink != nullptr) {
    if (auto taken = (*exchange.sink)(piece); !taken) {
      exchange.failed = std::move(taken).error();
      return 0;  // any count but the given one ends the transfer
    }
    return piece.size();
  }
  std::string& body = exchange.response.body;
  body.append(success ? piece : piece.substr(0, kErrorBodyBytesMax - std::min(body.size(), kErrorBodyBytesMax)));
  return piece.size();
}

std::size_t give_body(char* out, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  auto given = (*exchange.upload)(std::as_writable_bytes(std::span(out, size * count)));
  if (given) return *given;
  exchange.failed = std::move(given).error();
  return CURL_READFUNC_ABORT;
}

bool is_read(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

// A header value that could end its line would add headers of its own.
bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

Result<HeaderList> headers_of(const HttpRequest& request) {
  HeaderList headers;
  if (request.token) {
    if (breaks_line(*request.token))
      return std::unexpected(bad_request("the bearer token holds a line break; store it again with `omnigraph login`"));
    headers.add(std::string("Authorization: Bearer ").append(*request.token));
  }
  for (const auto& [name, value] : request.headers) {
    if (breaks_line(value)) return std::unexpected(bad_request("the value of header " + name + " holds a line break"));
    // libcurl sends a header without a value only in this form.
    headers.add(value.empty() ? name + ";" : std::string(name).append(": ").append(value));
  }
  if (!request.content_type.empty()) headers.add(std::string("Content-Type: ").append(request.content_type));
  headers.add("Accept: application/json, application/x-ndjson, */*");
  // A refused upload is answered before its bytes are sent.
  headers.add(request.upload ? "Expect: 100-continue" : "Expect:");
  return headers;
}

void set_body(CURL* handle, const HttpRequest& request, Exchange& exchange) {
  if (request.upload) {
    exchange.upload = &request.upload;
    curl_easy_setopt(handle, CURLOPT_POST, 1L);  // without a size: chunked
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(handle, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  } else if (!request.content_type.empty()) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
  } else if (request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, "");
  } else if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method == "HEAD" ? nullptr : request.method.c_str());
}

Error transfer_error(const HttpRequest& request, CURLcode code, const char* detail) {
  const std::string origin = request.url.substr(0, request.url.find('/', request.url.find("://") + 3));
  const std::string reason = *detail != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return bad_request("cannot use the server address '" + request.url + "': " + reason);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return Error{Code::kUnavailable, "cannot reach the server at " + origin + ": " + reason};
    default: break;
  }
  std::string text = "the exchange with the server at " + origin + " broke off: " + reason;
  if (!is_read(request)) text += "; whether the request took effect is unknown";
  return Error{Code::kUnavailable, std::move(text)};
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return std::nullopt;
}

HttpSession::HttpSession() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  OG_CHECK(started == CURLE_OK);
  handle_ = curl_easy_init();
  OG_CHECK(handle_ != nullptr);
}

HttpSession::~HttpSession() { curl_easy_cleanup(static_cast<CURL*>(handle_)); }

Result<HttpResponse> HttpSession::send(const HttpRequest& request, const TextSink& sink, const HeadSink& head) {
  CURL* handle = static_cast<CURL*>(handle_);
  curl_easy_reset(handle);  // keeps the connection
  OG_ASSIGN_OR_RETURN(const HeaderList headers, headers_of(request));
  Exchange exchange{.handle = handle, .response = {}, .sink = sink ? &sink : nullptr, .head = head ? &head : nullptr};
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // `..` in a name is no path step
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  if (!is_read(request)) curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
  set_body(handle, request, exchange);
  const CURLcode code = curl_easy_perform(handle);
  if (exchange.failed) return std::unexpected(std::move(*exchange.failed));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  // A refusal that came before the upload was through counts, whatever became of the connection after it.
  const bool refused = request.upload && status >= 300 && !exchange.response.body.empty();
  if (code != CURLE_OK && !refused) return std::unexpected(transfer_error(request, code, reason));
  return std::move(exchange.response);
}

Result<std::string> url_of(std::string_view base, std::span<const std::string> segments,
                           std::span<const std::pair<std::string, std::string>> query) {
  std::string url(base);
  for (const std::string& segment : segments) {
    if (segment.empty()) return std::unexpected(bad_request("a name in the address of a request must not be empty"));
    url.append("/").append(base::percent_encode(segment));
  }
  char separator = '?';
  for (const auto& [name, value] : query) {
    url.append(1, separator).append(base::percent_encode(name)).append("=").append(base::percent_encode(value));
    separator = '&';
  }
  return url;
}

}  // namespace omnigraph::client
