#include "graph/data_file.h"

#include "columnar/data_type.h"
#include "graph/memory_cost.h"
#include "graph/remote_file.h"

namespace omnigraph::graph {
namespace {

// Of a file without its bytes and columns: itself, and once it is open what its reader knows of its pages.
constexpr std::uint64_t kDataFileBytes = 512;
constexpr std::uint64_t kReaderBytes = 1024;
constexpr std::uint64_t kReaderColumnBytes = 512;

// What lies inside a record is taken out of it: a slice would keep the whole record in memory.
Buffer apart(const Buffer& bytes) { return Buffer::from(std::string(bytes.text())); }

}  // namespace

DataFile::DataFile(std::string key, RecordPtr record, std::shared_ptr<const ObjectReader> objects,
                   std::uint64_t far_bytes, const FileRowsPtr& rows, base::CacheCostPtr cost)
    : key_(std::move(key)), far_bytes_(far_bytes), cost_(std::move(cost)) {
  cost_->add(kDataFileBytes);
  if (rows == nullptr) {
    record_ = std::move(record);
    objects_ = std::move(objects);
    return;
  }
  rows_ = rows;  // and no record: it would be kept for the sake of one file
  cost_->add(memory_of(*rows));
  for (const FileRows::Column& column : rows->columns) {
    columns_.emplace(ColumnKey(columnar::type_name(column.type), column.columns),
                     std::make_shared<const columnar::ChunkedArray>(column.type, std::vector{column.values}));
  }
}

std::uint64_t memory_of(const FileRows& rows) {
  std::uint64_t bytes = rows.file.size();
  for (const FileRows::Column& column : rows.columns) bytes += memory_of(*column.values, rows.file.owner().get());
  return bytes;
}

Result<std::shared_ptr<const lance::FileReader>> DataFile::reader() {
  const std::lock_guard lock(open_mutex_);
  if (reader_ != nullptr) return reader_;
  if (rows_ != nullptr) {
    OG_ASSIGN_OR_RETURN(reader_, lance::FileReader::open(rows_->file, key_));
    bytes_owner_ = rows_->file.owner().get();
    cost_->add(kReaderBytes + reader_->column_count() * kReaderColumnBytes);
    return reader_;
  }
  const bool in_store = objects_->where(*record_, key_).place == ObjectReader::Place::kStore;
  if (far_bytes_ > kWholeFileBytes && in_store) {
    OG_ASSIGN_OR_RETURN(auto source, RemoteFile::open(key_, far_bytes_, record_, objects_));
    const Buffer bytes = source->bytes();
    OG_ASSIGN_OR_RETURN(reader_, lance::FileReader::open(std::move(source), key_));
    note_opened(bytes);
  } else {
    OG_ASSIGN_OR_RETURN(Buffer bytes, objects_->get(*record_, key_));
    if (!in_store) bytes = apart(bytes);
    OG_ASSIGN_OR_RETURN(reader_, lance::FileReader::open(bytes, key_));
    note_opened(bytes);
  }
  record_.reset();
  objects_.reset();
  return reader_;
}

void DataFile::note_opened(const Buffer& file) {
  bytes_owner_ = file.owner().get();
  cost_->add(file.size() + kReaderBytes + reader_->column_count() * kReaderColumnBytes);
}

bool DataFile::is_open() {
  const std::lock_guard lock(open_mutex_);
  return reader_ != nullptr || rows_ != nullptr;
}

void DataFile::bring(const std::vector<std::int32_t>& columns) {
  const auto file = reader();
  if (!file || far_bytes_ <= kWholeFileBytes || !(*file)->fetch(columns)) return;
  const std::lock_guard lock(mutex_);
  brought_.insert(columns);
}

bool DataFile::is_at_hand(const std::vector<std::int32_t>& columns) {
  if (!is_open()) return false;
  if (far_bytes_ <= kWholeFileBytes) return true;
  const std::lock_guard lock(mutex_);
  return brought_.contains(columns);
}

Result<DataFile::ColumnPtr> DataFile::column(const columnar::DataType& type, const std::vector<std::int32_t>& columns) {
  ColumnKey place(columnar::type_name(type), columns);
  if (ColumnPtr known = known_column(place)) return known;
  OG_ASSIGN_OR_RETURN(const std::shared_ptr<const lance::FileReader> file, reader());
  const std::lock_guard lock(mutex_);
  if (const auto found = columns_.find(place); found != columns_.end()) return found->second;
  OG_ASSIGN_OR_RETURN(columnar::ChunkedArray values, file->read(type, columns));
  auto shared = std::make_shared<const columnar::ChunkedArray>(std::move(values));
  columns_.emplace(std::move(place), shared);
  cost_->add(memory_of(*shared, bytes_owner_));
  return shared;
}

DataFile::ColumnPtr DataFile::known_column(const ColumnKey& place) {
  const std::lock_guard lock(mutex_);
  const auto found = columns_.find(place);
  return found == columns_.end() ? nullptr : found->second;
}

Result<DataFile::KeyIndexPtr> DataFile::key_index(const std::vector<std::int32_t>& id_columns,
                                                  const std::function<KeyIndexPtr(const ColumnPtr& ids)>& stored) {
  OG_ASSIGN_OR_RETURN(const ColumnPtr ids, column(columnar::utf8(), id_columns));
  const std::lock_guard lock(mutex_);
  if (key_index_ != nullptr) return key_index_;
  key_index_ = stored(ids);
  if (key_index_ == nullptr) key_index_ = index::KeyIndex::build(*ids);
  cost_->add(key_index_->memory_bytes());
  return key_index_;
}

DataFile::KeyIndexPtr DataFile::known_key_index() {
  const std::lock_guard lock(mutex_);
  return key_index_;
}

}  // namespace omnigraph::graph
