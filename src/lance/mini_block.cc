// Mini-block pages. Buffers: 0 chunk words, 1 chunks, then the dictionary if there is one, then the repetition index.
//
//   chunk word: low 4 bits log2(values), upper bits chunk bytes / 8 - 1
//   chunk:      u16 levels | u16 rep bytes? | u16 def bytes? | per value buffer its bytes, u16 or u32
//               | rep | def | value buffers; each part padded to 8 bytes
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "lance/page_values.h"
#include "lance/string_gather.h"
#include "lance/value_decoder.h"

namespace omnigraph::lance {
namespace {

// What four bits of logarithm can say; the last chunk, which says nothing, is not larger.
constexpr std::uint64_t kChunkValuesMax = 32'768;

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Cuts parts off a chunk, each starting at a multiple of 8.
class ChunkCursor {
 public:
  ChunkCursor(Bytes chunk, const PagePlace& place) : chunk_(chunk), place_(place) {}

  Result<std::uint64_t> number(std::size_t size) {
    if (chunk_.size() - at_ < size) return std::unexpected(place_.corrupt("chunk shorter than its header"));
    const std::uint64_t value =
        size == 2 ? load<std::uint16_t>(chunk_.data() + at_) : load<std::uint32_t>(chunk_.data() + at_);
    at_ += size;
    return value;
  }
  Result<Bytes> part(std::uint64_t size) {
    const std::size_t begin = (at_ + 7) / 8 * 8;
    if (begin > chunk_.size() || chunk_.size() - begin < size) {
      return std::unexpected(place_.corrupt("chunk part of " + std::to_string(size) +
                                            " bytes lies beyond its chunk of " + std::to_string(chunk_.size())));
    }
    at_ = begin + size;
    return chunk_.subspan(begin, size);
  }

 private:
  Bytes chunk_;
  const PagePlace& place_;
  std::size_t at_ = 0;
};

Result<void> append_levels(const ValueEncoding& encoding, Bytes bytes, std::uint64_t count,
                           std::vector<std::uint16_t>& out, const PagePlace& place) {
  const std::size_t before = out.size();
  out.resize(before + count);
  return decode_block(encoding, bytes, count, 16, reinterpret_cast<std::byte*>(out.data() + before), place);
}

class MiniBlockPage {
 public:
  MiniBlockPage(const PageLayout& layout, const PageInfo& page, const PagePlace& place, LeafBuilder& out,
                Levels& levels)
      : layout_(layout), page_(page), place_(place), out_(out), levels_(levels) {}

  Result<void> decode() {
    const std::size_t wanted = 2u + (layout_.dictionary ? 1 : 0);
    if (page_.buffers.size() < wanted) return std::unexpected(place_.corrupt("mini-block page without its buffers"));
    OG_ASSIGN_OR_RETURN(MiniBlockDecoder decoder, MiniBlockDecoder::make(*layout_.values, place_));
    const std::size_t word_size = layout_.has_large_chunk ? 4 : 2;
    const Bytes words = page_.buffers[0].bytes();
    Bytes chunks = page_.buffers[1].bytes();
    const std::size_t chunk_count = words.size() / word_size;
    std::uint64_t left = layout_.item_count;
    for (std::size_t i = 0; i < chunk_count; ++i) {
      const std::byte* at = words.data() + i * word_size;
      const std::uint64_t word = word_size == 4 ? load<std::uint32_t>(at) : load<std::uint16_t>(at);
      const std::uint64_t size = ((word >> 4) + 1) * 8;
      const std::uint64_t count = i + 1 == chunk_count ? left : std::uint64_t{1} << (word & 15);
      if (count > left || count > kChunkValuesMax) {
        return std::unexpected(place_.corrupt("chunk " + std::to_string(i) + " claims " + std::to_string(count) +
                                              " values, " + std::to_string(left) + " are left"));
      }
      if (size > chunks.size()) {
        return std::unexpected(place_.corrupt("chunk " + std::to_string(i) + " lies beyond its buffer"));
      }
      OG_RETURN_IF_ERROR(decode_chunk(decoder, chunks.first(size), count));
      chunks = chunks.subspan(size);
      left -= count;
    }
    if (left != 0) return std::unexpected(place_.corrupt("the chunks lack " + std::to_string(left) + " values"));
    if (layout_.repetition == nullptr && layout_.definition == nullptr) levels_.count = layout_.item_count;
    if (layout_.dictionary) return look_up();
    return {};
  }

