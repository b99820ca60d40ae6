#include "cli/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace omnigraph::cli {

namespace {

constexpr std::size_t kInputBytes = std::size_t{256} << 10;
constexpr std::array<unsigned char, 2> kGzip{0x1f, 0x8b};
constexpr std::array<unsigned char, 4> kZstd{0x28, 0xb5, 0x2f, 0xfd};

// The compressed bytes, with those that were looked at to recognize the form.
class Input {
 public:
  explicit Input(ByteReader source) : source_(std::move(source)), buffer_(kInputBytes) {}

  // Reads until `count` bytes are there or the source ends.
  Result<void> look_ahead(std::size_t count) {
    while (end_ - begin_ < count && !ended_) {
      OG_ASSIGN_OR_RETURN(const std::size_t got, source_(std::span(buffer_).subspan(end_)));
      ended_ = got == 0;
      end_ += got;
    }
    return {};
  }

  Result<void> refill() {
    if (begin_ < end_ || ended_) return {};
    begin_ = end_ = 0;
    return look_ahead(1);
  }

  [[nodiscard]] std::span<const std::byte> available() const {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  void consume(std::size_t count) { begin_ += count; }
  [[nodiscard]] bool at_end() const { return ended_ && begin_ == end_; }

 private:
  ByteReader source_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual Result<std::size_t> read(Input& input, std::span<std::byte> out) = 0;
};

Error damaged(const std::string& name, const char* form, const char* why) {
  return bad_request("'" + name + "' cannot be read: its " + form + " data is " + why);
}

class PlainDecoder final : public Decoder {
 public:
  Result<std::size_t> read(Input& input, std::span<std::byte> out) override {
    OG_RETURN_IF_ERROR(input.refill());
    const auto given = input.available();
    const std::size_t count = std::min(given.size(), out.size());
    std::copy_n(given.begin(), count, out.begin());
    input.consume(count);
    return count;
  }
};

class GzipDecoder final : public Decoder {
 public:
  explicit GzipDecoder(std::string name) : name_(std::move(name)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    OG_CHECK(inflateInit2(&stream_, kGzipOnly) == Z_OK);
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  Result<std::size_t> read(Input& input, std::span<std::byte> out) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out == out.size()) {
      OG_RETURN_IF_ERROR(input.refill());
      if (input.at_end()) {
        if (inside_) return std::unexpected(damaged(name_, "gzip", "cut off"));
        return std::size_t{0};
      }
      if (!std::exchange(inside_, true)) inflateReset(&stream_);
      const auto given = input.available();
      stream_.next_in =
          reinterpret_cast<Bytef*>(const_cast<std::byte*>(given.data()));  // zlib's interface; it only reads
      stream_.avail_in = static_cast<uInt>(given.size());
      const int state = inflate(&stream_, Z_NO_FLUSH);
      input.consume(given.size() - stream_.avail_in);
      if (state == Z_STREAM_END) {
        inside_ = false;
      } else if (state != Z_OK && state != Z_BUF_ERROR) {
        return std::unexpected(damaged(name_, "gzip", "damaged"));
      }
    }
    return out.size() - stream_.avail_out;
  }

 private:
  const std::string name_;
  z_stream stream_{};
  bool inside_ = false;  // a member has begun and not ended
};

class ZstdDecoder final : public Decoder {
 public:
  explicit ZstdDecoder(std::string name) : name_(std::move(name)), stream_(ZSTD_createDStream()) {
    OG_CHECK(stream_ != nullptr);
  }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  Result<std::size_t> read(Input& input, std::span<std::byte> out) override {
    ZSTD_outBuffer into{out.data(), out.size(), 0};
    while (into.pos == 0) {
      OG_RETURN_IF_ERROR(input.refill());
      if (input.at_end()) {
        if (inside_) return std::unexpected(damaged(name_, "zstd", "cut off"));
        return std::size_t{0};
      }
      const auto given = input.available();
      ZSTD_inBuffer from{given.data(), given.size(), 0};
      const std::size_t state = ZSTD_decompressStream(stream_, &into, &from);
      input.consume(from.pos);
      if (ZSTD_isError(state) != 0) return std::unexpected(damaged(name_, "zstd", ZSTD_getErrorName(state)));
      inside_ = state != 0;
    }
    return into.pos;
  }

 private:
  const std::string name_;
  ZSTD_DStream* stream_;
  bool inside_ = false;
};

template <std::size_t N>
bool begins_with(std::span<const std::byte> bytes, const std::array<unsigned char, N>& magic) {
  return bytes.size() >= N && std::memcmp(bytes.data(), magic.data(), N) == 0;
}

struct State {
  State(ByteReader source, std::string name_of) : input(std::move(source)), name(std::move(name_of)) {}
  Input input;
  std::string name;
  std::unique_ptr<Decoder> decoder{};
};

}  // namespace

ByteReader decompressed(ByteReader source, std::string name) {
  auto state = std::make_shared<State>(std::move(source), std::move(name));
  return [state](std::span<std::byte> out) -> Result<std::size_t> {
    if (state->decoder == nullptr) {
      OG_RETURN_IF_ERROR(state->input.look_ahead(kZstd.size()));
      const auto first = state->input.available();
      if (begins_with(first, kGzip)) {
        state->decoder = std::make_unique<GzipDecoder>(state->name);
      } else if (begins_with(first, kZstd)) {
        state->decoder = std::make_unique<ZstdDecoder>(state->name);
      } else {
        state->decoder = std::make_unique<PlainDecoder>();
      }
    }
    return state->decoder->read(state->input, out);
  };
}

}  // namespace omnigraph::cli
