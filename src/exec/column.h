// Random access to one column by ordinal: a thin view that skips the chunk search when there is one chunk.
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "columnar/array.h"
#include "exec/value.h"
#include "graph/table_view.h"

namespace omnigraph::exec {

using graph::kNoOrdinal;
using graph::Ordinal;

class Column {
 public:
  Column() = default;
  explicit Column(std::shared_ptr<const columnar::ChunkedArray> data);

  [[nodiscard]] const columnar::ChunkedArray& data() const { return *data_; }
  [[nodiscard]] const columnar::DataType& type() const { return data_->type(); }
  [[nodiscard]] bool has_nulls() const { return has_nulls_; }

  struct Slot {
    const columnar::Array* array;
    std::int64_t index;
  };
  [[nodiscard]] Slot slot(Ordinal o) const {
    if (single_ != nullptr) return {single_, o};
    const auto place = data_->locate(o);
    return {data_->chunk(place.chunk).get(), place.index};
  }
  [[nodiscard]] bool is_null(Ordinal o) const {
    if (!has_nulls_) return false;
    const Slot s = slot(o);
    return s.array->is_null(s.index);
  }
  [[nodiscard]] Value value(Ordinal o) const {
    const Slot s = slot(o);
    return value_at(*s.array, s.index);
  }
  // REQUIRES: not null, a string column.
  [[nodiscard]] std::string_view text(Ordinal o) const {
    const Slot s = slot(o);
    return s.array->string_value(s.index);
  }
  // Calls each(i, value) for the non-null slots of `ordinals`. T is the stored type.
  template <class T, class Each>
  void gather(std::span<const Ordinal> ordinals, Each&& each) const {
    if (single_ != nullptr) {
      const std::byte* base = single_->values_buffer().data() + static_cast<std::size_t>(single_->offset()) * sizeof(T);
      for (std::size_t i = 0; i < ordinals.size(); ++i) {
        if (has_nulls_ && single_->is_null(ordinals[i])) continue;
        T v;
        std::memcpy(&v, base + std::size_t{ordinals[i]} * sizeof(T), sizeof(T));
        each(i, v);
      }
      return;
    }
    for (std::size_t i = 0; i < ordinals.size(); ++i) {
      const Slot s = slot(ordinals[i]);
      if (s.array->is_valid(s.index)) each(i, s.array->value<T>(s.index));
    }
  }

 private:
  std::shared_ptr<const columnar::ChunkedArray> data_;
  const columnar::Array* single_ = nullptr;
  bool has_nulls_ = false;
};

}  // namespace omnigraph::exec
