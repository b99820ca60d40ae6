#include "lance/string_page_v20.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lance/bitpacking.h"
#include "lance/string_gather.h"

namespace omnigraph::lance {

using columnar::Array;
using columnar::ArrayPtr;
using ArrayKind = ArrayEncoding::Kind;

namespace {

// Above it, a size in bytes could overflow.
constexpr std::uint64_t kValueCountMax = std::uint64_t{1} << 56;

Result<Buffer> page_buffer(const ArrayEncoding& encoding, const PageInfo& page, const PagePlace& place) {
  if (encoding.buffer >= page.buffers.size()) {
    return std::unexpected(place.corrupt("no page buffer " + std::to_string(encoding.buffer)));
  }
  return page.buffers[encoding.buffer];
}

const ArrayEncoding* without_nulls(const ArrayEncoding& encoding) {
  const ArrayEncoding* inner = encoding.kind == ArrayKind::kNoNulls ? encoding.first.get() : &encoding;
  return inner->kind == ArrayKind::kFlat || inner->kind == ArrayKind::kBitpacked ? inner : nullptr;
}

bool is_aligned(const Buffer& buffer) { return reinterpret_cast<std::uintptr_t>(buffer.data()) % 8 == 0; }

std::uint64_t load_end(const std::byte* ends, std::uint64_t i) {
  std::uint64_t value;
  std::memcpy(&value, ends + i * 8, 8);
  return value;
}

// True if the entries never decrease and end at or below `last_max`: then none of them marks a null.
bool is_ascending(const std::byte* ends, std::uint64_t count, std::uint64_t last_max) {
  std::uint64_t falls = 0;
  for (std::uint64_t i = 1; i < count; ++i) falls |= load_end(ends, i) < load_end(ends, i - 1) ? 1 : 0;
  return falls == 0 && (count == 0 || load_end(ends, count - 1) <= last_max);
}

// Raw entries as 8-byte words; in place or in `owned`.
Result<Buffer> raw_offsets(const ArrayEncoding& encoding, std::uint64_t count, const PageInfo& page,
                           const PagePlace& place) {
  const ArrayEncoding* inner = without_nulls(encoding);
  if (inner == nullptr || inner->bits != 64) {
    return std::unexpected(place.unsupported("end offsets that are not 64-bit numbers"));
  }
  if (inner->kind == ArrayKind::kFlat) return load_flat(*inner, count, page, place);
  OG_RETURN_IF_ERROR(check_packed(*inner, count, page, place));
  columnar::ByteSink words;
  unpack(*inner, count, page, words.extend(count * 8));
  return words.finish();
}

struct Strings {
  EndOffsets offsets;
  Buffer bytes;
};

Result<const ArrayEncoding*> bytes_of(const ArrayEncoding& binary, const PagePlace& place) {
  const ArrayEncoding* flat = without_nulls(*binary.second);
  if (flat == nullptr || flat->kind != ArrayKind::kFlat || flat->bits != 8) {
    return std::unexpected(place.unsupported("string bytes that are not plain or compressed bytes"));
  }
  return flat;
}

Result<Strings> read_binary(const ArrayEncoding& binary, std::uint64_t count, const PageInfo& page,
                            const PagePlace& place) {
  OG_ASSIGN_OR_RETURN(const ArrayEncoding* flat, bytes_of(binary, place));
  Strings strings;
  OG_ASSIGN_OR_RETURN(const Buffer stored, page_buffer(*flat, page, place));
  OG_ASSIGN_OR_RETURN(strings.bytes, decompress(flat->compression, stored, place));
  OG_ASSIGN_OR_RETURN(strings.offsets, read_end_offsets(*binary.first, count, binary.null_adjustment,
                                                        strings.bytes.size(), page, place));
  return strings;
}

// Compressed bytes go straight to where the column's bytes are collected.
Result<void> append_compressed(const ArrayEncoding& binary, const ArrayEncoding& flat, const PageInfo& page,
                               const PagePlace& place, LeafBuilder& out) {
  const std::uint64_t count = page.length;
  OG_ASSIGN_OR_RETURN(const Buffer stored, page_buffer(flat, page, place));
  OG_ASSIGN_OR_RETURN(const std::uint64_t size, decompressed_size(flat.compression, stored.bytes(), place));
  OG_ASSIGN_OR_RETURN(const EndOffsets offsets,
                      read_end_offsets(*binary.first, count, binary.null_adjustment, size, page, place));
  const std::uint64_t base = out.string_bytes().size();
  std::byte* bytes = out.string_bytes().extend(size);
  OG_RETURN_IF_ERROR(decompress_into(flat.compression, stored.bytes(), std::span(bytes, size), place));
  const std::byte* ends = offsets.ends.data();
  out.string_bytes().truncate(base + load_end(ends, count - 1));
  std::uint64_t* to = out.add_ends(count);
  for (std::uint64_t i = 0; i < count; ++i) to[i] = base + load_end(ends, i);
  if (!offsets.validity.empty()) out.add_validity(offsets.validity.data(), 0, count);
  return {};
}

template <class T>
void widen(const std::byte* from, std::vector<std::uint32_t>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    T number;
    std::memcpy(&number, from + i * sizeof(T), sizeof(T));
    to[i] = number;
  }
}

// Memory is asked for once the page is known to hold as many numbers as it claims rows.
Result<std::vector<std::uint32_t>> read_indices(const ArrayEncoding& indices, const PageInfo& page,
                                                const PagePlace& place) {
  const std::uint64_t count = page.length;
  const std::uint64_t width = indices.bits / 8;
  Buffer raw;
  if (indices.kind == ArrayKind::kFlat) {
    OG_ASSIGN_OR_RETURN(raw, load_flat(indices, count, page, place));
  } else {
    OG_RETURN_IF_ERROR(check_packed(indices, count, page, place));
    columnar::ByteSink unpacked;
    unpack(indices, count, page, unpacked.extend(count * width));
    raw = unpacked.finish();
  }
  std::vector<std::uint32_t> numbers(count);
  if (width == 1) widen<std::uint8_t>(raw.data(), numbers);
  if (width == 2) widen<std::uint16_t>(raw.data(), numbers);
  if (width == 4) widen<std::uint32_t>(raw.data(), numbers);
  return numbers;
}

// Indices 0 = null, k = item k-1.
Result<void> append_dictionary(const ArrayEncoding& dictionary, const PageInfo& page, const PagePlace& place,
                               LeafBuilder& out) {
  const std::uint64_t item_count = dictionary.item_count;
  const ArrayEncoding* indices = without_nulls(*dictionary.first);
  if (indices == nullptr || indices->bits == 1 || indices->bits == 64 ||
      dictionary.second->kind != ArrayKind::kBinary) {
    return std::unexpected(place.unsupported("dictionary of this form"));
  }
  if (item_count > kPageLevelsMax) return std::unexpected(place.corrupt("claims too many dictionary items"));
  StringTable items;
  if (item_count != 0) {
    OG_ASSIGN_OR_RETURN(const Strings strings, read_binary(*dictionary.second, item_count, page, place));
    items.assign(strings.offsets.ends.data(), item_count, strings.bytes.bytes(), strings.offsets.validity);
  }
  OG_ASSIGN_OR_RETURN(const std::vector<std::uint32_t> numbers, read_indices(*indices, page, place));
  return items.gather(numbers, /*first_number=*/1, place, out);
}

}  // namespace

