#include "lance/value_decoder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "lance/bitpacking.h"
#include "lance/compression.h"

namespace omnigraph::lance {

using columnar::TypeId;
using ValueKind = ValueEncoding::Kind;

namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Calls f with a zero of the unsigned type of that width.
template <class F>
auto with_width(std::uint32_t bits, F&& f) {
  switch (bits) {
    case 8: return f(std::uint8_t{});
    case 16: return f(std::uint16_t{});
    case 32: return f(std::uint32_t{});
    default: return f(std::uint64_t{});
  }
}

Error too_short(const PagePlace& place, std::uint64_t size, std::uint64_t needed) {
  return place.corrupt("values of " + std::to_string(size) + " bytes, " + std::to_string(needed) + " are needed");
}

// Word W, then 1024 values packed; again and again, the last chunk padded.
template <class T>
Result<void> unpack_inline(Bytes bytes, std::uint64_t count, T* out, const PagePlace& place) {
  while (count != 0) {
    if (bytes.size() < sizeof(T)) return std::unexpected(too_short(place, bytes.size(), sizeof(T)));
    const T width = load<T>(bytes.data());
    if (width > 8 * sizeof(T)) return std::unexpected(place.corrupt("bit-packed width " + std::to_string(width)));
    bytes = bytes.subspan(sizeof(T));
    const std::size_t packed = packed_block_bytes(static_cast<unsigned>(width));
    if (bytes.size() < packed) return std::unexpected(too_short(place, bytes.size(), packed));
    const std::uint64_t taken = std::min<std::uint64_t>(count, kPackedBlockValues);
    unpack_values<T>(bytes.data(), taken, static_cast<unsigned>(width), out);
    bytes = bytes.subspan(packed);
    out += taken;
    count -= taken;
  }
  return {};
}

// Full groups of 1024, then the tail: packed and padded, or raw words, which the size tells.
template <class T>
Result<void> unpack_out_of_line(Bytes bytes, std::uint64_t count, std::uint32_t width, T* out, const PagePlace& place) {
  const std::uint64_t full = count / kPackedBlockValues;
  const std::uint64_t tail = count % kPackedBlockValues;
  const std::size_t group = packed_block_bytes(width);
  const bool raw_tail = tail != 0 && bytes.size() == full * group + tail * sizeof(T);
  const std::uint64_t needed = raw_tail ? bytes.size() : (full + (tail != 0 ? 1 : 0)) * group;
  if (bytes.size() < needed) return std::unexpected(too_short(place, bytes.size(), needed));
  const std::uint64_t packed_count = raw_tail ? full * kPackedBlockValues : count;
  unpack_values<T>(bytes.data(), packed_count, width, out);
  if (raw_tail) std::memcpy(out + packed_count, bytes.data() + full * group, tail * sizeof(T));
  return {};
}

template <class T>
Result<void> expand_runs(Bytes values, Bytes lengths, std::uint64_t count, T* out, const PagePlace& place) {
  std::uint64_t at = 0;
  const std::size_t runs = std::min(values.size() / sizeof(T), lengths.size());
  for (std::size_t run = 0; run < runs && at < count; ++run) {
    const auto length = std::min<std::uint64_t>(std::to_integer<std::uint64_t>(lengths[run]), count - at);
    std::fill_n(out + at, length, load<T>(values.data() + run * sizeof(T)));
    at += length;
  }
  if (at != count) {
    return std::unexpected(place.corrupt("runs make " + std::to_string(at) + " values of " + std::to_string(count)));
  }
  return {};
}

template <class T>
void join_byte_streams(Bytes bytes, std::uint64_t count, std::byte* out) {
  for (std::size_t k = 0; k < sizeof(T); ++k) {
    const std::byte* from = bytes.data() + k * count;
    for (std::uint64_t i = 0; i < count; ++i) out[i * sizeof(T) + k] = from[i];
  }
}

// n+1 offsets, checked: not decreasing, inside of `bytes`.
template <class Offset>
Result<void> check_offsets(Bytes bytes, std::uint64_t count, std::size_t at, std::size_t base, const PagePlace& place) {
  if (bytes.size() < at || (bytes.size() - at) / sizeof(Offset) < count + 1) {
    return std::unexpected(too_short(place, bytes.size(), at + (count + 1) * sizeof(Offset)));
  }
  const std::byte* offsets = bytes.data() + at;
  bool falls = false;
  Offset before = load<Offset>(offsets);
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto next = load<Offset>(offsets + i * sizeof(Offset));
    falls = falls || next < before;
    before = next;
  }
  if (falls) return std::unexpected(place.corrupt("string offsets decrease"));
  if (before > bytes.size() - std::min(base, bytes.size()) || base > bytes.size()) {
    return std::unexpected(place.corrupt("string offset " + std::to_string(before) + " lies beyond its buffer"));
  }
  return {};
}

}  // namespace

