// What a view whose rows lie in data files offers besides its columns: derived data of each file. Other views pass for
// tables without any, and theirs is made of the columns.
// Thread safety: const methods may be called concurrently. Errors: those of reading the columns.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/derived_data.h"
#include "graph/table_view.h"
#include "index/edge_rows.h"
#include "index/ordered_index.h"
#include "index/vector_segment.h"

namespace omnigraph::graph {

// As a property: the id; the two endpoints of an edge.
inline constexpr std::size_t kIdColumn = static_cast<std::size_t>(-1);
inline constexpr std::size_t kEndpointColumns = static_cast<std::size_t>(-2);

// An index that one data file of a view has, or ought to have, below index/.
struct FileIndex {
  std::size_t fragment = 0;
  std::size_t property = 0;  // or kIdColumn, kEndpointColumns
  std::string key;
  index::IndexSource source;
};

class IndexedTable {
 public:
  virtual ~IndexedTable() = default;
  // Of manifest().fragments[..] in their order.
  [[nodiscard]] virtual Result<std::vector<index::TextSegmentPtr>> text_segments(std::size_t property,
                                                                                 index::TermKind kind) const = 0;

  // The edges of a fragment by source (kOut) or target (kIn), if that is stored and whole, else null.
  [[nodiscard]] virtual index::EdgeRowsPtr edge_rows(std::size_t i, index::IndexKind direction) const = 0;

  // Of manifest().fragments[..] in their order; null where none is stored and whole.
  [[nodiscard]] virtual std::vector<index::VectorSegmentPtr> vector_segments(std::size_t property) const = 0;

  // The same of an ordered index. Null for all of them where files are far away: whoever orders or filters by a
  // property needs its column too, and testing that is faster than a request.
  [[nodiscard]] virtual std::vector<index::OrderedIndexPtr> ordered_indexes(std::size_t property) const = 0;

  // Of the fragments that are large enough to have one and hold anything of the property.
  [[nodiscard]] virtual std::vector<FileIndex> file_indexes(std::size_t property, index::IndexKind kind) const = 0;
  [[nodiscard]] virtual bool is_stored(const FileIndex& wanted) const = 0;  // and whole; reads it
  [[nodiscard]] virtual Result<Buffer> make_index(const FileIndex& wanted) const = 0;
};

// Terms of a String property, by fragment.
[[nodiscard]] Result<std::vector<index::TextSegmentPtr>> text_segments(const TableView& table, std::size_t property,
                                                                       index::TermKind kind);

// Stored segments of a Vector property, by fragment: null where there is none.
[[nodiscard]] std::vector<index::VectorSegmentPtr> vector_segments(const TableView& table, std::size_t property);

// Stored ordered indexes of a property, by fragment: null where there is none.
[[nodiscard]] std::vector<index::OrderedIndexPtr> ordered_indexes(const TableView& table, std::size_t property);

}  // namespace omnigraph::graph
