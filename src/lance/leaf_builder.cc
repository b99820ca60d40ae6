#include "lance/leaf_builder.h"

#include <utility>

namespace omnigraph::lance {

using columnar::TypeId;

bool LeafBuilder::is_leaf(const columnar::DataType& type) {
  if (type.id == TypeId::kBool || type.is_fixed_width() || type.is_string_like()) return true;
  if (type.id != TypeId::kFixedSizeList || type.child_count() != 1 || type.list_size == 0) return false;
  const columnar::DataType& item = type.child(0).type;
  return item.id == TypeId::kBool || item.is_fixed_width();
}

LeafBuilder::LeafBuilder(columnar::DataType type) : type_(std::move(type)), width_(type_.byte_width()) {
  OG_CHECK(is_leaf(type_));
  if (type_.id == TypeId::kFixedSizeList) items_ = std::make_unique<LeafBuilder>(type_.child(0).type);
}

std::uint64_t LeafBuilder::byte_size() const {
  return values_.size() + ends_.size() + (bools_.size() + validity_.size()) / 8 + (items_ ? items_->byte_size() : 0);
}

std::byte* LeafBuilder::add_values(std::uint64_t count) {
  length_ += count;
  return values_.extend(count * width_);
}

void LeafBuilder::add_bools(const std::byte* bits, std::uint64_t begin, std::uint64_t count) {
  length_ += count;
  bools_.append_bits(bits, begin, count);
}

std::uint64_t* LeafBuilder::add_ends(std::uint64_t count) {
  length_ += count;
  return reinterpret_cast<std::uint64_t*>(ends_.extend(count * sizeof(std::uint64_t)));
}

void LeafBuilder::add_repeated(std::span<const std::byte> value, std::uint64_t count) {
  if (items_) {
    const std::size_t item_size = value.size() / type_.list_size;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (items_->type_.id != TypeId::kBool) {
        std::memcpy(items_->add_values(type_.list_size), value.data(), value.size());
        continue;
      }
      for (std::uint32_t k = 0; k < type_.list_size; ++k) items_->add_repeated(value.subspan(k * item_size, 1), 1);
    }
    length_ += count;
  } else if (type_.id == TypeId::kBool) {
    length_ += count;
    bools_.append_run(value[0] != std::byte{0}, count);
  } else if (type_.is_string_like()) {
    std::uint64_t* ends = add_ends(count);
    values_.reserve(values_.size() + value.size() * count);
    for (std::uint64_t i = 0; i < count; ++i) {
      values_.append(value.data(), value.size());
      ends[i] = values_.size();
    }
  } else {
    std::byte* out = add_values(count);
    for (std::uint64_t i = 0; i < count; ++i) std::memcpy(out + i * width_, value.data(), width_);
  }
}

void LeafBuilder::add_empty(std::uint64_t count) {
  if (items_) {
    items_->add_empty(count * type_.list_size);
    length_ += count;
  } else if (type_.id == TypeId::kBool) {
    length_ += count;
    bools_.append_run(false, count);
  } else if (type_.is_string_like()) {
    std::uint64_t* ends = add_ends(count);
    for (std::uint64_t i = 0; i < count; ++i) ends[i] = values_.size();
  } else if (count != 0) {
    std::memset(add_values(count), 0, count * width_);
  }
}

void LeafBuilder::catch_up(std::uint64_t coming) {
  OG_CHECK(validity_.size() + coming <= length_);
  validity_.append_run(true, length_ - coming - validity_.size());
}

void LeafBuilder::add_validity(const std::byte* bits, std::uint64_t begin, std::uint64_t count) {
  catch_up(count);
  validity_.append_bits(bits, begin, count);
}

void LeafBuilder::add_nulls(std::uint64_t count) {
  catch_up(count);
  validity_.append_run(false, count);
}

columnar::ArrayPtr LeafBuilder::finish() {
  columnar::Array::Parts parts;
  parts.type = type_;
  parts.length = static_cast<std::int64_t>(length_);
  if (validity_.size() != 0) {
    catch_up(0);
    const Buffer validity = validity_.finish();
    if (!all_bits_set(validity.data(), length_)) parts.validity = validity;
  }
  parts.values = type_.id == TypeId::kBool ? bools_.finish() : values_.finish();
  parts.ends = ends_.finish();
  if (items_) parts.children.push_back(items_->finish());
  length_ = 0;
  return std::make_shared<const columnar::Array>(std::move(parts));
}

}  // namespace omnigraph::lance