Result<void> decode_block(const ValueEncoding& encoding, Bytes block, std::uint64_t count, std::uint32_t bits,
                          std::byte* out, const PagePlace& place) {
  if (encoding.kind == ValueKind::kGeneral) {
    OG_ASSIGN_OR_RETURN(const std::uint64_t size, decompressed_size(encoding.compression, block, place));
    std::vector<std::byte> inner(size);
    OG_RETURN_IF_ERROR(decompress_into(encoding.compression, block, inner, place));
    return decode_block(*encoding.first, inner, count, bits, out, place);
  }
  if (encoding.bits != bits) {
    return std::unexpected(place.unsupported("block of " + std::to_string(encoding.bits) + "-bit values"));
  }
  return with_width(bits, [&](auto zero) -> Result<void> {
    using T = decltype(zero);
    T* values = reinterpret_cast<T*>(out);
    switch (encoding.kind) {
      case ValueKind::kFlat:
        if (block.size() / sizeof(T) < count) {
          return std::unexpected(too_short(place, block.size(), count * sizeof(T)));
        }
        if (count != 0) std::memcpy(out, block.data(), count * sizeof(T));
        return {};
      case ValueKind::kInlineBitpacking: return unpack_inline<T>(block, count, values, place);
      case ValueKind::kOutOfLineBitpacking:
        return unpack_out_of_line<T>(block, count, encoding.packed_bits, values, place);
      case ValueKind::kRle: {
        const std::uint64_t size = block.size() < 8 ? block.size() + 1 : load<std::uint64_t>(block.data());
        if (size > block.size() || size > block.size() - 8) {
          return std::unexpected(place.corrupt("run-length block without its values"));
        }
        return expand_runs<T>(block.subspan(8, size), block.subspan(8 + size), count, values, place);
      }
      default: return std::unexpected(place.unsupported("block encoding of this kind"));
    }
  });
}

Result<StringBlock> decode_string_block(const ValueEncoding& encoding, Bytes block, std::uint64_t count,
                                        const PagePlace& place) {
  if (encoding.kind == ValueKind::kGeneral) {
    OG_ASSIGN_OR_RETURN(const std::uint64_t size, decompressed_size(encoding.compression, block, place));
    std::vector<std::byte> inner(size);
    OG_RETURN_IF_ERROR(decompress_into(encoding.compression, block, inner, place));
    return decode_string_block(*encoding.first, inner, count, place);
  }
  if (encoding.kind != ValueKind::kVariable) return std::unexpected(place.unsupported("dictionary of this encoding"));
  const auto decode = [&](auto zero) -> Result<StringBlock> {
    using Offset = decltype(zero);
    constexpr std::size_t kHeader = 2 * sizeof(Offset);
    if (block.size() < kHeader) return std::unexpected(too_short(place, block.size(), kHeader));
    if (load<Offset>(block.data()) != 8 * sizeof(Offset)) {
      return std::unexpected(place.corrupt("string block with offsets of another width"));
    }
    const std::uint64_t start = load<Offset>(block.data() + sizeof(Offset));
    OG_RETURN_IF_ERROR(check_offsets<Offset>(block, count, kHeader, start, place));
    const std::byte* offsets = block.data() + kHeader;
    StringBlock strings;
    strings.ends.resize(count);
    const std::uint64_t first = load<Offset>(offsets);
    for (std::uint64_t i = 0; i < count; ++i) {
      strings.ends[i] = load<Offset>(offsets + (i + 1) * sizeof(Offset)) - first;
    }
    const std::byte* bytes = block.data() + start + first;
    strings.bytes.assign(bytes, bytes + (count == 0 ? 0 : strings.ends.back()));
    return strings;
  };
  return encoding.packed_bits == 32 ? decode(std::uint32_t{}) : decode(std::uint64_t{});
}

