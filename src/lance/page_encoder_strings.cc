// Pages of strings and binaries (chapter 10 sections 8 and 8.2).
#include <array>
#include <cstring>
#include <optional>

#include "base/hash.h"
#include "columnar/array.h"
#include "columnar/byte_sink.h"
#include "lance/encoding_messages.h"
#include "lance/page_encoder.h"
#include "lance/page_packing.h"

namespace omnigraph::lance {
namespace {

// Dictionary indices are one byte (wider ones are misread by the reference reader) and 0 is null.
constexpr std::size_t kDictionaryItemsMax = 255;
constexpr std::int64_t kDictionaryRowsMin = 100;
// Below this a frame saves nothing worth decoding it.
constexpr std::size_t kCompressedBytesMin = 1024;
constexpr std::size_t kCompressedPercent = 80;

std::uint64_t end_at(const PageValues& page, std::int64_t i) {
  std::uint64_t end;
  std::memcpy(&end, page.ends.data() + static_cast<std::size_t>(i) * 8, 8);
  return end;
}

std::uint64_t null_adjustment(const PageValues& page) { return page.values.size() + 1; }

struct Dictionary {
  columnar::ByteSink bytes;
  columnar::ByteSink ends;
  std::size_t item_count = 0;
  columnar::ByteSink indices;  // one byte a row
};

// Few distinct strings: finds them, in the order of their first rows.
class DictionaryCollector {
 public:
  std::optional<Dictionary> collect(const PageValues& page) {
    std::byte* index = out_.indices.extend(static_cast<std::size_t>(page.length));
    std::uint64_t begin = 0;
    for (std::int64_t i = 0; i < page.length; ++i) {
      const std::uint64_t end = end_at(page, i);
      std::size_t found = 0;
      if (page.null_count == 0 || columnar::Array::bit(page.validity.data(), i)) {
        found = find_or_add(page.values.text().substr(begin, end - begin));
        if (found > kDictionaryItemsMax) return std::nullopt;
      }
      index[i] = static_cast<std::byte>(found);
      begin = end;
    }
    return std::move(out_);
  }

 private:
  struct Slot {
    std::string_view text;
    std::size_t index = 0;  // 0: free
  };
  static constexpr std::size_t kSlots = 1024;  // at most a quarter is used

  std::size_t find_or_add(std::string_view text) {
    if (last_.index != 0 && last_.text == text) return last_.index;
    for (std::size_t at = base::hash64(text) % kSlots;; at = (at + 1) % kSlots) {
      Slot& slot = slots_[at];
      if (slot.index == 0) {
        if (out_.item_count == kDictionaryItemsMax) return kDictionaryItemsMax + 1;
        slot = {text, ++out_.item_count};
        out_.bytes.append(text.data(), text.size());
        const std::uint64_t end = out_.bytes.size();
        out_.ends.append(&end, sizeof(end));
      } else if (slot.text != text) {
        continue;
      }
      last_ = slot;
      return slot.index;
    }
  }

  std::array<Slot, kSlots> slots_{};
  Slot last_;
  Dictionary out_;
};

// A dictionary pays where strings repeat; long texts have few rows in a page and compress better.
std::optional<Dictionary> find_dictionary(const PageValues& page) {
  if (page.kind != PageKind::kString || page.length < kDictionaryRowsMin) return std::nullopt;
  auto dictionary = DictionaryCollector().collect(page);
  if (!dictionary || dictionary->item_count * 2 > static_cast<std::size_t>(page.length)) return std::nullopt;
  return dictionary;
}

EncodedPage encode_dictionary(Dictionary dictionary, std::int64_t length) {
  EncodedPage out;
  out.length = length;
  WireWriter indices = encoding::flat(8, 0);
  constexpr unsigned kAnySaving = 99;
  if (auto packed = pack_numbers({dictionary.indices.data(), dictionary.indices.size()}, 1, kAnySaving)) {
    indices = encoding::bitpacked(packed->width, 8, 0);
    out.buffers.push_back({std::move(packed->bytes), false});
  } else {
    out.buffers.push_back({dictionary.indices.finish(), true});
  }
  const std::uint64_t adjustment = dictionary.bytes.size() + 1;
  out.buffers.push_back({dictionary.ends.finish(), false});
  out.buffers.push_back({dictionary.bytes.finish(), false});
  const WireWriter items =
      encoding::binary(encoding::no_nulls(encoding::flat(64, 1)), encoding::flat(8, 2), adjustment);
  out.encoding = encoding::dictionary(encoding::no_nulls(indices), items, dictionary.item_count).take();
  return out;
}

EncodedPage binary_page(const PageValues& page, PageBuffer offsets, const WireWriter& offset_encoding, Buffer bytes,
                        const WireWriter& byte_encoding) {
  EncodedPage out;
  out.length = page.length;
  out.buffers.push_back(std::move(offsets));
  out.buffers.push_back({std::move(bytes), false});
  out.encoding = encoding::binary(encoding::no_nulls(offset_encoding), byte_encoding, null_adjustment(page)).take();
  return out;
}

}  // namespace

EncodedPage encode_plain_strings(const PageValues& page) {
  return binary_page(page, {offsets_with_nulls(page, null_adjustment(page)), true}, encoding::flat(64, 0), page.values,
                     encoding::flat(8, 1));
}

EncodedPage encode_key_strings(const PageValues& page) {
  const Buffer offsets = offsets_with_nulls(page, null_adjustment(page));
  auto packed = pack_numbers(offsets.bytes(), 8, kOffsetPercent);
  if (!packed) return encode_plain_strings(page);
  return binary_page(page, {std::move(packed->bytes), false}, encoding::bitpacked(packed->width, 64, 0), page.values,
                     encoding::flat(8, 1));
}

EncodedPage encode_compressed_strings(const PageValues& page, Buffer frame) {
  const Buffer offsets = offsets_with_nulls(page, null_adjustment(page));
  return binary_page(page, {zstd_frame(offsets.bytes()), false}, encoding::compressed_flat(64, 0), std::move(frame),
                     encoding::compressed_flat(8, 1));
}

EncodedPage encode_string_page(const PageValues& page, PageForm form) {
  if (page.length != 0 && page.null_count == page.length) return {page.length, {}, encoding::all_nulls().take()};
  if (form == PageForm::kPlain) return encode_plain_strings(page);
  if (form == PageForm::kKey) return encode_key_strings(page);
  if (auto dictionary = find_dictionary(page)) return encode_dictionary(*std::move(dictionary), page.length);
  if (page.values.size() < kCompressedBytesMin) return encode_key_strings(page);
  Buffer frame = zstd_frame(page.values.bytes());
  if (frame.size() * 100 > page.values.size() * kCompressedPercent) return encode_key_strings(page);
  return encode_compressed_strings(page, std::move(frame));
}

}  // namespace omnigraph::lance
