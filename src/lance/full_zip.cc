// Full-zip pages: entries one after another, for values too large for chunks. Buffer 0:
//
//   entry: control word of 0, 1, 2 or 4 bytes (rep << def_bits | def)
//          | fixed width: the value, if the entry has a slot
//          | variable width: length and bytes, if def = 0
//
// Buffer 1, the start of every row, serves single reads only.
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "lance/compression.h"
#include "lance/fsst.h"
#include "lance/page_values.h"
#include "lance/value_decoder.h"

namespace omnigraph::lance {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::DataType;
using columnar::TypeId;
using ValueKind = ValueEncoding::Kind;

namespace {

std::size_t control_size(std::uint32_t bits) {
  if (bits == 0) return 0;
  if (bits <= 8) return 1;
  return bits <= 16 ? 2 : 4;
}

std::uint64_t load_number(const std::byte* at, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, size);
  return value;
}

// Of one fixed-width value.
struct FixedShape {
  std::uint64_t validity_size = 0;  // bytes of the item bitmap before the items
  std::uint64_t value_size = 0;     // bytes of the items
};

Result<FixedShape> fixed_shape(const PageLayout& layout, const DataType& type, const PagePlace& place) {
  const ValueEncoding& values = *layout.values;
  const bool is_vector = type.id == TypeId::kFixedSizeList;
  const DataType& item = is_vector ? type.child(0).type : type;
  if (is_vector != (values.kind == ValueKind::kFixedSizeList) || (is_vector && values.item_count != type.list_size)) {
    return std::unexpected(place.corrupt("full-zip values do not fit the type " + columnar::type_name(type)));
  }
  const ValueEncoding* flat = is_vector ? values.first.get() : &values;
  if (flat->kind != ValueKind::kFlat || !item.is_fixed_width() || flat->bits != item.byte_width() * 8) {
    return std::unexpected(place.unsupported("full-zip values that are not plain " + columnar::type_name(type)));
  }
  FixedShape shape;
  shape.value_size = std::uint64_t{item.byte_width()} * (is_vector ? type.list_size : 1);
  shape.validity_size = values.has_validity ? bitmap_bytes(type.list_size) : 0;
  if (layout.value_bits != (shape.value_size + shape.validity_size) * 8) {
    return std::unexpected(place.corrupt("full-zip values of " + std::to_string(layout.value_bits) + " bits"));
  }
  return shape;
}

class FullZipPage {
 public:
  FullZipPage(const PageLayout& layout, const DefinitionTable& table, const PageInfo& page, const PagePlace& place,
              LeafBuilder& out, Levels& levels)
      : layout_(layout), table_(table), rest_(page.buffers[0].bytes()), place_(place), out_(out), levels_(levels) {}

  Result<void> decode() {
    const bool is_string = out_.type().is_string_like();
    if (is_string) {
      OG_RETURN_IF_ERROR(prepare_strings());
    } else {
      OG_ASSIGN_OR_RETURN(shape_, fixed_shape(layout_, out_.type(), place_));
    }
    const std::size_t control = control_size(layout_.repetition_bits + layout_.definition_bits);
    const std::uint64_t definition_mask = (std::uint64_t{1} << layout_.definition_bits) - 1;
    for (std::uint64_t i = 0; i < layout_.item_count; ++i) {
      // Every entry takes a byte at least, so that a wrong count ends with the buffer.
      if (rest_.empty() || rest_.size() < control) return std::unexpected(ends_early());
      const std::uint64_t word = load_number(rest_.data(), control);
      rest_ = rest_.subspan(control);
      const auto definition = static_cast<std::uint32_t>(word & definition_mask);
      if (definition > table_.max_definition()) {
        return std::unexpected(place_.corrupt("definition level above " + std::to_string(table_.max_definition())));
      }
      if (layout_.definition_bits != 0) levels_.definition.push_back(static_cast<std::uint16_t>(definition));
      if (layout_.repetition_bits != 0) {
        levels_.repetition.push_back(static_cast<std::uint16_t>(word >> layout_.definition_bits));
      }
      if (!table_.has_slot(definition, 0)) continue;
      if (is_string) {
        OG_RETURN_IF_ERROR(take_string(definition == 0));
      } else {
        OG_RETURN_IF_ERROR(take_fixed());
      }
    }
    levels_.count = layout_.item_count;
    return {};
  }

 private:
  Error ends_early() const { return place_.corrupt("full-zip buffer ends within an entry"); }