Result<MiniBlockDecoder> MiniBlockDecoder::make(const ValueEncoding& encoding, const PagePlace& place) {
  MiniBlockDecoder decoder(encoding, place);
  const ValueEncoding* inner = &encoding;
  while (inner->kind == ValueKind::kGeneral) inner = inner->first.get();
  if (inner->kind == ValueKind::kFsst) {
    OG_ASSIGN_OR_RETURN(decoder.fsst_, FsstDecoder::parse(inner->symbol_table, place));
  }
  return decoder;
}

Result<void> MiniBlockDecoder::decode(std::span<const Bytes> buffers, std::uint64_t count, LeafBuilder& out) {
  return decode_leaf(*encoding_, buffers, count, out);
}

Result<void> MiniBlockDecoder::decode_indices(std::span<const Bytes> buffers, std::uint64_t count,
                                              std::vector<std::uint32_t>& out) {
  const std::size_t before = out.size();
  out.resize(before + count);
  return decode_numbers(*encoding_, buffers, count, 32, reinterpret_cast<std::byte*>(out.data() + before));
}

Result<std::vector<Bytes>> MiniBlockDecoder::decompress_first(const ValueEncoding& encoding,
                                                              std::span<const Bytes> buffers) {
  if (buffers.empty()) return std::unexpected(place_->corrupt("a chunk without value buffers"));
  // An inner General decompresses from scratch_ itself, so the result goes into a fresh vector first.
  OG_ASSIGN_OR_RETURN(const std::uint64_t size, decompressed_size(encoding.compression, buffers[0], *place_));
  std::vector<std::byte> plain(size);
  OG_RETURN_IF_ERROR(decompress_into(encoding.compression, buffers[0], plain, *place_));
  scratch_ = std::move(plain);
  std::vector<Bytes> replaced(buffers.begin(), buffers.end());
  replaced[0] = scratch_;
  return replaced;
}

Result<void> MiniBlockDecoder::decode_leaf(const ValueEncoding& encoding, std::span<const Bytes> buffers,
                                           std::uint64_t count, LeafBuilder& out) {
  const columnar::DataType& type = out.type();
  if (buffers.empty()) return std::unexpected(place_->corrupt("a chunk without value buffers"));
  if (encoding.kind == ValueKind::kGeneral &&
      (type.is_string_like() || type.id == TypeId::kBool || type.id == TypeId::kFixedSizeList)) {
    OG_ASSIGN_OR_RETURN(const std::vector<Bytes> plain, decompress_first(encoding, buffers));
    return decode_leaf(*encoding.first, plain, count, out);
  }
  if (type.is_string_like()) return decode_strings(encoding, buffers[0], count, out);
  if (type.id == TypeId::kBool) {
    if (encoding.kind != ValueKind::kFlat || encoding.bits != 1) {
      return std::unexpected(place_->unsupported("bools that are not a bitmap"));
    }
    if (buffers[0].size() < bitmap_bytes(count)) {
      return std::unexpected(too_short(*place_, buffers[0].size(), bitmap_bytes(count)));
    }
    out.add_bools(buffers[0].data(), 0, count);
    return {};
  }
  if (type.id != TypeId::kFixedSizeList) {
    const std::uint32_t bits = type.byte_width() * 8;
    if (encoding.kind == ValueKind::kFlat && buffers[0].size() / type.byte_width() < count) {
      return std::unexpected(too_short(*place_, buffers[0].size(), count * type.byte_width()));
    }
    return decode_numbers(encoding, buffers, count, bits, out.add_values(count));
  }
  if (encoding.kind != ValueKind::kFixedSizeList || encoding.item_count != type.list_size) {
    return std::unexpected(place_->corrupt("the encoding does not fit the type " + columnar::type_name(type)));
  }
  const std::uint64_t items = count * type.list_size;
  const std::span<const Bytes> values = buffers.subspan(encoding.has_validity ? 1 : 0);
  OG_RETURN_IF_ERROR(decode_leaf(*encoding.first, values, items, out.items()));
  if (encoding.has_validity) {
    if (buffers[0].size() < bitmap_bytes(items)) {
      return std::unexpected(too_short(*place_, buffers[0].size(), bitmap_bytes(items)));
    }
    out.items().add_validity(buffers[0].data(), 0, items);
  }
  out.add_slots(count);
  return {};
}

