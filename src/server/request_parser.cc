#include "server/request_parser.h"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/text.h"

namespace omnigraph::server {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

using View = boost::beast::string_view;

std::string_view text_of(View view) { return {view.data(), view.size()}; }

// What is wrong, in words of ours.
std::string_view description(const error_code& failed) {
  if (failed == http::error::bad_method) return "the request line does not begin with a method";
  if (failed == http::error::bad_target) return "the request target is not valid";
  if (failed == http::error::bad_version) return "the protocol version is not HTTP/1.0 or HTTP/1.1";
  if (failed == http::error::bad_line_ending) return "a line does not end in CR LF";
  if (failed == http::error::bad_field) return "a header name is not valid";
  if (failed == http::error::bad_value || failed == http::error::bad_obs_fold) return "a header value is not valid";
  if (failed == http::error::bad_content_length) return "Content-Length is not one number";
  if (failed == http::error::bad_transfer_encoding) return "Transfer-Encoding is not understood";
  if (failed == http::error::bad_chunk || failed == http::error::bad_chunk_extension)
    return "a chunk of the body is not valid";
  return "it does not follow RFC 9112";
}

}  // namespace

class RequestParser::Impl final : public http::basic_parser<true> {
 public:
  Impl() {
    header_limit(kHeaderBytesMax);
    body_limit(boost::none);
  }
  HttpRequest request;
  std::string body;
  bool expects_continue = false;
  unsigned version = 11;

 private:
  void on_request_impl(http::verb, View method, View target, int http_version, error_code& failed) override {
    failed = {};
    request.method = text_of(method);
    version = static_cast<unsigned>(http_version);
    decode_target(text_of(target), request);
  }
  void on_response_impl(int, View, int, error_code& failed) override { failed = {}; }
  void on_field_impl(http::field field, View name, View value, error_code& failed) override {
    failed = {};
    if (field == http::field::expect && base::equals_ignore_ascii_case(text_of(value), "100-continue"))
      expects_continue = true;
    request.headers.emplace_back(base::to_lower_ascii(text_of(name)), std::string(text_of(value)));
  }
  void on_header_impl(error_code& failed) override { failed = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& failed) override { failed = {}; }
  std::size_t on_body_impl(View piece, error_code& failed) override {
    failed = {};
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, error_code& failed) override { failed = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, View piece, error_code& failed) override {
    failed = {};
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_finish_impl(error_code& failed) override { failed = {}; }
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}
RequestParser::~RequestParser() = default;

Result<std::size_t> RequestParser::put(std::string_view input) {
  std::size_t total = 0;
  const bool header_was_done = header_done();
  while (!impl_->is_done() && total < input.size()) {
    error_code failed;
    const std::size_t taken = impl_->put(boost::asio::const_buffer(input.data() + total, input.size() - total), failed);
    total += taken;
    if (failed == http::error::need_more) break;
    if (failed == http::error::header_limit) {
      return std::unexpected(Error{Code::kResourceLimit, "the request line and headers are larger than " +
                                                             std::to_string(kHeaderBytesMax) + " bytes"});
    }
    if (failed) return std::unexpected(bad_request("malformed HTTP request: " + std::string(description(failed))));
    // The caller looks at the headers before any of the body is taken.
    if (!header_was_done && header_done()) {
      if (const auto length = impl_->content_length()) impl_->request.content_length = *length;
      break;
    }
  }
  return total;
}

bool RequestParser::header_done() const { return impl_->is_header_done(); }
bool RequestParser::done() const { return impl_->is_done(); }
HttpRequest& RequestParser::request() { return impl_->request; }
bool RequestParser::keep_alive() const { return impl_->keep_alive(); }
bool RequestParser::is_http_1_0() const { return impl_->version == 10; }
bool RequestParser::expects_continue() const { return impl_->expects_continue; }
std::string& RequestParser::body() { return impl_->body; }

void decode_target(std::string_view target, HttpRequest& out) {
  const std::size_t question = target.find('?');
  out.path = target.substr(0, question);
  const auto decode = [&](std::string_view text, bool plus_is_space) -> std::string {
    const bool plain = text.find_first_of(plus_is_space ? "%+" : "%") == std::string_view::npos;
    if (plain && std::ranges::all_of(text, [](char c) { return static_cast<signed char>(c) >= 0; }))
      return std::string(text);
    std::string spaced(text);
    if (plus_is_space) std::ranges::replace(spaced, '+', ' ');
    auto decoded = base::percent_decode(spaced);
    if (!decoded || !base::is_valid_utf8(*decoded)) {
      out.bad_escape = true;
      return {};
    }
    return std::move(*decoded);
  };
  std::string_view path = out.path;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    out.segments.push_back(decode(path.substr(0, slash), false));
    if (slash == std::string_view::npos) break;
    path = path.substr(slash + 1);
  }
  for (std::string_view rest = question == std::string_view::npos ? "" : target.substr(question + 1); !rest.empty();) {
    const std::size_t amp = rest.find('&');
    const std::string_view pair = rest.substr(0, amp);
    const std::size_t equals = pair.find('=');
    if (!pair.empty()) {
      out.query.emplace_back(decode(pair.substr(0, equals), true),
                             equals == std::string_view::npos ? "" : decode(pair.substr(equals + 1), true));
    }
    rest = amp == std::string_view::npos ? std::string_view() : rest.substr(amp + 1);
  }
}

}  // namespace omnigraph::server
