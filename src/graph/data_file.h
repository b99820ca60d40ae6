// One immutable data file, opened at its first use; its decoded columns and its key index are shared by every view
// of every snapshot that contains the file. Thread safety: all methods may be called concurrently.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/object_reader.h"
#include "index/key_index.h"
#include "lance/file_reader.h"

namespace omnigraph::graph {

class DataFile {
 public:
  // `record` says where the bytes are; it is let go once they are read.
  DataFile(std::string key, RecordPtr record, std::shared_ptr<const ObjectReader> objects)
      : key_(std::move(key)), record_(std::move(record)), objects_(std::move(objects)) {}

  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] Result<std::shared_ptr<const lance::FileReader>> reader();
  [[nodiscard]] bool is_open();

  // A top-level field by its file columns as lance::FileReader::read takes them; decoded once.
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  [[nodiscard]] Result<ColumnPtr> column(const columnar::DataType& type, const std::vector<std::int32_t>& columns);
  // Over the utf8 column of ids.
  [[nodiscard]] Result<std::shared_ptr<const index::KeyIndex>> key_index(const std::vector<std::int32_t>& id_columns);

 private:
  using ColumnKey = std::pair<std::string, std::vector<std::int32_t>>;  // type name, file columns

  const std::string key_;
  std::mutex open_mutex_;  // guards record_ and reader_
  RecordPtr record_;
  std::shared_ptr<const ObjectReader> objects_;
  std::shared_ptr<const lance::FileReader> reader_;

  std::mutex mutex_;  // guards all below; held while decoding, so that nothing is decoded twice
  std::map<ColumnKey, ColumnPtr> columns_;
  std::shared_ptr<const index::KeyIndex> key_index_;
};

}  // namespace omnigraph::graph
