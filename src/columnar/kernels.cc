#include "columnar/kernels.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/result.h"
#include "columnar/bits.h"
#include "columnar/builder.h"

namespace omnigraph::columnar {
namespace {

struct Slot {
  const Array* array;
  std::int64_t index;
};

// Where position p lies: one array ..
class OneArray {
 public:
  explicit OneArray(const Array& array) : array_(array) {}
  [[nodiscard]] Slot find(std::uint32_t position) const { return {&array_, position}; }
  [[nodiscard]] bool has_nulls() const { return array_.has_nulls(); }
  [[nodiscard]] const DataType& type() const { return array_.type(); }
  [[nodiscard]] std::size_t chunk_count() const { return 1; }
  [[nodiscard]] const Array& chunk(std::size_t) const { return array_; }
  [[nodiscard]] ArrayPtr take_child(std::size_t i, std::span<const std::uint32_t> positions) const {
    return take(*array_.child(i), positions);
  }
  [[nodiscard]] std::uint64_t child_start(const Array*) const { return 0; }
  [[nodiscard]] std::uint64_t child_item_count() const { return static_cast<std::uint64_t>(array_.child(0)->length()); }

 private:
  const Array& array_;
};

// .. or several. Positions mostly ascend, so the chunk of the one before is tried first.
class ManyArrays {
 public:
  explicit ManyArrays(const ChunkedArray& arrays) : arrays_(arrays) {}
  [[nodiscard]] Slot find(std::uint32_t position) {
    if (position < begin_ || position >= end_) {
      chunk_ = arrays_.locate(position).chunk;
      begin_ = arrays_.chunk_start(chunk_);
      end_ = begin_ + arrays_.chunk(chunk_)->length();
    }
    return {arrays_.chunk(chunk_).get(), position - begin_};
  }
  [[nodiscard]] bool has_nulls() const {
    for (std::size_t i = 0; i < arrays_.chunk_count(); ++i) {
      if (arrays_.chunk(i)->has_nulls()) return true;
    }
    return false;
  }
  [[nodiscard]] const DataType& type() const { return arrays_.type(); }
  [[nodiscard]] std::size_t chunk_count() const { return arrays_.chunk_count(); }
  [[nodiscard]] const Array& chunk(std::size_t i) const { return *arrays_.chunk(i); }
  [[nodiscard]] ArrayPtr take_child(std::size_t i, std::span<const std::uint32_t> positions) const {
    std::vector<ArrayPtr> children;
    for (std::size_t c = 0; c < arrays_.chunk_count(); ++c) children.push_back(arrays_.chunk(c)->child(i));
    return take(ChunkedArray(arrays_.type().child(i).type, std::move(children)), positions);
  }
  // Position in the joined children where the items of the chunk last found begin.
  [[nodiscard]] std::uint64_t child_start(const Array*) {
    if (child_starts_.empty()) {
      std::uint64_t start = 0;
      for (std::size_t c = 0; c < arrays_.chunk_count(); ++c) {
        child_starts_.push_back(start);
        start += static_cast<std::uint64_t>(arrays_.chunk(c)->child(0)->length());
      }
    }
    return child_starts_[chunk_];
  }
  [[nodiscard]] std::uint64_t child_item_count() const {
    std::uint64_t count = 0;
    for (std::size_t c = 0; c < arrays_.chunk_count(); ++c) {
      count += static_cast<std::uint64_t>(arrays_.chunk(c)->child(0)->length());
    }
    return count;
  }

