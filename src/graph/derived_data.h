// Derived data of the data files of one graph (chapter 09 section 7), found by name below index/: used where it lies
// there and is whole, else built in memory by who needs it. What is there but is not whole is passed over with one
// warning, `index_unreadable`. No answer depends on any of it.
// Thread safety: all methods may be called concurrently.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/lru_cache.h"
#include "graph/object_reader.h"
#include "index/index_file.h"
#include "index/ordered_index.h"
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
    // A store in trouble says so where the rows themselves are read.
    return look(key, std::forward<Open>(open)).value_or(Opened());
  }

  // The stored segment of vectors with so many elements, null if there is none. Either is kept, so that the store is
  // asked once; but what is missing may come, and is asked for again before long, or once note_stored() tells of it.
  [[nodiscard]] index::VectorSegmentPtr vectors(const std::string& key, const index::IndexSource& source,
                                                std::size_t dimension);
  // The same of an ordered index.
  [[nodiscard]] index::OrderedIndexPtr ordered(const std::string& key, const index::IndexSource& source);
  // An index that this process has put.
  void note_stored(const std::string& key);

  // Terms of a column of one data file. `column` gives its values and is asked only when they have to be analysed.
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  [[nodiscard]] Result<index::TextSegmentPtr> text(std::string_view data_file_path, std::uint64_t rows,
                                                   std::span<const std::int32_t> columns, index::TermKind kind,
                                                   const std::function<Result<ColumnPtr>()>& column);
  // The same of a column that the data file lacks: of nulls alone.
  [[nodiscard]] index::TextSegmentPtr no_text(std::uint64_t rows, index::TermKind kind);

 private:
  // As stored(); an error: the store did not say what it has.
  template <class Open>
  [[nodiscard]] auto look(const std::string& key, Open&& open)
      -> Result<typename std::invoke_result_t<Open, Buffer>::value_type> {
    using Opened = typename std::invoke_result_t<Open, Buffer>::value_type;
    Result<Buffer> bytes = objects_->get_derived(key);
    if (!bytes && bytes.error().code == Code::kNotFound) return Opened();
    if (!bytes) return std::unexpected(std::move(bytes).error());
    Result<Opened> opened = open(*std::move(bytes));
    if (opened) return *std::move(opened);
    note_unreadable(key, opened.error());
    return Opened();
  }
  // As stored(), through `cache`, each object by one thread.
  template <class T, class Open>
  [[nodiscard]] std::shared_ptr<const T> cached(LruCache<const T>& cache, const std::string& key, const Open& open);
  [[nodiscard]] bool is_missing(const std::string& key);
  void note_missing(const std::string& key);
  void note_unreadable(const std::string& key, const Error& why);
  // Held while an index is made, so that nothing is made twice; keys share a few.
  [[nodiscard]] std::mutex& turn_of(const std::string& key);

  const std::shared_ptr<const ObjectReader> objects_;
  LruCache<const index::TextSegment> texts_;
  LruCache<const index::VectorSegment> vectors_;
  LruCache<const index::OrderedIndex> ordered_;
  std::array<std::mutex, 16> turns_;
  std::mutex missing_mutex_;
  std::map<std::string, std::chrono::steady_clock::time_point> missing_;  // guarded by missing_mutex_; when asked for
  std::mutex unreadable_mutex_;
  std::set<std::string> unreadable_;  // guarded by unreadable_mutex_; warned of
};

}  // namespace omnigraph::graph