 private:
  Result<void> decode_chunk(MiniBlockDecoder& decoder, Bytes chunk, std::uint64_t count) {
    ChunkCursor cursor(chunk, place_);
    std::uint64_t repetition_size = 0;
    std::uint64_t definition_size = 0;
    OG_ASSIGN_OR_RETURN(const std::uint64_t level_count, cursor.number(2));
    if (layout_.repetition) {
      OG_ASSIGN_OR_RETURN(repetition_size, cursor.number(2));
    }
    if (layout_.definition) {
      OG_ASSIGN_OR_RETURN(definition_size, cursor.number(2));
    }
    std::vector<std::uint64_t> sizes;
    for (std::uint64_t k = 0; k < layout_.buffer_count; ++k) {
      OG_ASSIGN_OR_RETURN(const std::uint64_t size, cursor.number(layout_.has_large_chunk ? 4 : 2));
      sizes.push_back(size);
    }
    if (layout_.repetition) {
      OG_ASSIGN_OR_RETURN(const Bytes bytes, cursor.part(repetition_size));
      OG_RETURN_IF_ERROR(append_levels(*layout_.repetition, bytes, level_count, levels_.repetition, place_));
    }
    if (layout_.definition) {
      OG_ASSIGN_OR_RETURN(const Bytes bytes, cursor.part(definition_size));
      OG_RETURN_IF_ERROR(append_levels(*layout_.definition, bytes, level_count, levels_.definition, place_));
    }
    levels_.count += level_count;
    std::vector<Bytes> buffers;
    for (const std::uint64_t size : sizes) {
      OG_ASSIGN_OR_RETURN(const Bytes bytes, cursor.part(size));
      buffers.push_back(bytes);
    }
    if (layout_.dictionary) return decoder.decode_indices(buffers, count, indices_);
    return decoder.decode(buffers, count, out_);
  }

  // Rows from the dictionary, once all indices are known.
  Result<void> look_up() {
    const std::uint64_t item_count = layout_.dictionary_items;
    const Bytes block = page_.buffers[2].bytes();
    if (item_count > kPageLevelsMax || item_count > block.size() * std::uint64_t{kPackedExpansionMax}) {
      return std::unexpected(place_.corrupt("claims " + std::to_string(item_count) + " dictionary items"));
    }
    const columnar::DataType& type = out_.type();
    if (type.is_string_like()) {
      OG_ASSIGN_OR_RETURN(const StringBlock strings,
                          decode_string_block(*layout_.dictionary, block, item_count, place_));
      StringTable table;
      table.assign(reinterpret_cast<const std::byte*>(strings.ends.data()), item_count, strings.bytes, {});
      return table.gather(indices_, 0, place_, out_);
    }
    if (!type.is_fixed_width()) return std::unexpected(place_.unsupported("dictionary of this type"));
    switch (type.byte_width()) {
      case 1: return look_up_numbers<std::uint8_t>(block, item_count);
      case 2: return look_up_numbers<std::uint16_t>(block, item_count);
      case 4: return look_up_numbers<std::uint32_t>(block, item_count);
      default: return look_up_numbers<std::uint64_t>(block, item_count);
    }
  }

  template <class T>
  Result<void> look_up_numbers(Bytes block, std::uint64_t item_count) {
    std::vector<T> items(item_count);
    OG_RETURN_IF_ERROR(decode_block(*layout_.dictionary, block, item_count, 8 * sizeof(T),
                                    reinterpret_cast<std::byte*>(items.data()), place_));
    std::uint32_t most = 0;
    for (const std::uint32_t index : indices_) most = std::max(most, index);
    if (!indices_.empty() && most >= item_count) {
      return std::unexpected(
          place_.corrupt("dictionary index " + std::to_string(most) + " of " + std::to_string(item_count) + " items"));
    }
    auto* to = reinterpret_cast<T*>(out_.add_values(indices_.size()));
    for (std::size_t i = 0; i < indices_.size(); ++i) to[i] = items[indices_[i]];
    return {};
  }

  // Items a byte of a dictionary block can stand for: zstd's ratio; everything else expands less.
  static constexpr std::uint64_t kPackedExpansionMax = 65'536;

  const PageLayout& layout_;
  const PageInfo& page_;
  const PagePlace& place_;
  LeafBuilder& out_;
  Levels& levels_;
  std::vector<std::uint32_t> indices_;
};

}  // namespace

Result<void> decode_mini_block(const PageLayout& layout, const PageInfo& page, const PagePlace& place, LeafBuilder& out,
                               Levels& levels) {
  return MiniBlockPage(layout, page, place, out, levels).decode();
}

}  // namespace omnigraph::lance