 private:
  const ChunkedArray& arrays_;
  std::size_t chunk_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::vector<std::uint64_t> child_starts_;
};

bool has_gaps(std::span<const std::uint32_t> positions) {
  std::uint32_t greatest = 0;
  for (const std::uint32_t position : positions) greatest = std::max(greatest, position);
  return greatest == kNoPosition;
}

template <class Source>
Buffer take_validity(Source& source, std::span<const std::uint32_t> positions, bool gaps) {
  const bool nulls = source.has_nulls();
  if (!nulls && !gaps) return {};
  std::vector<std::byte> bits(bytes_for_bits(static_cast<std::int64_t>(positions.size())));
  bool any_null = false;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    bool valid = positions[i] != kNoPosition;
    if (valid && nulls) {
      const Slot slot = source.find(positions[i]);
      valid = slot.array->is_valid(slot.index);
    }
    bits[i >> 3] |= static_cast<std::byte>(static_cast<unsigned>(valid) << (i & 7));
    any_null |= !valid;
  }
  return any_null ? Buffer::from(std::move(bits)) : Buffer();
}

template <class T, class Source>
Buffer take_fixed(Source& source, std::span<const std::uint32_t> positions, bool gaps) {
  ByteSink out;
  auto* to = reinterpret_cast<T*>(out.extend(positions.size() * sizeof(T)));
  if (gaps) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      to[i] = 0;
      if (positions[i] == kNoPosition) continue;
      const Slot slot = source.find(positions[i]);
      to[i] = slot.array->template value<T>(slot.index);
    }
  } else {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const Slot slot = source.find(positions[i]);
      to[i] = slot.array->template value<T>(slot.index);
    }
  }
  return out.finish();
}

template <class Source>
Buffer take_values(Source& source, std::span<const std::uint32_t> positions, bool gaps) {
  switch (source.type().byte_width()) {
    case 1: return take_fixed<std::uint8_t>(source, positions, gaps);
    case 2: return take_fixed<std::uint16_t>(source, positions, gaps);
    case 4: return take_fixed<std::uint32_t>(source, positions, gaps);
    default: return take_fixed<std::uint64_t>(source, positions, gaps);
  }
}

template <class Source>
Buffer take_bools(Source& source, std::span<const std::uint32_t> positions) {
  std::vector<std::byte> bits(bytes_for_bits(static_cast<std::int64_t>(positions.size())));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] == kNoPosition) continue;
    const Slot slot = source.find(positions[i]);
    bits[i >> 3] |= static_cast<std::byte>(static_cast<unsigned>(slot.array->bool_value(slot.index)) << (i & 7));
  }
  return Buffer::from(std::move(bits));
}

template <class Source>
void take_strings(Source& source, std::span<const std::uint32_t> positions, Array::Parts& parts) {
  std::vector<std::uint64_t> ends(positions.size());
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] != kNoPosition) {
      const Slot slot = source.find(positions[i]);
      if (slot.array->is_valid(slot.index)) end += slot.array->string_value(slot.index).size();
    }
    ends[i] = end;
  }
  ByteSink bytes;
  std::byte* to = bytes.extend(end);
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < positions.size(); begin = ends[i++]) {
    if (ends[i] == begin) continue;
    const Slot slot = source.find(positions[i]);
    std::memcpy(to + begin, slot.array->string_value(slot.index).data(), ends[i] - begin);
  }
  parts.values = bytes.finish();
  parts.ends = Buffer::from_values(std::move(ends));
}

// Slot by slot; for what the fast paths cannot address.
template <class Source>
ArrayPtr take_slowly(Source& source, std::span<const std::uint32_t> positions) {
  ArrayBuilder builder(source.type());
  for (const std::uint32_t position : positions) {
    if (position == kNoPosition) {
      builder.append_null();
      continue;
    }
    const Slot slot = source.find(position);
    builder.append_from(*slot.array, slot.index);
  }
  return builder.finish();
}

template <class Source>
bool children_are_addressable(const Source& source) {
  return source.child_item_count() < kNoPosition;
}

template <class Source>
void take_lists(Source& source, std::span<const std::uint32_t> positions, Array::Parts& parts) {
  std::vector<std::uint64_t> ends(positions.size());
  std::vector<std::uint32_t> items;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] != kNoPosition) {
      const Slot slot = source.find(positions[i]);
      if (slot.array->is_valid(slot.index)) {
        const std::uint64_t start = source.child_start(slot.array);
        const std::uint64_t end = start + slot.array->item_end(slot.index);
        for (std::uint64_t item = start + slot.array->item_begin(slot.index); item < end; ++item) {
          items.push_back(static_cast<std::uint32_t>(item));
        }
      }
    }
    ends[i] = items.size();
  }
  parts.ends = Buffer::from_values(std::move(ends));
  parts.children.push_back(source.take_child(0, items));
}

