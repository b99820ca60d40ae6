#include "columnar/builder.h"

#include <utility>

#include "columnar/bits.h"

namespace omnigraph::columnar {

ArrayBuilder::ArrayBuilder(DataType type) : type_(std::move(type)), byte_width_(type_.byte_width()) {
  for (std::size_t i = 0; i < type_.child_count(); ++i) {
    children_.push_back(std::make_unique<ArrayBuilder>(type_.child(i).type));
  }
}

ArrayBuilder::~ArrayBuilder() = default;
ArrayBuilder::ArrayBuilder(ArrayBuilder&&) noexcept = default;
ArrayBuilder& ArrayBuilder::operator=(ArrayBuilder&&) noexcept = default;

std::size_t ArrayBuilder::byte_size() const {
  std::size_t size = validity_.size() + values_.size() + ends_.size() * sizeof(std::uint64_t);
  for (const auto& child : children_) size += child->byte_size();
  return size;
}

void ArrayBuilder::reserve(std::int64_t more_rows) {
  const auto rows = static_cast<std::size_t>(length_ + more_rows);
  if (byte_width_ != 0) values_.reserve(rows * byte_width_);
  if (type_.id == TypeId::kBool) values_.reserve(bytes_for_bits(length_ + more_rows));
  if (type_.is_string_like() || type_.id == TypeId::kList) ends_.reserve(rows);
  if (type_.id == TypeId::kFixedSizeList) children_[0]->reserve(more_rows * type_.list_size);
  if (type_.id == TypeId::kStruct) {
    for (const auto& child : children_) child->reserve(more_rows);
  }
}

// The bitmap so far: every slot valid.
void ArrayBuilder::start_validity() {
  if (!validity_.empty() || length_ == 0) return;
  validity_.append_fill(0, bytes_for_bits(length_));
  fill_bits(validity_.data(), 0, length_, true);
}

void ArrayBuilder::set_validity(bool valid) {
  if (null_count_ == 0) start_validity();
  if (validity_.size() < bytes_for_bits(length_ + 1)) validity_.append_fill(0, 1);
  set_bit(validity_.data(), length_, valid);
  if (!valid) ++null_count_;
}

void ArrayBuilder::append_valid_run(std::int64_t count) {
  if (null_count_ > 0) {
    validity_.append_fill(0, bytes_for_bits(length_ + count) - validity_.size());
    fill_bits(validity_.data(), length_, count, true);
  }
  length_ += count;
}

void ArrayBuilder::append_validity_range(const Array& source, std::int64_t begin, std::int64_t count) {
  const std::byte* bits = source.validity_buffer().data();
  const std::int64_t nulls = source.has_nulls() ? count_zero_bits(bits, source.offset() + begin, count) : 0;
  if (nulls == 0) {
    append_valid_run(count);
    return;
  }
  if (null_count_ == 0) start_validity();
  validity_.append_fill(0, bytes_for_bits(length_ + count) - validity_.size());
  copy_bits(validity_.data(), length_, bits, source.offset() + begin, count);
  null_count_ += nulls;
  length_ += count;
}

// What a slot without a value occupies in every buffer but the validity.
void ArrayBuilder::append_slot_bytes() {
  switch (type_.id) {
    case TypeId::kBool:
      if (values_.size() < bytes_for_bits(length_ + 1)) values_.append_fill(0, 1);
      break;
    case TypeId::kUtf8:
    case TypeId::kBinary: ends_.push_back(values_.size()); break;
    case TypeId::kList: ends_.push_back(static_cast<std::uint64_t>(children_[0]->length())); break;
    case TypeId::kFixedSizeList:
      for (std::uint32_t i = 0; i < type_.list_size; ++i) children_[0]->append_filler(type_.child(0).nullable);
      break;
    case TypeId::kStruct:
      for (std::size_t i = 0; i < children_.size(); ++i) children_[i]->append_filler(type_.child(i).nullable);
      break;
    default: values_.append_fill(0, byte_width_);
  }
}

void ArrayBuilder::append_filler(bool nullable) {
  append_slot_bytes();
  append_validity(!nullable);
}

void ArrayBuilder::append_null() { append_filler(/*nullable=*/true); }

void ArrayBuilder::append_bool(bool value) {
  OG_CHECK(type_.id == TypeId::kBool);
  append_slot_bytes();
  set_bit(values_.data(), length_, value);
  append_validity(true);
}

void ArrayBuilder::close_list() {
  const auto item_count = static_cast<std::uint64_t>(children_[0]->length());
  if (type_.id == TypeId::kFixedSizeList) {
    OG_CHECK(item_count == static_cast<std::uint64_t>(length_ + 1) * type_.list_size);
  } else {
    OG_CHECK(type_.id == TypeId::kList);
    ends_.push_back(item_count);
  }
  append_validity(true);
}

void ArrayBuilder::append_vector(std::span<const float> value) {
  OG_CHECK(type_.id == TypeId::kFixedSizeList && children_[0]->type_.id == TypeId::kFloat32);
  OG_CHECK(value.size() == type_.list_size);
  children_[0]->append_values(value);
  append_validity(true);
}

void ArrayBuilder::close_struct() {
  OG_CHECK(type_.id == TypeId::kStruct);
  for (const auto& child : children_) OG_CHECK(child->length() == length_ + 1);
  append_validity(true);
}

namespace {

// Any number as T; the caller of append_scalar checked the range.
template <class T>
T number_as(const Scalar& scalar) {
  if (const auto* value = std::get_if<std::int64_t>(&scalar.value)) return static_cast<T>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&scalar.value)) return static_cast<T>(*value);
  if constexpr (std::is_floating_point_v<T>) {
    if (const auto* value = std::get_if<float>(&scalar.value)) return static_cast<T>(*value);
    if (const auto* value = std::get_if<double>(&scalar.value)) return static_cast<T>(*value);
  }
  if (const auto* value = std::get_if<DateValue>(&scalar.value)) return static_cast<T>(value->days);
  const auto* value = std::get_if<DateTimeValue>(&scalar.value);
  OG_CHECK(value != nullptr);
  return static_cast<T>(value->milliseconds);
}

}  // namespace

