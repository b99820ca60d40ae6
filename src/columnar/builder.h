// Builds one Array by appending. Not thread safe. finish() hands the array over and leaves the builder empty.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "columnar/byte_sink.h"
#include "columnar/scalar.h"

namespace omnigraph::columnar {

// The append of the wrong kind for the type is a programmer's mistake (OG_CHECK).
class ArrayBuilder {
 public:
  explicit ArrayBuilder(DataType type);
  ~ArrayBuilder();
  ArrayBuilder(ArrayBuilder&&) noexcept;
  ArrayBuilder& operator=(ArrayBuilder&&) noexcept;

  [[nodiscard]] const DataType& type() const { return type_; }
  [[nodiscard]] std::int64_t length() const { return length_; }
  [[nodiscard]] std::size_t byte_size() const;  // of what is collected, for flush decisions
  void reserve(std::int64_t more_rows);         // values and offsets, not the bytes of strings

  void append_null();  // also fills fixed-size-list and struct children
  void append_bool(bool value);
  template <class T>
  void append_value(T value) {  // fixed width; sizeof(T) == byte_width
    append_raw(&value, sizeof(T));
  }
  template <class T>
  void append_values(std::span<const T> values) {  // as append_value for each
    OG_CHECK(sizeof(T) == byte_width_);
    values_.append(values.data(), values.size_bytes());
    append_valid_run(static_cast<std::int64_t>(values.size()));
  }
  void append_string(std::string_view value) {
    OG_CHECK(type_.is_string_like());
    values_.append(value.data(), value.size());
    ends_.push_back(values_.size());
    append_validity(true);
  }
  // Lists: append items to child(0), then close the slot; fixed-size lists need exactly list_size items.
  void close_list();
  void append_vector(std::span<const float> value);  // fixed-size list of float32
  // Structs: append to every child, then close the slot as valid.
  void close_struct();
  [[nodiscard]] ArrayBuilder& child(std::size_t i) { return *children_[i]; }
  // Any of the above; integers are narrowed (the caller checked the range). REQUIRES: kind fits the type.
  void append_scalar(const Scalar& value);
  // Copies slot i of an array of the same type.
  void append_from(const Array& source, std::int64_t i);
  void append_range(const Array& source, std::int64_t begin, std::int64_t count);

  [[nodiscard]] ArrayPtr finish();

 private:
  void append_raw(const void* value, std::size_t size) {
    OG_CHECK(size == byte_width_);
    __builtin_memcpy(values_.extend(size), value, size);
    append_validity(true);
  }
  void append_validity(bool valid) {
    if (!valid || null_count_ > 0) set_validity(valid);
    ++length_;
  }
  void set_validity(bool valid);
  void append_valid_run(std::int64_t count);
  void append_validity_range(const Array& source, std::int64_t begin, std::int64_t count);
  void start_validity();
  // A slot under a null parent: null if `nullable`, else the type's zero.
  void append_filler(bool nullable);
  void append_slot_bytes();
  void append_list_scalar(const Scalar& value);

  DataType type_;
  std::uint32_t byte_width_ = 0;
  std::int64_t length_ = 0;
  std::int64_t null_count_ = 0;
  ByteSink validity_;  // empty until the first null
  ByteSink values_;
  std::vector<std::uint64_t> ends_;
  std::vector<std::unique_ptr<ArrayBuilder>> children_;
};

}  // namespace omnigraph::columnar
