// One immutable data file, opened at its first use; its decoded columns and its key index are shared by every view
// of every snapshot that contains the file. Thread safety: all methods may be called concurrently.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/cache_use.h"
#include "base/result.h"
#include "columnar/array.h"
#include "graph/object_reader.h"
#include "index/key_index.h"
#include "lance/file_reader.h"

namespace omnigraph::graph {

// A small file that this process wrote, and its columns as they were before they were encoded: the next write looks
// into the file of the last one, and folds it, without reading it back.
struct FileRows {
  struct Column {
    columnar::DataType type;
    std::vector<std::int32_t> columns;  // of the file
    columnar::ArrayPtr values;
  };
  std::vector<Column> columns;  // not those that the file has in parts (structs)
  Buffer file;
};
using FileRowsPtr = std::shared_ptr<const FileRows>;
[[nodiscard]] std::uint64_t memory_of(const FileRows& rows);

class DataFile {
 public:
  // `record` says where the bytes are; it is let go once they are read. `far_bytes`: the size of a file in a far store,
  // 0 where it is not known or the store is near. `rows`: of a file that was just written; else null. The file and all
  // that is made of it are added to `cost`; a mapped file counts as one in memory.
  DataFile(std::string key, RecordPtr record, std::shared_ptr<const ObjectReader> objects, std::uint64_t far_bytes,
           const FileRowsPtr& rows, base::CacheCostPtr cost);

  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] Result<std::shared_ptr<const lance::FileReader>> reader();
  [[nodiscard]] bool is_open();
  // Brings what reading these columns takes, in as few round trips as it can. What fails fails again at the reading.
  void bring(const std::vector<std::int32_t>& columns);
  // Whether bring() would ask the store for something: a large file is read column by column.
  [[nodiscard]] bool is_at_hand(const std::vector<std::int32_t>& columns);

  // A top-level field by its file columns as lance::FileReader::read takes them; decoded once.
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  [[nodiscard]] Result<ColumnPtr> column(const columnar::DataType& type, const std::vector<std::int32_t>& columns);
  // Over the utf8 column of ids. `stored` gives one that was kept, or null, and is asked once.
  using KeyIndexPtr = std::shared_ptr<const index::KeyIndex>;
  [[nodiscard]] Result<KeyIndexPtr> key_index(const std::vector<std::int32_t>& id_columns,
                                              const std::function<KeyIndexPtr(const ColumnPtr& ids)>& stored);
  [[nodiscard]] KeyIndexPtr known_key_index();  // null: nobody asked for it yet

 private:
  using ColumnKey = std::pair<std::string, std::vector<std::int32_t>>;  // type name, file columns

  [[nodiscard]] ColumnPtr known_column(const ColumnKey& place);
  void note_opened(const Buffer& file);

  const std::string key_;
  const std::uint64_t far_bytes_;
  const base::CacheCostPtr cost_;
  std::atomic<const void*> bytes_owner_ = nullptr;  // of the file's bytes: columns that lie in them cost nothing more
  std::mutex open_mutex_;                           // guards the four below
  RecordPtr record_;
  FileRowsPtr rows_;
  std::shared_ptr<const ObjectReader> objects_;
  std::shared_ptr<const lance::FileReader> reader_;

  std::mutex mutex_;  // guards all below; held while decoding, so that nothing is decoded twice
  std::set<std::vector<std::int32_t>> brought_;
  std::map<ColumnKey, ColumnPtr> columns_;
  KeyIndexPtr key_index_;
};

}  // namespace omnigraph::graph