  Result<void> prepare_strings() {
    if (layout_.length_bits != 32 && layout_.length_bits != 64) {
      return std::unexpected(place_.unsupported("string lengths of " + std::to_string(layout_.length_bits) + " bits"));
    }
    const ValueEncoding* inner = layout_.values.get();
    while (inner->kind == ValueKind::kGeneral) inner = inner->first.get();
    if (inner->kind == ValueKind::kFsst) {
      OG_ASSIGN_OR_RETURN(fsst_, FsstDecoder::parse(inner->symbol_table, place_));
    } else if (inner->kind != ValueKind::kVariable) {
      return std::unexpected(place_.unsupported("full-zip strings of this encoding"));
    }
    return {};
  }

  Result<void> take_string(bool is_valid) {
    if (is_valid) {
      const std::size_t length_size = layout_.length_bits / 8;
      if (rest_.size() < length_size) return std::unexpected(ends_early());
      const std::uint64_t length = load_number(rest_.data(), length_size);
      rest_ = rest_.subspan(length_size);
      if (rest_.size() < length) return std::unexpected(ends_early());
      OG_RETURN_IF_ERROR(append_string(*layout_.values, rest_.first(length)));
      rest_ = rest_.subspan(length);
    }
    *out_.add_ends(1) = out_.string_bytes().size();
    return {};
  }

  Result<void> append_string(const ValueEncoding& encoding, Bytes stored) {
    columnar::ByteSink& bytes = out_.string_bytes();
    if (encoding.kind == ValueKind::kGeneral) {
      OG_ASSIGN_OR_RETURN(const std::uint64_t size, decompressed_size(encoding.compression, stored, place_));
      std::vector<std::byte> plain(size);
      OG_RETURN_IF_ERROR(decompress_into(encoding.compression, stored, plain, place_));
      return append_string(*encoding.first, plain);
    }
    if (encoding.kind == ValueKind::kVariable) {
      bytes.append(stored.data(), stored.size());
      return {};
    }
    const std::size_t before = bytes.size();
    const auto size = fsst_->decode(stored, bytes.extend(FsstDecoder::room_for(stored.size())));
    if (!size) return std::unexpected(place_.corrupt("FSST code without a symbol"));
    bytes.truncate(before + *size);
    return {};
  }

  Result<void> take_fixed() {
    const std::uint64_t size = shape_.validity_size + shape_.value_size;
    if (rest_.size() < size) return std::unexpected(ends_early());
    const std::byte* value = rest_.data() + shape_.validity_size;
    if (out_.type().id == TypeId::kFixedSizeList) {
      const std::uint64_t items = out_.type().list_size;
      std::memcpy(out_.items().add_values(items), value, shape_.value_size);
      if (shape_.validity_size != 0) out_.items().add_validity(rest_.data(), 0, items);
      out_.add_slots(1);
    } else {
      std::memcpy(out_.add_values(1), value, shape_.value_size);
    }
    rest_ = rest_.subspan(size);
    return {};
  }

  const PageLayout& layout_;
  const DefinitionTable& table_;
  Bytes rest_;
  const PagePlace& place_;
  LeafBuilder& out_;
  Levels& levels_;
  FixedShape shape_;
  std::optional<FsstDecoder> fsst_;
};

}  // namespace

Result<void> decode_full_zip(const PageLayout& layout, const DefinitionTable& table, const PageInfo& page,
                             const PagePlace& place, LeafBuilder& out, Levels& levels) {
  if (page.buffers.empty()) return std::unexpected(place.corrupt("full-zip page without a buffer"));
  return FullZipPage(layout, table, page, place, out, levels).decode();
}

Result<ArrayPtr> full_zip_in_place(const PageLayout& layout, const DataType& type, const PageInfo& page,
                                   const PagePlace& place) {
  if (type.id != TypeId::kFixedSizeList || layout.repetition_bits != 0 || layout.definition_bits != 0 ||
      layout.values->has_validity || page.buffers.empty() || layout.item_count != page.length) {
    return ArrayPtr();
  }
  OG_ASSIGN_OR_RETURN(const FixedShape shape, fixed_shape(layout, type, place));
  const Buffer& values = page.buffers[0];
  const DataType& item = type.child(0).type;
  if (values.size() / shape.value_size < page.length) {
    return std::unexpected(place.corrupt("vectors lie beyond their buffer"));
  }
  if (reinterpret_cast<std::uintptr_t>(values.data()) % item.byte_width() != 0) return ArrayPtr();
  Array::Parts items;
  items.type = item;
  items.length = static_cast<std::int64_t>(page.length * type.list_size);
  items.values = values.slice(0, page.length * shape.value_size);
  Array::Parts parts;
  parts.type = type;
  parts.length = static_cast<std::int64_t>(page.length);
  parts.children.push_back(std::make_shared<const Array>(std::move(items)));
  return std::make_shared<const Array>(std::move(parts));
}

}  // namespace omnigraph::lance
