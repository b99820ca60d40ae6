#include "lance/fsst.h"

#include <cstring>

namespace omnigraph::lance {
namespace {

constexpr std::uint32_t kFsstMagic = 0x46535354;
constexpr std::uint64_t kEnabledBit = std::uint64_t{1} << 24;
constexpr unsigned kEscape = 255;
constexpr std::size_t kHeaderSize = 8;
constexpr std::size_t kSymbolSize = 8;

}  // namespace

Result<FsstDecoder> FsstDecoder::parse(std::string_view table, const PagePlace& place) {
  std::uint64_t header = 0;
  if (table.size() < kHeaderSize) return std::unexpected(place.corrupt("FSST table without a header"));
  std::memcpy(&header, table.data(), kHeaderSize);
  if (header >> 32 != kFsstMagic) return std::unexpected(place.corrupt("FSST table without its magic"));
  FsstDecoder decoder;
  decoder.enabled_ = (header & kEnabledBit) != 0;
  if (!decoder.enabled_) return decoder;
  const std::size_t count = header & 0xff;
  if (table.size() < kHeaderSize + count * (kSymbolSize + 1)) {
    return std::unexpected(place.corrupt("FSST table shorter than its " + std::to_string(count) + " symbols"));
  }
  const char* symbols = table.data() + kHeaderSize;
  const char* lengths = symbols + count * kSymbolSize;
  for (std::size_t code = 0; code < count && code < kEscape; ++code) {
    const auto length = static_cast<std::uint8_t>(lengths[code]);
    if (length == 0 || length > kSymbolSize) return std::unexpected(place.corrupt("FSST symbol of a wrong length"));
    std::memcpy(&decoder.symbols_[code], symbols + code * kSymbolSize, kSymbolSize);
    decoder.lengths_[code] = length;
  }
  return decoder;
}

std::optional<std::size_t> FsstDecoder::decode(std::span<const std::byte> codes, std::byte* out) const {
  if (!enabled_) {
    if (!codes.empty()) std::memcpy(out, codes.data(), codes.size());
    return codes.size();
  }
  std::byte* at = out;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto code = std::to_integer<unsigned>(codes[i]);
    if (code == kEscape) {
      if (++i == codes.size()) return std::nullopt;
      *at++ = codes[i];
      continue;
    }
    // Eight bytes always, as many as count: a store of fixed size costs no branch.
    std::memcpy(at, &symbols_[code], kSymbolSize);
    const std::size_t length = lengths_[code];
    if (length == 0) return std::nullopt;
    at += length;
  }
  return static_cast<std::size_t>(at - out);
}

}  // namespace omnigraph::lance