void ArrayBuilder::append_scalar(const Scalar& value) {
  if (value.is_null()) return append_null();
  switch (type_.id) {
    case TypeId::kBool:
      OG_CHECK(std::holds_alternative<bool>(value.value));
      return append_bool(std::get<bool>(value.value));
    case TypeId::kInt8: return append_value(number_as<std::int8_t>(value));
    case TypeId::kInt16: return append_value(number_as<std::int16_t>(value));
    case TypeId::kInt32:
    case TypeId::kDate32: return append_value(number_as<std::int32_t>(value));
    case TypeId::kInt64:
    case TypeId::kDate64:
    case TypeId::kTimestamp: return append_value(number_as<std::int64_t>(value));
    case TypeId::kUint8: return append_value(number_as<std::uint8_t>(value));
    case TypeId::kUint16: return append_value(number_as<std::uint16_t>(value));
    case TypeId::kUint32: return append_value(number_as<std::uint32_t>(value));
    case TypeId::kUint64: return append_value(number_as<std::uint64_t>(value));
    case TypeId::kFloat32: return append_value(number_as<float>(value));
    case TypeId::kFloat64: return append_value(number_as<double>(value));
    case TypeId::kUtf8:
    case TypeId::kBinary:
      OG_CHECK(std::holds_alternative<std::string>(value.value));
      return append_string(std::get<std::string>(value.value));
    case TypeId::kList:
    case TypeId::kFixedSizeList: return append_list_scalar(value);
    case TypeId::kFloat16:
    case TypeId::kStruct: OG_CHECK(!"a scalar of this type");
  }
}

void ArrayBuilder::append_list_scalar(const Scalar& value) {
  ArrayBuilder& items = *children_[0];
  if (const auto* floats = std::get_if<FloatVector>(&value.value)) {
    if (items.type_.id == TypeId::kFloat32) {
      items.append_values(std::span<const float>(*floats));
    } else {
      for (const float item : *floats) items.append_scalar(Scalar{item});
    }
  } else {
    const auto* list = std::get_if<ScalarList>(&value.value);
    OG_CHECK(list != nullptr);
    for (const Scalar& item : *list) items.append_scalar(item);
  }
  close_list();
}

void ArrayBuilder::append_from(const Array& source, std::int64_t i) {
  if (byte_width_ != 0) {
    OG_CHECK(source.type().byte_width() == byte_width_);
    values_.append(source.values_buffer().data() + static_cast<std::size_t>(source.offset() + i) * byte_width_,
                   byte_width_);
    append_validity(source.is_valid(i));
    return;
  }
  if (type_.is_string_like() && source.type().is_string_like() && source.is_valid(i)) {
    return append_string(source.string_value(i));
  }
  append_range(source, i, 1);
}

void ArrayBuilder::append_range(const Array& source, std::int64_t begin, std::int64_t count) {
  OG_CHECK(source.type().id == type_.id);
  OG_CHECK(begin >= 0 && count >= 0 && begin <= source.length() - count);
  if (count == 0) return;
  const std::int64_t at = source.offset() + begin;
  switch (type_.id) {
    case TypeId::kBool:
      values_.append_fill(0, bytes_for_bits(length_ + count) - values_.size());
      copy_bits(values_.data(), length_, source.values_buffer().data(), at, count);
      break;
    case TypeId::kUtf8:
    case TypeId::kBinary: {
      const std::uint64_t first = source.item_begin(begin);
      const std::uint64_t base = values_.size();
      values_.append(source.values_buffer().data() + first, source.item_end(begin + count - 1) - first);
      for (std::int64_t i = begin; i < begin + count; ++i) ends_.push_back(base + source.item_end(i) - first);
      break;
    }
    case TypeId::kList:
    case TypeId::kFixedSizeList: {
      const std::uint64_t first = source.item_begin(begin);
      const auto base = static_cast<std::uint64_t>(children_[0]->length());
      children_[0]->append_range(*source.child(0), static_cast<std::int64_t>(first),
                                 static_cast<std::int64_t>(source.item_end(begin + count - 1) - first));
      if (type_.id == TypeId::kFixedSizeList) break;
      for (std::int64_t i = begin; i < begin + count; ++i) ends_.push_back(base + source.item_end(i) - first);
      break;
    }
    case TypeId::kStruct:
      OG_CHECK(source.child_count() == children_.size());
      for (std::size_t i = 0; i < children_.size(); ++i) children_[i]->append_range(*source.child(i), begin, count);
      break;
    default:
      values_.append(source.values_buffer().data() + static_cast<std::size_t>(at) * byte_width_,
                     static_cast<std::size_t>(count) * byte_width_);
  }
  append_validity_range(source, begin, count);
}

ArrayPtr ArrayBuilder::finish() {
  Array::Parts parts;
  parts.type = type_;
  parts.length = length_;
  if (null_count_ > 0) parts.validity = validity_.finish();
  parts.values = values_.finish();
  if (!ends_.empty()) parts.ends = Buffer::from_values(std::exchange(ends_, {}));
  for (const auto& child : children_) parts.children.push_back(child->finish());
  length_ = 0;
  null_count_ = 0;
  return std::make_shared<const Array>(std::move(parts));
}

}  // namespace omnigraph::columnar