Result<Buffer> load_flat(const ArrayEncoding& flat, std::uint64_t count, const PageInfo& page, const PagePlace& place) {
  OG_ASSIGN_OR_RETURN(const Buffer stored, page_buffer(flat, page, place));
  OG_ASSIGN_OR_RETURN(const Buffer bytes, decompress(flat.compression, stored, place));
  const std::uint64_t needed = flat.bits == 1 ? bitmap_bytes(count) : count * (flat.bits / 8);
  if (count > kValueCountMax || bytes.size() < needed) {
    return std::unexpected(place.corrupt("buffer " + std::to_string(flat.buffer) + " holds " +
                                         std::to_string(bytes.size()) + " bytes, its values need " +
                                         std::to_string(needed)));
  }
  return bytes.slice(0, needed);
}

Result<void> check_packed(const ArrayEncoding& packed, std::uint64_t count, const PageInfo& page,
                          const PagePlace& place) {
  OG_ASSIGN_OR_RETURN(const Buffer stored, page_buffer(packed, page, place));
  if (packed_block_count(count) > stored.size() / packed_block_bytes(packed.packed_bits)) {
    return std::unexpected(place.corrupt("bit-packed buffer of " + std::to_string(stored.size()) +
                                         " bytes is too short for " + std::to_string(count) + " values"));
  }
  return {};
}

