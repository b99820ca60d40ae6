// Builds one Array by appending. Not thread safe. finish() hands the array over and leaves the builder empty.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
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

  void append_null();  // also fills fixed-size-list and struct children
  void append_bool(bool value);
  template <class T>
  void append_value(T value) {  // fixed width; sizeof(T) == byte_width
    append_raw(&value, sizeof(T));
  }
  void append_string(std::string_view value);
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
  void append_raw(const void* value, std::size_t size);
  void append_validity(bool valid);

  DataType type_;
  std::int64_t length_ = 0;
  std::int64_t null_count_ = 0;
  std::vector<std::byte> validity_;   // only from the first null on
  std::vector<std::byte> values_;
  std::vector<std::uint64_t> ends_;
  std::vector<std::unique_ptr<ArrayBuilder>> children_;
};

}  // namespace omnigraph::columnar
