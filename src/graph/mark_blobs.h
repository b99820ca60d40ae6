// Blob objects that rows of marked table versions reference, read from the Blob columns. A row counts unless it is
// deleted in every marked version that has its data file.
// Thread safety: none.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/mark_objects.h"

namespace omnigraph::graph {

class BlobMarker {
 public:
  BlobMarker(FreshReader& reader, objectstore::ObjectStore& store) : reader_(reader), store_(store) {}

  // `records` reference the version; none: read its objects from their own places, and pass over what is not there.
  // Errors: of the store; kCorruptObject.
  [[nodiscard]] Result<void> note(const std::vector<RecordAt>& records, const std::string& manifest_key,
                                  const lance::Manifest& manifest);
  // Keys of all objects that noted versions reference.
  [[nodiscard]] Result<std::set<std::string>> objects();

 private:
  struct Column {
    std::int32_t struct_column = -1;  // in the file; none in 2.1 and later
    std::int32_t object_column = -1;
    friend auto operator<=>(const Column&, const Column&) = default;
  };
  struct File {
    std::vector<RecordAt> records;
    bool has_parents = true;  // the file version keeps columns for structs
    std::set<Column> columns;
    // Positions deleted in every version noted so far; nullopt: none.
    std::optional<std::vector<std::uint32_t>> dead{};
  };
  using Deleted = std::optional<std::vector<std::uint32_t>>;
  void note_file(const std::vector<RecordAt>& records, const std::string& key, const lance::DataFileEntry& file,
                 const std::set<Column>& columns, const Deleted& deleted);
  [[nodiscard]] Result<void> read(Buffer bytes, const std::string& key, const File& file, std::set<std::string>& out);

  FreshReader& reader_;
  objectstore::ObjectStore& store_;
  std::map<std::string, File> files_;  // by key
};

}  // namespace omnigraph::graph
