// Indexes of a data file that a load is writing (chapter 04 section 4): made of its rows as they pass, and put beside
// the file before anything refers to either. They are derived data: one that cannot be put costs time later, and those
// of a file that is never published are removed with it by `cleanup`.
//
// Texts are analysed as they pass. Other columns are held until the file is whole, which costs nothing where the staged
// rows are in memory; rows that were spilled are copied, up to kHeldBytesMax a column. Beyond that the index is left to
// be made of the published file.
// Thread safety: FileIndexing may be used concurrently; of a NewFileIndexes different indexes may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/store.h"
#include "graph/table_file.h"
#include "index/index_file.h"
#include "index/text_segment_builder.h"
#include "lance/manifest.h"
#include "objectstore/object_store.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

inline constexpr std::uint64_t kHeldBytesMax = std::uint64_t{64} << 20;
// A file whose texts are analysed ends here once it has the rows for an index: the numbers of its terms are in memory.
inline constexpr std::uint64_t kAnalysedFileBytesMax = std::uint64_t{128} << 20;
[[nodiscard]] bool declares_texts(const schema::Catalog& catalog, schema::TypeRef type);

// That a write makes indexes of its large files, and of which data files (paths, as in the manifest) it left some out.
class FileIndexing {
 public:
  using Files = std::map<schema::TypeRef, std::set<std::string>>;
  // `held_bytes_max`: of copies, a column of a file.
  explicit FileIndexing(std::uint64_t held_bytes_max = kHeldBytesMax) : held_bytes_max_(held_bytes_max) {}
  [[nodiscard]] std::uint64_t held_bytes_max() const { return held_bytes_max_; }
  void leave(schema::TypeRef type, const std::string& path);
  [[nodiscard]] Files left() const;

 private:
  const std::uint64_t held_bytes_max_;
  mutable std::mutex mutex_;
  Files left_;  // guarded by mutex_
};
// The files of this write get indexes.
void index_files(WriteTransaction& transaction, std::shared_ptr<FileIndexing> indexing);

class NewFileIndexes {
 public:
  // No indexes where `indexing` is null, or the rows are few.
  NewFileIndexes(const TableState& table, const TableLayout& layout, const TableFile& file, std::uint64_t rows,
                 FileIndexing* indexing);

  [[nodiscard]] std::size_t count() const { return indexes_.size(); }
  // The next rows of the file, for the i-th index. `arrays`: all columns of the layout.
  void append(std::size_t i, const std::vector<columnar::ArrayPtr>& arrays);
  // Makes the i-th index and puts it, once; warns if that cannot be. `file`: as written.
  void store(std::size_t i, objectstore::ObjectStore& store, const lance::DataFileEntry& file);

 private:
  struct NewIndex {
    index::IndexKind kind;
    std::vector<std::size_t> columns;     // of the layout
    std::vector<std::int32_t> field_ids;  // of these
    std::optional<index::TextSegmentBuilder> text{};
    std::vector<std::vector<columnar::ArrayPtr>> held{};  // by column
    std::uint64_t held_bytes = 0;                         // copies
    bool left = false;
  };
  void add(index::IndexKind kind, std::vector<std::size_t> columns, const TableFile& file);
  [[nodiscard]] Result<void> put(NewIndex& made, objectstore::ObjectStore& store,
                                 const lance::DataFileEntry& file) const;

  const TableState& table_;
  const TableLayout& layout_;
  const std::uint64_t rows_;
  FileIndexing* const indexing_;
  bool spilled_ = false;  // some staged rows are: arrays borrow a file
  std::vector<NewIndex> indexes_;
};

}  // namespace omnigraph::graph
