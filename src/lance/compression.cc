#include "lance/compression.h"

#include <lz4.h>
#include <zstd.h>

#include <cstring>
#include <memory>

#include "columnar/byte_sink.h"

namespace omnigraph::lance {
namespace {

constexpr std::uint32_t kZstdMagic = 0xfd2fb528;
// An RLE block makes 128 KiB of 4 bytes; frames that claim more are lying.
constexpr std::uint64_t kZstdRatioMax = 40'000;
constexpr std::uint64_t kLz4RatioMax = 256;

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_DCtx* thread_context() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  OG_CHECK(context != nullptr);
  return context.get();
}

bool is_bare_frame(std::span<const std::byte> bytes) {
  std::uint32_t magic = 0;
  if (bytes.size() < sizeof(magic)) return false;
  std::memcpy(&magic, bytes.data(), sizeof(magic));
  return magic == kZstdMagic;
}

std::size_t prefix_size(Compression scheme, std::span<const std::byte> bytes) {
  if (scheme == Compression::kLz4) return 4;
  return is_bare_frame(bytes) ? 0 : 8;
}

}  // namespace

Result<std::uint64_t> decompressed_size(Compression scheme, std::span<const std::byte> bytes, const PagePlace& place) {
  if (scheme == Compression::kNone) return bytes.size();
  const std::size_t prefix = prefix_size(scheme, bytes);
  if (bytes.size() < prefix) return std::unexpected(place.corrupt("compressed buffer without a length"));
  std::uint64_t size = 0;
  if (prefix != 0) {
    std::memcpy(&size, bytes.data(), prefix);
  } else {
    size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
      return std::unexpected(place.corrupt("zstd frame without a content size"));
    }
  }
  const std::uint64_t ratio_max = scheme == Compression::kZstd ? kZstdRatioMax : kLz4RatioMax;
  if (size > kDecompressedMax || size / ratio_max > bytes.size()) {
    return std::unexpected(place.corrupt("compressed buffer claims to hold " + std::to_string(size) + " bytes"));
  }
  return size;
}

Result<void> decompress_into(Compression scheme, std::span<const std::byte> bytes, std::span<std::byte> out,
                             const PagePlace& place) {
  if (scheme == Compression::kNone) {
    if (bytes.size() != out.size()) return std::unexpected(place.corrupt("buffer has another size than its values"));
    if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size());
    return {};
  }
  const std::span<const std::byte> body = bytes.subspan(prefix_size(scheme, bytes));
  if (scheme == Compression::kZstd) {
    const std::size_t written = ZSTD_decompressDCtx(thread_context(), out.data(), out.size(), body.data(), body.size());
    if (ZSTD_isError(written) != 0) {
      return std::unexpected(place.corrupt(std::string("zstd: ") + ZSTD_getErrorName(written)));
    }
    if (written != out.size()) return std::unexpected(place.corrupt("zstd frame ends early"));
    return {};
  }
  if (body.size() > LZ4_MAX_INPUT_SIZE || out.size() > LZ4_MAX_INPUT_SIZE) {
    return std::unexpected(place.corrupt("lz4 block above 2 GiB"));
  }
  // lz4 asks for a target even of an empty block.
  char nothing = 0;
  char* target = out.empty() ? &nothing : reinterpret_cast<char*>(out.data());
  const int written = LZ4_decompress_safe(reinterpret_cast<const char*>(body.data()), target,
                                          static_cast<int>(body.size()), static_cast<int>(out.size()));
  if (written < 0 || static_cast<std::size_t>(written) != out.size()) {
    return std::unexpected(place.corrupt("malformed lz4 block"));
  }
  return {};
}

Result<Buffer> decompress(Compression scheme, const Buffer& bytes, const PagePlace& place) {
  if (scheme == Compression::kNone) return bytes;
  OG_ASSIGN_OR_RETURN(const std::uint64_t size, decompressed_size(scheme, bytes.bytes(), place));
  columnar::ByteSink out;
  std::byte* target = out.extend(size);
  OG_RETURN_IF_ERROR(decompress_into(scheme, bytes.bytes(), std::span(target, size), place));
  return out.finish();
}

}  // namespace omnigraph::lance
