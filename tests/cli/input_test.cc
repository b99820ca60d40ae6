#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "cli/decompress.h"
#include "cli/progress_line.h"

namespace omnigraph::cli {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// Gives at most `piece` bytes a call, as a pipe may.
ByteReader pieces(std::string bytes, std::size_t piece) {
  return
      [bytes = std::move(bytes), piece, at = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
        const std::size_t count = std::min({out.size(), piece, bytes.size() - at});
        std::copy_n(std::as_bytes(std::span(bytes)).begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
        at += count;
        return count;
      };
}

Result<std::string> read_all(const ByteReader& reader, std::size_t step) {
  std::string text;
  for (;;) {
    std::vector<std::byte> buffer(step);
    OG_ASSIGN_OR_RETURN(const std::size_t got, reader(buffer));
    if (got == 0) return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

std::string sample(std::size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) text.append("{\"name\":\"").append(std::to_string(random() % 1000)).append("\"}\n");
  return text;
}

// Goal: whatever the cut of the input and the caller's buffer, the bytes are those that were compressed.
TEST(Decompressed, EveryFormWhateverTheCut) {
  for (const std::string& text : {std::string(), std::string("x"), std::string("{}\n"), sample(700'000)}) {
    const std::string half = text.substr(0, text.size() / 2), rest = text.substr(text.size() / 2);
    for (const std::string& stored : {text, gzip(text), zstd(text), gzip(half) + gzip(rest), zstd(half) + zstd(rest)}) {
      for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{70'000}, std::size_t{1} << 20}) {
        if (piece < 10 && text.size() > 1000) continue;
        const auto got = read_all(decompressed(pieces(stored, piece), "f"), piece == 3 ? 5 : 65'536);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_TRUE(*got == text) << stored.size() << " bytes in pieces of " << piece;
      }
    }
  }
}

// Goal: what is cut off or altered is never taken for the end of the data.
TEST(Decompressed, RefusesDamage) {
  const std::string text = sample(50'000);
  for (const std::string& whole : {gzip(text), zstd(text)}) {
    for (const std::size_t size : {std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
      const auto cut = read_all(decompressed(pieces(whole.substr(0, size), 4096), "data.gz"), 4096);
      ASSERT_FALSE(cut) << size << " of " << whole.size();
      EXPECT_NE(cut.error().message.find("'data.gz'"), std::string::npos) << cut.error().message;
      EXPECT_NE(cut.error().message.find("cut off"), std::string::npos) << cut.error().message;
    }
  }
  std::string bad = gzip(text);
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 0x55);
  EXPECT_FALSE(read_all(decompressed(pieces(bad, 4096), "f"), 4096));
}

TEST(ProgressText, SaysAFractionOnlyOfAKnownTotal) {
  EXPECT_EQ(
      progress_text(
          "load", {.done = 1'900'000'000, .total = 3'100'000'000, .bytes = true, .rows = 4'120'000, .phase = "reading"},
          10),
      "load  [############        ]  61 %  1.9/3.1 GB  412,000 rows/s  ETA 0:06  reading");
  EXPECT_EQ(progress_text("load", {.done = 1'500, .bytes = true, .rows = 10}, 2), "load  1.5 kB  5 rows/s  0:02");
  EXPECT_EQ(progress_text("verify", {.done = 12, .total = 48, .unit = "commit records"}, 3),
            "verify  [#####               ]  25 %  12/48 commit records  ETA 0:09");
  EXPECT_EQ(progress_text("optimize", {}, 75), "optimize  1:15");
}

}  // namespace
}  // namespace omnigraph::cli
