// Random access to one column by ordinal: a thin view that skips the chunk search in the largest chunk. Tables are
// mostly one large fragment and a few small ones behind it.
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
    if (const Ordinal at = o - main_start_; at < main_size_) return {main_, at};
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
    for (std::size_t i = 0; i < ordinals.size();) i = gather_run<T>(run_of(ordinals[i]), ordinals, i, each);
  }

 private:
  struct Run {  // a chunk and the ordinals in it
    const columnar::Array* array;
    Ordinal start;
    Ordinal size;
  };
  [[nodiscard]] Run run_of(Ordinal o) const {
    if (o - main_start_ < main_size_) return {main_, main_start_, main_size_};
    const auto place = data_->locate(o);
    const columnar::Array* array = data_->chunk(place.chunk).get();
    return {array, static_cast<Ordinal>(data_->chunk_start(place.chunk)), static_cast<Ordinal>(array->length())};
  }

  // The ordinals from `i` on that lie in the run; returns the first that does not.
  template <class T, class Each>
  static std::size_t gather_run(const Run& run, std::span<const Ordinal> ordinals, std::size_t i, Each& each) {
    const std::byte* base =
        run.array->values_buffer().data() + static_cast<std::size_t>(run.array->offset()) * sizeof(T);
    const bool nulls = run.array->has_nulls();
    for (; i < ordinals.size(); ++i) {
      const Ordinal at = ordinals[i] - run.start;
      if (at >= run.size) break;
      if (nulls && run.array->is_null(at)) continue;
      T v;
      std::memcpy(&v, base + std::size_t{at} * sizeof(T), sizeof(T));
      each(i, v);
    }
    return i;
  }

  std::shared_ptr<const columnar::ChunkedArray> data_;
  const columnar::Array* main_ = nullptr;  // the largest chunk: ordinals main_start_ .. main_start_ + main_size_
  Ordinal main_start_ = 0;
  Ordinal main_size_ = 0;
  bool has_nulls_ = false;
};

}  // namespace omnigraph::exec
