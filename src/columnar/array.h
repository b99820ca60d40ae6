// Immutable columns in Arrow layout, with one difference: strings and lists keep u64 *end* offsets without a
// leading zero, as Lance 2.0 stores them, so that a mapped file is used in place. Item i spans
// [i == 0 ? 0 : ends[i-1], ends[i]) of the bytes or of the child.
//
// Validity bitmaps are LSB first, 1 = valid; an absent bitmap means all valid. Slots of nulls hold anything.
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "columnar/data_type.h"

namespace omnigraph::columnar {

class Array;
using ArrayPtr = std::shared_ptr<const Array>;

class Array {
 public:
  struct Parts {
    DataType type;
    std::int64_t length = 0;
    Buffer validity{};                 // empty = all valid
    Buffer values{};                   // fixed width: values; bool: bitmap; strings: bytes
    Buffer ends{};                     // strings, lists: u64 end offsets
    std::vector<ArrayPtr> children{};  // list: items; fixed-size list: length*list_size items; struct: fields
  };
  explicit Array(Parts parts);

  [[nodiscard]] const DataType& type() const { return type_; }
  [[nodiscard]] std::int64_t length() const { return length_; }
  [[nodiscard]] std::int64_t null_count() const;
  [[nodiscard]] bool has_nulls() const { return !validity_.empty(); }

  [[nodiscard]] bool is_valid(std::int64_t i) const { return validity_.empty() || bit(validity_.data(), offset_ + i); }
  [[nodiscard]] bool is_null(std::int64_t i) const { return !is_valid(i); }

  // Fixed-width values of type T; the caller vouches for the type (dates as i32/i64).
  template <class T>
  [[nodiscard]] std::span<const T> values() const {
    return {reinterpret_cast<const T*>(values_.data()) + offset_, static_cast<std::size_t>(length_)};
  }
  template <class T>
  [[nodiscard]] T value(std::int64_t i) const {  // any alignment
    T v;
    __builtin_memcpy(&v, values_.data() + static_cast<std::size_t>(offset_ + i) * sizeof(T), sizeof(T));
    return v;
  }
  [[nodiscard]] bool bool_value(std::int64_t i) const { return bit(values_.data(), offset_ + i); }
  [[nodiscard]] std::string_view string_value(std::int64_t i) const {
    const std::uint64_t begin = item_begin(i);
    return {reinterpret_cast<const char*>(values_.data()) + begin, static_cast<std::size_t>(item_end(i) - begin)};
  }
  // Range of the child's items of list slot i (kList and kFixedSizeList).
  [[nodiscard]] std::uint64_t item_begin(std::int64_t i) const {
    const std::int64_t at = offset_ + i;
    if (type_.id == TypeId::kFixedSizeList) return static_cast<std::uint64_t>(at) * type_.list_size;
    return at == 0 ? 0 : end_at(at - 1);
  }
  [[nodiscard]] std::uint64_t item_end(std::int64_t i) const {
    const std::int64_t at = offset_ + i;
    if (type_.id == TypeId::kFixedSizeList) return static_cast<std::uint64_t>(at + 1) * type_.list_size;
    return end_at(at);
  }
  [[nodiscard]] const ArrayPtr& child(std::size_t i) const { return children_[i]; }  // unsliced: see item_begin
  [[nodiscard]] std::size_t child_count() const { return children_.size(); }

  // Shares the buffers. REQUIRES: 0 <= offset, offset + length <= this->length(). Struct children are sliced too.
  [[nodiscard]] ArrayPtr slice(std::int64_t offset, std::int64_t length) const;

  [[nodiscard]] const Buffer& validity_buffer() const { return validity_; }
  [[nodiscard]] const Buffer& values_buffer() const { return values_; }
  [[nodiscard]] const Buffer& ends_buffer() const { return ends_; }
  [[nodiscard]] std::int64_t offset() const { return offset_; }

  static bool bit(const std::byte* bits, std::int64_t i) {
    return ((static_cast<unsigned>(bits[i >> 3]) >> (i & 7)) & 1u) != 0;
  }

 private:
  [[nodiscard]] std::uint64_t end_at(std::int64_t at) const {
    std::uint64_t v;
    __builtin_memcpy(&v, ends_.data() + static_cast<std::size_t>(at) * 8, 8);
    return v;
  }

  DataType type_;
  std::int64_t length_ = 0;
  std::int64_t offset_ = 0;
  Buffer validity_;
  Buffer values_;
  Buffer ends_;
  std::vector<ArrayPtr> children_;
};

// One logical column in pieces. Positions run over all chunks.
class ChunkedArray {
 public:
  ChunkedArray() = default;
  ChunkedArray(DataType type, std::vector<ArrayPtr> chunks);

  [[nodiscard]] const DataType& type() const { return type_; }
  [[nodiscard]] std::int64_t length() const { return starts_.empty() ? 0 : starts_.back(); }
  [[nodiscard]] std::size_t chunk_count() const { return chunks_.size(); }
  [[nodiscard]] const ArrayPtr& chunk(std::size_t i) const { return chunks_[i]; }
  [[nodiscard]] std::int64_t chunk_start(std::size_t i) const { return i == 0 ? 0 : starts_[i - 1]; }
  struct Place {
    std::size_t chunk;
    std::int64_t index;
  };
  [[nodiscard]] Place locate(std::int64_t position) const;  // binary search; one chunk: free

 private:
  DataType type_;
  std::vector<ArrayPtr> chunks_;      // none of them empty
  std::vector<std::int64_t> starts_;  // end position of each chunk
};

// Rows of several columns of equal length.
struct Batch {
  std::vector<Field> fields;
  std::vector<ArrayPtr> columns;
  std::int64_t length = 0;
};

}  // namespace omnigraph::columnar
