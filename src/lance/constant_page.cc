// Constant pages: one value, or null, for all slots; levels say where lists end and which slots are null after all.
//
//   buffers: [value] [rep, def]      value: u32 n | n x u32 sizes | parts
#include <cstring>
#include <string>
#include <vector>

#include "lance/page_values.h"
#include "lance/value_decoder.h"

namespace omnigraph::lance {

using columnar::DataType;
using columnar::TypeId;

namespace {

std::uint32_t load_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

Result<void> read_levels(const ValueEncoding* encoding, std::uint64_t count, const Buffer& bytes,
                         std::vector<std::uint16_t>& out, const PagePlace& place) {
  if (encoding == nullptr) {
    out.resize(bytes.size() / 2);
    if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * 2);
    return {};
  }
  if (count > kPageLevelsMax) return std::unexpected(place.corrupt("claims " + std::to_string(count) + " levels"));
  out.resize(count);
  return decode_block(*encoding, bytes.bytes(), count, 16, reinterpret_cast<std::byte*>(out.data()), place);
}

// The last part of a value buffer; strings have their offsets before it.
Result<std::string_view> last_part(std::string_view buffer, std::uint32_t part_count, const PagePlace& place) {
  const auto wrong = [&] { return std::unexpected(place.corrupt("malformed constant value")); };
  if (buffer.size() < 4 || load_u32(buffer, 0) != part_count) return wrong();
  std::size_t at = 4 + std::size_t{4} * part_count;
  if (buffer.size() < at) return wrong();
  for (std::uint32_t part = 0; part + 1 < part_count; ++part) at += load_u32(buffer, 4 + std::size_t{4} * part);
  const std::size_t size = load_u32(buffer, std::size_t{4} * part_count);
  if (at > buffer.size() || buffer.size() - at < size) return wrong();
  return buffer.substr(at, size);
}

std::uint64_t slot_size(const DataType& type) {
  if (type.id == TypeId::kBool) return 1;
  return type.id == TypeId::kFixedSizeList ? slot_size(type.child(0).type) * type.list_size : type.byte_width();
}

}  // namespace

Result<ConstantPage> read_constant(const PageLayout& layout, const DataType& type, const PageInfo& page,
                                   const PagePlace& place, Levels& levels) {
  const std::size_t buffer_count = page.buffers.size();
  const bool has_value_buffer = buffer_count == 1 || buffer_count == 3;
  if (buffer_count > 3 || (has_value_buffer && layout.inline_value)) {
    return std::unexpected(place.corrupt("constant page with " + std::to_string(buffer_count) + " buffers"));
  }
  ConstantPage constant;
  constant.has_value = has_value_buffer || layout.inline_value.has_value();
  if (has_value_buffer) {
    const std::string_view stored = page.buffers[0].text();
    OG_ASSIGN_OR_RETURN(constant.value, last_part(stored, type.is_string_like() ? 2 : 1, place));
  } else if (constant.has_value) {
    constant.value = *layout.inline_value;
  }
  if (constant.has_value && !type.is_string_like() && constant.value.size() != slot_size(type)) {
    return std::unexpected(place.corrupt("constant value of " + std::to_string(constant.value.size()) + " bytes for " +
                                         columnar::type_name(type)));
  }
  if (buffer_count < 2) return constant;
  const Buffer& repetition = page.buffers[buffer_count - 2];
  const Buffer& definition = page.buffers[buffer_count - 1];
  if (!repetition.empty()) {
    OG_RETURN_IF_ERROR(
        read_levels(layout.repetition.get(), layout.repetition_count, repetition, levels.repetition, place));
  }
  if (!definition.empty()) {
    OG_RETURN_IF_ERROR(
        read_levels(layout.definition.get(), layout.definition_count, definition, levels.definition, place));
  }
  levels.count = std::max(levels.repetition.size(), levels.definition.size());
  if ((!levels.repetition.empty() && levels.repetition.size() != levels.count) ||
      (!levels.definition.empty() && levels.definition.size() != levels.count)) {
    return std::unexpected(place.corrupt("as many repetition as definition levels are needed"));
  }
  return constant;
}

}  // namespace omnigraph::lance