void unpack(const ArrayEncoding& packed, std::uint64_t count, const PageInfo& page, std::byte* out) {
  const std::byte* from = page.buffers[packed.buffer].data();
  switch (packed.bits) {
    case 8: return unpack_values(from, count, packed.packed_bits, reinterpret_cast<std::uint8_t*>(out));
    case 16: return unpack_values(from, count, packed.packed_bits, reinterpret_cast<std::uint16_t*>(out));
    case 32: return unpack_values(from, count, packed.packed_bits, reinterpret_cast<std::uint32_t*>(out));
    default: return unpack_values(from, count, packed.packed_bits, reinterpret_cast<std::uint64_t*>(out));
  }
}

Result<EndOffsets> read_end_offsets(const ArrayEncoding& encoding, std::uint64_t count, std::uint64_t null_adjustment,
                                    std::uint64_t limit, const PageInfo& page, const PagePlace& place) {
  OG_ASSIGN_OR_RETURN(const Buffer raw, raw_offsets(encoding, count, page, place));
  if (null_adjustment == 0) return std::unexpected(place.corrupt("null adjustment 0"));
  EndOffsets offsets;
  if (is_ascending(raw.data(), count, std::min(limit, null_adjustment - 1)) && is_aligned(raw)) {
    offsets.ends = raw;
    offsets.in_place = true;
    return offsets;
  }
  columnar::ByteSink ends;
  auto* to = reinterpret_cast<std::uint64_t*>(ends.extend(count * 8));
  BitBuffer validity;
  std::uint64_t before = 0;
  bool has_nulls = false;
  bool falls = false;
  validity.append_each(count, [&](std::uint64_t i) {
    std::uint64_t end = load_end(raw.data(), i);
    const bool is_null = end >= null_adjustment;
    if (is_null) end -= null_adjustment;
    has_nulls = has_nulls || is_null;
    falls = falls || end < before;
    before = to[i] = end;
    return !is_null;
  });
  if (falls) return std::unexpected(place.corrupt("end offsets decrease"));
  if (before > limit) {
    return std::unexpected(
        place.corrupt("end offset " + std::to_string(before) + " lies beyond " + std::to_string(limit)));
  }
  offsets.ends = ends.finish();
  if (has_nulls) offsets.validity = validity.finish();
  return offsets;
}

Result<ArrayPtr> read_string_page(const ArrayEncoding& encoding, const PageInfo& page, const PagePlace& place,
                                  LeafBuilder& out) {
  if (encoding.kind == ArrayKind::kDictionary) {
    OG_RETURN_IF_ERROR(append_dictionary(encoding, page, place, out));
    return ArrayPtr();
  }
  if (encoding.kind != ArrayKind::kBinary) return std::unexpected(place.corrupt("the encoding does not fit strings"));
  OG_ASSIGN_OR_RETURN(const ArrayEncoding* flat, bytes_of(encoding, place));
  if (flat->compression != Compression::kNone) {
    OG_RETURN_IF_ERROR(append_compressed(encoding, *flat, page, place, out));
    return ArrayPtr();
  }
  OG_ASSIGN_OR_RETURN(Strings strings, read_binary(encoding, page.length, page, place));
  Array::Parts parts;
  parts.type = out.type();
  parts.length = static_cast<std::int64_t>(page.length);
  parts.validity = std::move(strings.offsets.validity);
  parts.values = std::move(strings.bytes);
  parts.ends = std::move(strings.offsets.ends);
  return std::make_shared<const Array>(std::move(parts));
}

}  // namespace omnigraph::lance
