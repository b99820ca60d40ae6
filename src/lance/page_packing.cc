#include "lance/page_packing.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "columnar/byte_sink.h"
#include "lance/bitpacking.h"

namespace omnigraph::lance {
namespace {

constexpr int kZstdLevel = 1;

// All bits that any of the values has: as wide as the largest.
template <class T>
T union_of_bits(std::span<const std::byte> values) {
  T all = 0;
  for (std::size_t at = 0; at < values.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, values.data() + at, sizeof(T));
    all = static_cast<T>(all | value);
  }
  return all;
}

template <class T>
std::optional<PackedNumbers> pack(std::span<const std::byte> values, unsigned percent) {
  const std::uint64_t count = values.size() / sizeof(T);
  // Readers of the format refuse a width of 0.
  const unsigned width = std::max(1u, static_cast<unsigned>(std::bit_width(union_of_bits<T>(values))));
  const std::uint64_t size = packed_block_count(count) * packed_block_bytes(width);
  if (count == 0 || width >= 8 * sizeof(T) || size * 100 > values.size() * percent) return std::nullopt;
  columnar::ByteSink packed;
  pack_values<T>(values.data(), count, width, packed.extend(static_cast<std::size_t>(size)));
  return PackedNumbers{packed.finish(), width};
}

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

std::optional<PackedNumbers> pack_numbers(std::span<const std::byte> values, std::uint32_t byte_width,
                                          unsigned percent) {
  switch (byte_width) {
    case 1: return pack<std::uint8_t>(values, percent);
    case 2: return pack<std::uint16_t>(values, percent);
    case 4: return pack<std::uint32_t>(values, percent);
    case 8: return pack<std::uint64_t>(values, percent);
    default: return std::nullopt;
  }
}

Buffer zstd_frame(std::span<const std::byte> bytes) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  OG_CHECK(context != nullptr);
  columnar::ByteSink frame;
  const std::size_t bound = ZSTD_compressBound(bytes.size());
  const std::size_t size =
      ZSTD_compressCCtx(context.get(), frame.extend(bound), bound, bytes.data(), bytes.size(), kZstdLevel);
  OG_CHECK(ZSTD_isError(size) == 0);
  frame.truncate(size);
  return frame.finish();
}

}  // namespace omnigraph::lance