// Vectors without null items: whole slots are copied.
template <class Source>
ArrayPtr take_plain_vectors(Source& source, std::span<const std::uint32_t> positions) {
  const DataType& item_type = source.type().child(0).type;
  const std::size_t width = item_type.byte_width();
  const std::size_t slot_size = width * source.type().list_size;
  ByteSink bytes;
  std::byte* to = bytes.extend(positions.size() * slot_size);
  for (std::size_t i = 0; i < positions.size(); ++i, to += slot_size) {
    if (slot_size == 0) break;
    if (positions[i] == kNoPosition) {
      std::memset(to, 0, slot_size);
      continue;
    }
    const Slot slot = source.find(positions[i]);
    const Array& items = *slot.array->child(0);
    const std::uint64_t first = static_cast<std::uint64_t>(items.offset()) + slot.array->item_begin(slot.index);
    std::memcpy(to, items.values_buffer().data() + first * width, slot_size);
  }
  return std::make_shared<const Array>(
      Array::Parts{.type = item_type,
                   .length = static_cast<std::int64_t>(positions.size() * source.type().list_size),
                   .values = bytes.finish()});
}

template <class Source>
ArrayPtr take_vector_items(Source& source, std::span<const std::uint32_t> positions) {
  bool plain = source.type().child(0).type.is_fixed_width();
  for (std::size_t c = 0; c < source.chunk_count(); ++c) plain = plain && !source.chunk(c).child(0)->has_nulls();
  if (plain) return take_plain_vectors(source, positions);
  const std::uint32_t size = source.type().list_size;
  std::vector<std::uint32_t> items;
  items.reserve(positions.size() * size);
  for (const std::uint32_t position : positions) {
    if (position == kNoPosition) {
      items.insert(items.end(), size, kNoPosition);
      continue;
    }
    const Slot slot = source.find(position);
    const std::uint64_t first = source.child_start(slot.array) + slot.array->item_begin(slot.index);
    for (std::uint32_t i = 0; i < size; ++i) items.push_back(static_cast<std::uint32_t>(first + i));
  }
  return source.take_child(0, items);
}

template <class Source>
ArrayPtr take_from(Source& source, std::span<const std::uint32_t> positions) {
  const DataType& type = source.type();
  const bool gaps = has_gaps(positions);
  Array::Parts parts;
  switch (type.id) {
    case TypeId::kBool: parts.values = take_bools(source, positions); break;
    case TypeId::kUtf8:
    case TypeId::kBinary: take_strings(source, positions, parts); break;
    case TypeId::kList:
      if (!children_are_addressable(source)) return take_slowly(source, positions);
      take_lists(source, positions, parts);
      break;
    case TypeId::kFixedSizeList:
      if (!children_are_addressable(source)) return take_slowly(source, positions);
      parts.children.push_back(take_vector_items(source, positions));
      break;
    case TypeId::kStruct:
      for (std::size_t i = 0; i < type.child_count(); ++i) parts.children.push_back(source.take_child(i, positions));
      break;
    default: parts.values = take_values(source, positions, gaps);
  }
  parts.type = type;
  parts.length = static_cast<std::int64_t>(positions.size());
  parts.validity = take_validity(source, positions, gaps);
  return std::make_shared<const Array>(std::move(parts));
}

Buffer zeros(std::size_t size) { return Buffer::from(std::vector<std::byte>(size)); }

