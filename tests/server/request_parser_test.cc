// A request is the same however its bytes are cut.
#include "server/request_parser.h"

#include <gtest/gtest.h>

#include <optional>

namespace omnigraph::server {
namespace {

struct Parsed {
  HttpRequest request;
  std::string body;
  bool done = false;
};

// Feeds `text` in pieces of `step` bytes, keeping what was not taken as a connection does.
std::optional<Parsed> parse(std::string_view text, std::size_t step) {
  RequestParser parser;
  std::string buffer;
  while (!parser.done() && (!text.empty() || !buffer.empty())) {
    buffer.append(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
    for (bool more = true; more && !parser.done() && !buffer.empty();) {
      const auto taken = parser.put(buffer);
      if (!taken) return std::nullopt;
      buffer.erase(0, *taken);
      more = *taken != 0;
    }
    if (text.empty() && !parser.done()) break;
  }
  return Parsed{parser.request(), parser.body(), parser.done()};
}

TEST(RequestParser, AnyCut) {
  const std::string text =
      "POST /graphs/a%2Fb/query?branch=x+y&x=%C3%A9&flag HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const auto parsed = parse(text, step);
    ASSERT_TRUE(parsed && parsed->done) << step;
    EXPECT_EQ(parsed->body, "hello world") << step;
    EXPECT_EQ(parsed->request.segments, (std::vector<std::string>{"graphs", "a/b", "query"}));
    const std::vector<std::pair<std::string, std::string>> query{{"branch", "x y"}, {"x", "é"}, {"flag", ""}};
    EXPECT_EQ(parsed->request.query, query);
    EXPECT_EQ(parsed->request.header("content-type"), "application/json");
    EXPECT_FALSE(parsed->request.content_length);
  }
}

TEST(RequestParser, LengthIsKnownBeforeTheBody) {
  RequestParser parser;
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 33554433\r\n\r\n";
  ASSERT_TRUE(parser.put(head));
  EXPECT_TRUE(parser.header_done());
  EXPECT_FALSE(parser.done());
  EXPECT_EQ(parser.request().content_length, 33554433U);
}

TEST(RequestParser, RefusesWhatTwoServersCouldReadInTwoWays) {
  for (const std::string headers :
       {"Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length: +1", "Content-Length: 1, 2", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Content-Length : 1", "A\x01: b"}) {
    EXPECT_FALSE(parse("POST / HTTP/1.1\r\n" + headers + "\r\n\r\nx", 1000)) << headers;
  }
}

TEST(RequestParser, HeadersHaveABound) {
  RequestParser parser;
  const std::string flood = "GET / HTTP/1.1\r\nA: " + std::string(kHeaderBytesMax + 1, 'x');
  const auto put = parser.put(flood);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Code::kResourceLimit);
}

TEST(RequestParser, BadEscapesAreMarked) {
  for (const std::string target : {"/%", "/%g0", "/%ff", "/a?x=%C3", "/\xff"}) {
    HttpRequest request;
    decode_target(target, request);
    EXPECT_TRUE(request.bad_escape) << target;
  }
}

}  // namespace
}  // namespace omnigraph::server