Result<void> MiniBlockDecoder::decode_numbers(const ValueEncoding& encoding, std::span<const Bytes> buffers,
                                              std::uint64_t count, std::uint32_t bits, std::byte* out) {
  if (buffers.size() < (encoding.kind == ValueKind::kRle ? 2u : 1u)) {
    return std::unexpected(place_->corrupt("a chunk without value buffers"));
  }
  if (encoding.kind == ValueKind::kGeneral) {
    OG_ASSIGN_OR_RETURN(const std::vector<Bytes> plain, decompress_first(encoding, buffers));
    return decode_numbers(*encoding.first, plain, count, bits, out);
  }
  if (encoding.bits != bits) {
    return std::unexpected(place_->corrupt("values of " + std::to_string(encoding.bits) + " bits where the type has " +
                                           std::to_string(bits)));
  }
  const Bytes values = buffers[0];
  return with_width(bits, [&](auto zero) -> Result<void> {
    using T = decltype(zero);
    T* to = reinterpret_cast<T*>(out);
    switch (encoding.kind) {
      case ValueKind::kFlat:
      case ValueKind::kByteStreamSplit:
        if (values.size() / sizeof(T) < count) {
          return std::unexpected(too_short(*place_, values.size(), count * sizeof(T)));
        }
        if (encoding.kind == ValueKind::kByteStreamSplit) {
          join_byte_streams<T>(values, count, out);
        } else if (count != 0) {
          std::memcpy(out, values.data(), count * sizeof(T));
        }
        return {};
      case ValueKind::kInlineBitpacking: return unpack_inline<T>(values, count, to, *place_);
      case ValueKind::kRle: return expand_runs<T>(values, buffers[1], count, to, *place_);
      default: return std::unexpected(place_->unsupported("mini-block values of this encoding"));
    }
  });
}

Result<void> MiniBlockDecoder::decode_strings(const ValueEncoding& encoding, Bytes buffer, std::uint64_t count,
                                              LeafBuilder& out) {
  const ValueEncoding* variable = encoding.kind == ValueKind::kFsst ? encoding.first.get() : &encoding;
  if (variable->kind != ValueKind::kVariable) {
    return std::unexpected(place_->corrupt("the encoding does not fit strings"));
  }
  const auto decode = [&](auto zero) -> Result<void> {
    using Offset = decltype(zero);
    OG_RETURN_IF_ERROR(check_offsets<Offset>(buffer, count, 0, 0, *place_));
    const std::byte* offsets = buffer.data();
    const auto offset = [&](std::uint64_t i) -> std::uint64_t { return load<Offset>(offsets + i * sizeof(Offset)); };
    columnar::ByteSink& bytes = out.string_bytes();
    const std::uint64_t base = bytes.size();
    const std::uint64_t first = offset(0);
    const std::uint64_t total = offset(count) - first;
    if (encoding.kind == ValueKind::kVariable) {
      bytes.append(buffer.data() + first, total);
      std::uint64_t* ends = out.add_ends(count);
      for (std::uint64_t i = 0; i < count; ++i) ends[i] = base + offset(i + 1) - first;
      return {};
    }
    std::byte* start = bytes.extend(FsstDecoder::room_for(total));
    std::byte* at = start;
    std::uint64_t* ends = out.add_ends(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto size = fsst_->decode(buffer.subspan(offset(i), offset(i + 1) - offset(i)), at);
      if (!size) return std::unexpected(place_->corrupt("FSST code without a symbol"));
      at += *size;
      ends[i] = base + static_cast<std::uint64_t>(at - start);
    }
    bytes.truncate(base + static_cast<std::uint64_t>(at - start));
    return {};
  };
  return variable->packed_bits == 32 ? decode(std::uint32_t{}) : decode(std::uint64_t{});
}

}  // namespace omnigraph::lance
