#include "server/gzip.h"

#include <vector>

#include <zlib.h>

#include "base/text.h"

namespace omnigraph::server {

namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB window, gzip header and trailer
// The default spends four times the processor time for a tenth less.
constexpr int kLevel = 1;
constexpr std::size_t kGzipPieceBytes = std::size_t{64} << 10;

Bytef* input_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

Error bad_gzip() { return bad_request("the request body is not valid gzip"); }

// Decoding with a look at each piece.
class Inflater {
 public:
  Inflater() { OG_CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void feed(std::string_view bytes) {
    stream_.next_in = input_of(bytes);
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  [[nodiscard]] bool hungry() const { return stream_.avail_in == 0; }
  [[nodiscard]] bool ended() const { return ended_; }

  // Bytes written to `out`; 0: it needs more input, or has ended.
  Result<std::size_t> read(std::span<std::byte> out) {
    if (ended_) {
      if (stream_.avail_in != 0) return std::unexpected(bad_gzip());
      return std::size_t{0};
    }
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    ended_ = code == Z_STREAM_END;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return std::unexpected(bad_gzip());
    return out.size() - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace

struct GzipWriter::State {
  z_stream stream{};
};

GzipWriter::GzipWriter() : state_(std::make_unique<State>()) {
  constexpr int kMemoryLevel = 8;
  OG_CHECK(deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK);
}
GzipWriter::~GzipWriter() { deflateEnd(&state_->stream); }

void GzipWriter::write(std::string_view text, bool last, std::string& out) {
  z_stream& stream = state_->stream;
  stream.next_in = input_of(text);
  stream.avail_in = static_cast<uInt>(text.size());
  // A piece is flushed, so that a reader who waits for it gets it.
  const int flush = last ? Z_FINISH : Z_SYNC_FLUSH;
  for (;;) {
    const std::size_t before = out.size();
    out.resize(before + kGzipPieceBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(kGzipPieceBytes);
    const int code = deflate(&stream, flush);
    out.resize(out.size() - stream.avail_out);
    if (code == Z_STREAM_END || stream.avail_out != 0) return;
  }
}

std::string gzip_encode(std::string_view text) {
  std::string out;
  GzipWriter writer;
  // zlib counts in 32 bits.
  constexpr std::size_t kStep = std::size_t{1} << 30;
  while (text.size() > kStep) {
    writer.write(text.substr(0, kStep), false, out);
    text.remove_prefix(kStep);
  }
  writer.write(text, true, out);
  return out;
}

Result<std::string> gzip_decode(std::string_view bytes, std::uint64_t limit) {
  Inflater inflater;
  inflater.feed(bytes);
  std::string out;
  while (!inflater.ended()) {
    const std::size_t before = out.size();
    out.resize(before + kGzipPieceBytes);
    OG_ASSIGN_OR_RETURN(const std::size_t count, inflater.read(std::as_writable_bytes(std::span(out)).subspan(before)));
    out.resize(before + count);
    if (out.size() > limit) {
      return std::unexpected(
          Error{Code::kResourceLimit, "the request body is larger than " + std::to_string(limit) + " bytes"});
    }
    if (count == 0 && !inflater.ended()) return std::unexpected(bad_gzip());
  }
  if (!inflater.hungry()) return std::unexpected(bad_gzip());
  return out;
}

BodySource gzip_source(BodySource encoded) {
  struct State {
    BodySource encoded;
    Inflater inflater;
    std::vector<std::byte> piece = std::vector<std::byte>(kGzipPieceBytes);
  };
  auto state = std::make_shared<State>();
  state->encoded = std::move(encoded);
  return [state](std::span<std::byte> out) -> Result<std::size_t> {
    for (;;) {
      OG_ASSIGN_OR_RETURN(const std::size_t count, state->inflater.read(out));
      if (count != 0) return count;
      OG_ASSIGN_OR_RETURN(const std::size_t more, state->encoded(state->piece));
      if (more == 0) {
        if (!state->inflater.ended()) return std::unexpected(bad_gzip());
        return std::size_t{0};
      }
      state->inflater.feed({reinterpret_cast<const char*>(state->piece.data()), more});
    }
  };
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding = comma == std::string_view::npos ? std::string_view() : accept_encoding.substr(comma + 1);
    const std::size_t semicolon = item.find(';');
    const std::string_view name = base::trim_ascii(item.substr(0, semicolon));
    if (!base::equals_ignore_ascii_case(name, "gzip") && name != "*") continue;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view quality = base::trim_ascii(item.substr(semicolon + 1));
    // q=0, q=0.0 ..: not acceptable.
    const bool refused = quality.starts_with("q=0") && quality.find_first_of("123456789") == std::string_view::npos;
    return !refused;
  }
  return false;
}

}  // namespace omnigraph::server
