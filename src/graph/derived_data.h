// Derived data of the data files of one graph (chapter 09 section 7), found by name below index/: used where it lies
// there and is whole, else built in memory by who needs it. What is there but is not whole is passed over with one
// warning, `index_unreadable`. No answer depends on any of it.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/lru_cache.h"
#include "graph/object_reader.h"
#include "index/index_file.h"
#include "index/text_segment.h"
#include "index/vector_segment.h"

namespace omnigraph::graph {

// Smaller files are analysed faster than their index is fetched; they have none and count as covered.
inline constexpr std::uint64_t kIndexedRowsMin = 4096;

// A digest of what decides an index besides the data file: how it is made, and the columns of the file it is made of.
[[nodiscard]] std::uint64_t index_parameters(std::string_view recipe, std::span<const std::int32_t> columns);
// index/<kind>/<data file stem>-<parameters>
[[nodiscard]] std::string index_key(index::IndexKind kind, std::string_view data_file_path, std::uint64_t parameters);

class DerivedData {
 public:
  explicit DerivedData(std::shared_ptr<const ObjectReader> objects);

  // What `open` makes of the bytes under `key`; null if nothing is there or `open` refuses it.
  template <class Open>
  [[nodiscard]] auto stored(const std::string& key, Open&& open) {
    using Opened = typename std::invoke_result_t<Open, Buffer>::value_type;  // a shared pointer
    Result<Buffer> bytes = objects_->get_derived(key);
    if (!bytes) return Opened();  // a store in trouble says so where the rows themselves are read
    Result<Opened> opened = open(*std::move(bytes));
    if (opened) return *std::move(opened);
    note_unreadable(key, opened.error());
    return Opened();
  }

  // The stored segment, null if there is none; either is kept, so that the store is asked once.
  [[nodiscard]] index::VectorSegmentPtr vectors(const std::string& key, const index::IndexSource& source);

  // Terms of a column of one data file. `column` gives its values and is asked only when they have to be analysed.
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  [[nodiscard]] Result<index::TextSegmentPtr> text(std::string_view data_file_path, std::uint64_t rows,
                                                   std::span<const std::int32_t> columns, index::TermKind kind,
                                                   const std::function<Result<ColumnPtr>()>& column);

 private:
  void note_unreadable(const std::string& key, const Error& why);
  // Held while an index is made, so that nothing is made twice; keys share a few.
  [[nodiscard]] std::mutex& turn_of(const std::string& key);

  const std::shared_ptr<const ObjectReader> objects_;
  LruCache<const index::TextSegment> texts_;
  LruCache<const index::VectorSegmentPtr> vectors_;
  std::array<std::mutex, 16> turns_;
  std::mutex unreadable_mutex_;
  std::set<std::string> unreadable_;  // guarded by unreadable_mutex_; warned of
};

}  // namespace omnigraph::graph
