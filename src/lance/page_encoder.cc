// Pages of fixed-width values, lists and struct headers.
#include "lance/page_encoder.h"

#include <cstring>

#include "columnar/array.h"
#include "columnar/byte_sink.h"
#include "lance/encoding_messages.h"
#include "lance/page_packing.h"

namespace omnigraph::lance {
namespace {

// Integers are bit-packed if that saves 20 %, floats compressed if it saves 40 %.
constexpr unsigned kIntegerPercent = 80;
constexpr std::size_t kFloatPercent = 60;

EncodedPage without_buffers(std::int64_t length, WireWriter encoding) { return {length, {}, encoding.take()}; }

}  // namespace

Buffer offsets_with_nulls(const PageValues& page, std::uint64_t adjustment) {
  if (page.null_count == 0) return page.ends;
  const auto count = static_cast<std::size_t>(page.length);
  columnar::ByteSink out;
  std::byte* to = out.extend(count * 8);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t end;
    std::memcpy(&end, page.ends.data() + i * 8, 8);
    if (!columnar::Array::bit(page.validity.data(), static_cast<std::int64_t>(i))) end += adjustment;
    std::memcpy(to + i * 8, &end, 8);
  }
  return out.finish();
}

Buffer compressed_floats(std::span<const std::byte> values) {
  Buffer frame = zstd_frame(values);
  return frame.size() * 100 <= values.size() * kFloatPercent ? frame : Buffer();
}

EncodedPage encode_fixed_page(const PageValues& page, PageForm form) {
  if (page.length != 0 && page.null_count == page.length) return without_buffers(page.length, encoding::all_nulls());
  EncodedPage out;
  out.length = page.length;
  if (page.null_count != 0) out.buffers.push_back({page.validity, false});
  const auto index = static_cast<std::uint32_t>(out.buffers.size());
  const std::uint32_t bits = page.kind == PageKind::kBool ? 1 : page.byte_width * 8;

  WireWriter values;
  if (page.kind == PageKind::kVector) {
    values = encoding::fixed_size_list(page.dimension, encoding::no_nulls(encoding::flat(bits, index)));
  } else {
    values = encoding::flat(bits, index);
  }
  PageBuffer stored{page.values, true};
  if (form != PageForm::kPlain && page.kind == PageKind::kInteger) {
    if (auto packed = pack_numbers(page.values.bytes(), page.byte_width, kIntegerPercent)) {
      values = encoding::bitpacked(packed->width, bits, index);
      stored = {std::move(packed->bytes), false};
    }
  } else if (form != PageForm::kPlain && page.kind == PageKind::kFloat) {
    const Buffer frame = page.compression_tried || page.values.size() > kSmallPageBytes
                             ? page.frame
                             : compressed_floats(page.values.bytes());
    if (!frame.empty()) {
      values = encoding::compressed_flat(bits, index);
      stored = {frame, false};
    }
  }
  out.buffers.push_back(std::move(stored));
  out.encoding = (page.null_count != 0 ? encoding::some_nulls(values) : encoding::no_nulls(values)).take();
  return out;
}

EncodedPage encode_list_page(const PageValues& page, PageForm form) {
  std::uint64_t items = 0;
  if (page.length != 0) std::memcpy(&items, page.ends.data() + page.ends.size() - 8, 8);
  const std::uint64_t adjustment = items + 1;
  const Buffer offsets = offsets_with_nulls(page, adjustment);
  EncodedPage out;
  out.length = page.length;
  WireWriter numbers = encoding::flat(64, 0);
  PageBuffer stored{offsets, true};
  if (form != PageForm::kPlain) {
    if (auto packed = pack_numbers(offsets.bytes(), 8, kOffsetPercent)) {
      numbers = encoding::bitpacked(packed->width, 64, 0);
      stored = {std::move(packed->bytes), false};
    }
  }
  out.buffers.push_back(std::move(stored));
  out.encoding = encoding::list(encoding::no_nulls(numbers), adjustment, items).take();
  return out;
}

EncodedPage encode_page(const PageValues& page, PageForm form) {
  switch (page.kind) {
    case PageKind::kString:
    case PageKind::kBinary: return encode_string_page(page, form);
    case PageKind::kListOffsets: return encode_list_page(page, form);
    case PageKind::kStructHeader: return without_buffers(page.length, encoding::struct_header());
    default: return encode_fixed_page(page, form);
  }
}

}  // namespace omnigraph::lance
