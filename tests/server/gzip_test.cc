#include "server/gzip.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace omnigraph::server {
namespace {

std::string random_text(std::mt19937& random, std::size_t size) {
  std::string text(size, 'a');
  for (char& c : text) c = static_cast<char>('a' + random() % 7);
  return text;
}

TEST(Gzip, RoundTripsInAnyPieces) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const std::size_t size : {0, 1, 1000, 70'000, 300'000}) {
    const std::string text = random_text(random, size);
    std::string packed;
    GzipWriter writer;
    for (std::size_t at = 0; at < size;) {
      const std::size_t count = std::min<std::size_t>(1 + random() % 50'000, size - at);
      writer.write(std::string_view(text).substr(at, count), false, packed);
      at += count;
    }
    writer.write({}, true, packed);
    EXPECT_EQ(gzip_decode(packed, size), text);
    std::size_t sent = 0;
    const BodySource plain = gzip_source([&](std::span<std::byte> out) -> Result<std::size_t> {
      const std::size_t count = std::min<std::size_t>({1 + random() % 5'000, out.size(), packed.size() - sent});
      std::memcpy(out.data(), packed.data() + sent, count);
      sent += count;
      return count;
    });
    std::string read;
    std::vector<std::byte> piece(777);
    for (;;) {
      const auto count = plain(piece);
      ASSERT_TRUE(count);
      if (*count == 0) break;
      read.append(reinterpret_cast<const char*>(piece.data()), *count);
    }
    EXPECT_EQ(read, text);
  }
}

TEST(Gzip, RefusesWhatIsNone) {
  const std::string packed = gzip_encode("hello");
  EXPECT_EQ(gzip_decode(packed.substr(0, packed.size() - 1), 100).error().code, Code::kBadRequest);
  EXPECT_EQ(gzip_decode(packed + "x", 100).error().code, Code::kBadRequest);
  EXPECT_EQ(gzip_decode("plain", 100).error().code, Code::kBadRequest);
  EXPECT_EQ(gzip_decode(packed, 4).error().code, Code::kResourceLimit);
  EXPECT_EQ(gzip_decode(packed, 5), "hello");
}

TEST(Gzip, AcceptEncoding) {
  for (const char* yes : {"gzip", "br, gzip", "GZIP;q=0.1", "*", "deflate , gzip ; q=1"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "gzipx", "x-gzip"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

}  // namespace
}  // namespace omnigraph::server
