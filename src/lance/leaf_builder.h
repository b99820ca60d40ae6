// Collects the decoded slots of one leaf column (anything but lists and structs), page after page, without clearing
// memory first. Callers fill values, then say which slots are valid; counts must match at finish().
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "columnar/array.h"
#include "columnar/byte_sink.h"
#include "lance/bits.h"

namespace omnigraph::lance {

class LeafBuilder {
 public:
  // REQUIRES: is_leaf(type).
  explicit LeafBuilder(columnar::DataType type);
  // Bool, fixed width, string-like, or a fixed-size list of bool or fixed-width items.
  [[nodiscard]] static bool is_leaf(const columnar::DataType& type);

  [[nodiscard]] const columnar::DataType& type() const { return type_; }
  [[nodiscard]] std::uint64_t length() const { return length_; }
  [[nodiscard]] std::uint64_t byte_size() const;

  // Slots, by type. Fixed width: room for `count` values.
  [[nodiscard]] std::byte* add_values(std::uint64_t count);
  void add_bools(const std::byte* bits, std::uint64_t begin, std::uint64_t count);
  // Strings: room for `count` end offsets, counted from the start of string_bytes().
  [[nodiscard]] std::uint64_t* add_ends(std::uint64_t count);
  [[nodiscard]] columnar::ByteSink& string_bytes() { return values_; }
  // Fixed-size lists: first the items, then the slots.
  [[nodiscard]] LeafBuilder& items() { return *items_; }
  void add_slots(std::uint64_t count) { length_ += count; }
  // `count` slots with the value of slot bytes `value` (bool: one byte; fixed-size list: all items).
  void add_repeated(std::span<const std::byte> value, std::uint64_t count);
  // `count` slots holding anything, to be marked as null.
  void add_empty(std::uint64_t count);

  // Validity, in slot order; what is not said by finish() is valid.
  void add_validity(const std::byte* bits, std::uint64_t begin, std::uint64_t count);
  void add_nulls(std::uint64_t count);
  template <class Test>
  void add_validity_each(std::uint64_t count, Test&& test) {
    catch_up(count);
    validity_.append_each(count, test);
  }

  [[nodiscard]] columnar::ArrayPtr finish();

 private:
  // Marks slots before the last `coming` ones as valid, as far as nothing was said about them.
  void catch_up(std::uint64_t coming);

  columnar::DataType type_;
  std::uint32_t width_ = 0;
  std::uint64_t length_ = 0;
  columnar::ByteSink values_;
  BitBuffer bools_;
  columnar::ByteSink ends_;
  BitBuffer validity_;  // empty: all valid
  std::unique_ptr<LeafBuilder> items_;
};

}  // namespace omnigraph::lance