// `valid` makes zeros instead of nulls: items that may not be null, under a parent that is.
ArrayPtr all_empty(const DataType& type, std::int64_t length, bool valid) {
  const auto count = static_cast<std::size_t>(length);
  Array::Parts parts;
  switch (type.id) {
    case TypeId::kBool: parts.values = zeros(bytes_for_bits(length)); break;
    case TypeId::kUtf8:
    case TypeId::kBinary: parts.ends = zeros(count * 8); break;
    case TypeId::kList:
      parts.ends = zeros(count * 8);
      parts.children.push_back(all_empty(type.child(0).type, 0, true));
      break;
    case TypeId::kFixedSizeList:
      parts.children.push_back(all_empty(type.child(0).type, length * type.list_size, !type.child(0).nullable));
      break;
    case TypeId::kStruct:
      for (const Field& field : *type.children)
        parts.children.push_back(all_empty(field.type, length, !field.nullable));
      break;
    default: parts.values = zeros(count * type.byte_width());
  }
  if (!valid) parts.validity = zeros(bytes_for_bits(length));
  parts.type = type;
  parts.length = length;
  return std::make_shared<const Array>(std::move(parts));
}

bool items_equal(const Array& a, std::int64_t i, const Array& b, std::int64_t j) {
  const std::uint64_t count = a.item_end(i) - a.item_begin(i);
  if (count != b.item_end(j) - b.item_begin(j)) return false;
  const auto first_a = static_cast<std::int64_t>(a.item_begin(i));
  const auto first_b = static_cast<std::int64_t>(b.item_begin(j));
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(count); ++k) {
    if (!equal_at(*a.child(0), first_a + k, *b.child(0), first_b + k)) return false;
  }
  return true;
}

}  // namespace

ArrayPtr take(const Array& source, std::span<const std::uint32_t> positions) {
  OneArray one(source);
  return take_from(one, positions);
}

ArrayPtr take(const ChunkedArray& source, std::span<const std::uint32_t> positions) {
  if (source.chunk_count() == 1) return take(*source.chunk(0), positions);
  if (source.chunk_count() == 0) return all_null(source.type(), static_cast<std::int64_t>(positions.size()));
  ManyArrays many(source);
  return take_from(many, positions);
}

ArrayPtr combine(const ChunkedArray& source) {
  if (source.chunk_count() == 1) return source.chunk(0);
  ArrayBuilder builder(source.type());
  builder.reserve(source.length());
  for (std::size_t i = 0; i < source.chunk_count(); ++i) {
    builder.append_range(*source.chunk(i), 0, source.chunk(i)->length());
  }
  return builder.finish();
}

ArrayPtr all_null(const DataType& type, std::int64_t length) { return all_empty(type, length, /*valid=*/false); }

ArrayPtr from_values_u64(std::vector<std::uint64_t> values) {
  const auto length = static_cast<std::int64_t>(values.size());
  return std::make_shared<const Array>(Array::Parts{
      .type = primitive(TypeId::kUint64), .length = length, .values = Buffer::from_values(std::move(values))});
}

bool equal_at(const Array& a, std::int64_t i, const Array& b, std::int64_t j) {
  if (a.is_null(i) || b.is_null(j)) return a.is_null(i) && b.is_null(j);
  switch (a.type().id) {
    case TypeId::kBool: return a.bool_value(i) == b.bool_value(j);
    case TypeId::kUtf8:
    case TypeId::kBinary: return a.string_value(i) == b.string_value(j);
    case TypeId::kList:
    case TypeId::kFixedSizeList: return items_equal(a, i, b, j);
    case TypeId::kStruct:
      for (std::size_t c = 0; c < a.child_count(); ++c) {
        if (!equal_at(*a.child(c), i, *b.child(c), j)) return false;
      }
      return true;
    default: break;
  }
  switch (a.type().byte_width()) {
    case 1: return a.value<std::uint8_t>(i) == b.value<std::uint8_t>(j);
    case 2: return a.value<std::uint16_t>(i) == b.value<std::uint16_t>(j);
    case 4: return a.value<std::uint32_t>(i) == b.value<std::uint32_t>(j);
    default: return a.value<std::uint64_t>(i) == b.value<std::uint64_t>(j);
  }
}

}  // namespace omnigraph::columnar
