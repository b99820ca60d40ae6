#include "graph/prepare_files.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "base/hash.h"
#include "base/task_pool.h"
#include "columnar/kernels.h"
#include "graph/layout.h"
#include "graph/new_file_indexes.h"
#include "graph/parallel_io.h"
#include "graph/store_indexes.h"
#include "graph/table_file.h"

namespace omnigraph::graph {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::TypeId;

// Writers at work at once: each keeps the pages it fills in memory, up to kPageBytes a column.
constexpr std::size_t kWritersMax = 4;
constexpr std::uint64_t kWritersBytesMax = std::uint64_t{256} << 20;
constexpr std::uint64_t kPageBytes = std::uint64_t{8} << 20;
// Rows of files this small stay known as they are; larger ones are read back as far as they are needed.
constexpr std::uint64_t kKeptRowsMax = 4096;

std::size_t writer_count(std::size_t jobs, std::uint64_t largest_bytes) {
  const std::uint64_t fit = kWritersBytesMax / std::max<std::uint64_t>(1, largest_bytes);
  return std::min<std::size_t>(jobs, std::clamp<std::size_t>(fit, 1, kWritersMax));
}

std::vector<std::int32_t> system_field_id(const lance::Manifest& manifest, std::string_view name) {
  for (const lance::SchemaField& field : manifest.fields) {
    if (field.parent_id == -1 && field.name == name) return {field.id};
  }
  return {};
}

bool is_key_string(const TableState& table, const schema::Property& property) {
  const schema::TypeConstraints& constraints = table.constraints();
  const auto names = [&](const std::vector<std::string>& columns) {
    return std::find(columns.begin(), columns.end(), property.name) != columns.end();
  };
  return names(constraints.key) || std::any_of(constraints.unique.begin(), constraints.unique.end(), names);
}

}  // namespace

Result<TableLayout> table_layout(const TableState& table) {
  TableLayout layout;
  const lance::Manifest& manifest = table.base->manifest();
  const auto add = [&](const char* name, TypeId type, lance::ColumnClass column_class) {
    layout.fields.push_back({name, columnar::primitive(type), type == TypeId::kUint64});
    layout.field_ids.push_back(system_field_id(manifest, name));
    layout.classes.push_back(column_class);
  };
  if (table.is_edge()) {
    for (const char* name : {"id", "src", "dst"}) add(name, TypeId::kUtf8, lance::ColumnClass::kAutomatic);
    for (const char* name : {"SrcRow", "DstRow"}) add(name, TypeId::kUint64, lance::ColumnClass::kAutomatic);
  } else {
    add("id", TypeId::kUtf8, lance::ColumnClass::kKey);
  }
  layout.system_columns = layout.fields.size();
  for (const schema::Property& property : table.catalog->properties_of(table.type)) {
    const auto found = std::find_if(table.identity->properties.begin(), table.identity->properties.end(),
                                    [&](const PropertyIdentity& p) { return p.name == property.name; });
    layout.fields.push_back(
        {property.name, schema::column_type(property.type), property.type.nullable || property.type.is_blob()});
    layout.field_ids.push_back(found == table.identity->properties.end() ? std::vector<std::int32_t>()
                                                                         : found->field_ids);
    layout.classes.push_back(is_key_string(table, property) ? lance::ColumnClass::kKey
                                                            : lance::ColumnClass::kAutomatic);
  }
  for (std::size_t i = 0; i < layout.fields.size(); ++i) {
    if (!layout.field_ids[i].empty()) continue;
    return std::unexpected(
        internal_error("table " + table.root + " has no field for column '" + layout.fields[i].name + "'"));
  }
  return layout;
}

namespace {

// Bytes of one new object: collected, and streamed into the store once they are too many to travel in a record.
class ObjectOutput {
 public:
  ObjectOutput(objectstore::ObjectStore& store, std::string key) : store_(store), key_(std::move(key)) {}

  Result<void> append(std::span<const std::byte> bytes) {
    if (!upload_) {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
      if (buffer_.size() <= kAttachBytesMax) return {};
      OG_ASSIGN_OR_RETURN(upload_, store_.open_upload(key_));
      OG_RETURN_IF_ERROR(upload_->append(buffer_));
      buffer_ = {};
      return {};
    }
    return upload_->append(bytes);
  }

  // The bytes if they may stay in memory: `small_left` is what all objects of the write together have left.
  Result<std::optional<Buffer>> finish(std::atomic<std::int64_t>& small_left) {
    if (upload_) {
      OG_RETURN_IF_ERROR(upload_->finish());
      return std::nullopt;
    }
    const auto size = static_cast<std::int64_t>(buffer_.size());
    if (small_left.fetch_sub(size) >= size) return Buffer::from(std::move(buffer_));
    small_left.fetch_add(size);
    OG_RETURN_IF_ERROR(store_.put(key_, buffer_));
    return std::nullopt;
  }

 private:
  objectstore::ObjectStore& store_;
  const std::string key_;
  std::vector<std::byte> buffer_;
  std::unique_ptr<objectstore::Upload> upload_;
};

// One file to write: a run of staged batches, the first file of a table with the folded rows before them.
struct FileJob {
  std::size_t plan = 0;
  const TableLayout* layout = nullptr;
  bool with_folded = false;
  std::size_t first_piece = 0, end_piece = 0;
  std::uint64_t bytes = 0;  // estimate, to start with the largest
};

// What a job gives; in the order of the jobs.
struct FileResult {
  std::optional<lance::Fragment> fragment;  // none: no row survived
  std::optional<NewObject> small;
  FileRowsPtr rows;  // of `small`; null: not kept
  std::string uploaded;
};

class FileJobRun {
 public:
  FileJobRun(const FileJob& job, const TablePlan& plan, objectstore::ObjectStore& store, PreparedFileCache& cache,
             std::atomic<std::int64_t>& small_left)
      : job_(job), plan_(plan), table_(*plan.table), store_(store), cache_(cache), small_left_(small_left) {}

  Result<FileResult> run() {
    FileResult result;
    lance::Fragment fragment;
    fragment.row_ids = row_ids();
    fragment.physical_rows = fragment.row_ids->size();
    if (fragment.physical_rows == 0) return result;
    TableFile file(*job_.layout,
                   [this](std::size_t index, std::optional<std::size_t> child) { return any_values(index, child); });
    OG_ASSIGN_OR_RETURN(const std::string content, content_name(file));
    if (auto cached = content.empty() ? std::nullopt : cache_.find(content); cached && take(*cached, result)) {
      fragment.files.push_back(std::move(cached->file));
    } else {
      OG_ASSIGN_OR_RETURN(lance::DataFileEntry entry, write(file, fragment.physical_rows, result));
      if (!content.empty()) cache_.insert(content, cached_entry(entry, result));
      fragment.files.push_back(std::move(entry));
    }
    result.fragment = std::move(fragment);
    return result;
  }

 private:
  [[nodiscard]] lance::RowIdSequence row_ids() const {
    const std::uint64_t first = job_.first_piece < job_.end_piece ? table_.pieces[job_.first_piece].start : 0;
    std::uint64_t end = first;
    if (job_.first_piece < job_.end_piece) {
      const StagedPiece& last = table_.pieces[job_.end_piece - 1];
      end = last.start + last.count;
    }
    const bool plain = table_.superseded.empty() && table_.replaces.empty();
    if (plain && !job_.with_folded) {
      return lance::RowIdSequence::range(table_.base->manifest().next_row_id + first, end - first);
    }
    std::vector<std::uint64_t> ids;
    if (job_.with_folded) ids = plan_.folded.row_ids;
    for (std::uint64_t row = first; row < end; ++row) {
      if (table_.is_final(row)) ids.push_back(table_.row_id(row));
    }
    return lance::RowIdSequence::of(ids);
  }

  // Column of the staged rows for a layout column, or npos for SrcRow and DstRow.
  [[nodiscard]] std::size_t staged_column(std::size_t index) const {
    if (!table_.is_edge() || index < 3) return index;
    return index < 5 ? std::string::npos : index - 2;
  }

  // What is filled in at a layout column; null: nothing.
  [[nodiscard]] const FilledRows* fill_of(std::size_t index) const {
    if (index < job_.layout->system_columns) return nullptr;
    const auto found = table_.fills.find(index - job_.layout->system_columns);
    return found == table_.fills.end() ? nullptr : &found->second;
  }

  [[nodiscard]] bool any_values(std::size_t index, std::optional<std::size_t> child) const {
    const FilledRows* fill = fill_of(index);
    for (std::size_t p = job_.first_piece; p < job_.end_piece; ++p) {
      const StagedPiece& piece = table_.pieces[p];
      if (fill != nullptr && fills_any(*fill, piece)) return true;
      const std::size_t column = staged_column(index);
      if (child ? piece.rows->child_has_values(piece.index, column, *child)
                : piece.rows->has_values(piece.index, column)) {
        return true;
      }
    }
    if (!job_.with_folded || plan_.folded.columns.empty()) return false;
    const Array& folded = child ? *plan_.folded.columns[index]->child(*child) : *plan_.folded.columns[index];
    return folded.null_count() < folded.length();
  }

  // All that decides the bytes; empty: the file is not worth remembering.
  Result<std::string> content_name(const TableFile& file) const {
    if (job_.with_folded) return std::string();
    for (const auto& [property, fill] : table_.fills) {
      if (std::any_of(table_.pieces.begin() + static_cast<std::ptrdiff_t>(job_.first_piece),
                      table_.pieces.begin() + static_cast<std::ptrdiff_t>(job_.end_piece),
                      [&fill](const StagedPiece& piece) { return keeps_any(fill, piece); })) {
        return std::string();  // vectors of the base are in it
      }
    }
    std::string name = table_.root;
    const auto add = [&](char separator, std::uint64_t number) {
      name += separator;
      name.append(std::to_string(number));
    };
    for (const TableFile::Column& column : file.columns()) {
      for (const std::int32_t id : column.field_ids) add(',', static_cast<std::uint64_t>(id));
    }
    for (std::size_t p = job_.first_piece; p < job_.end_piece; ++p) {
      const StagedPiece& piece = table_.pieces[p];
      add('|', reinterpret_cast<std::uintptr_t>(piece.rows));
      add(':', piece.index);
      if (!table_.is_edge()) continue;
      for (const EdgeSide side : {EdgeSide::kSource, EdgeSide::kDestination}) {
        OG_ASSIGN_OR_RETURN(const Buffer rows, plan_.endpoints->get(side, p));
        const base::Hash128 hash = base::hash128(rows.text());
        add('.', hash.low);
        add('.', hash.high);
      }
    }
    return name;
  }

  // False: it is in memory, and no more may stay there.
  bool take(const PreparedFileCache::Entry& cached, FileResult& result) {
    if (!cached.bytes) {
      result.uploaded = cached.key;
      return true;
    }
    const auto size = static_cast<std::int64_t>(cached.bytes->size());
    if (small_left_.fetch_sub(size) < size) {
      small_left_.fetch_add(size);
      return false;
    }
    result.small = NewObject{cached.key, *cached.bytes};
    result.rows = cached.rows;
    return true;
  }

  [[nodiscard]] PreparedFileCache::Entry cached_entry(const lance::DataFileEntry& entry,
                                                      const FileResult& result) const {
    if (!result.small) return {entry, result.uploaded, std::nullopt, nullptr, sources()};
    return {entry, result.small->key, result.small->bytes, result.rows, sources()};
  }

  [[nodiscard]] std::vector<std::shared_ptr<const StagedRows>> sources() const {
    std::vector<std::shared_ptr<const StagedRows>> kept;
    for (const TablePut& put : table_.writes->puts) kept.push_back(put.rows);
    return kept;
  }

  Result<lance::DataFileEntry> write(TableFile& file, std::uint64_t row_count, FileResult& result) {
    const std::string name = lance::new_data_file_name();
    const std::string key = data_file_key(table_.root, name);
    ObjectOutput output(store_, key);
    file.open(lance::is_worth_packing(row_count, job_.bytes),
              [&](std::span<const std::byte> bytes) { return output.append(bytes); });
    NewFileIndexes indexes(table_, *job_.layout, file, row_count, plan_.indexing);
    const auto append = [&](const std::vector<ArrayPtr>& arrays) {
      Result<void> appended;
      base::TaskPool::shared().parallel_for(1 + indexes.count(), [&](std::size_t i) {
        if (i == 0) {
          appended = file.append(arrays, arrays.front()->length());
        } else {
          indexes.append(i - 1, arrays);
        }
      });
      return appended;
    };
    const bool keeps_rows = row_count <= kKeptRowsMax;
    std::vector<std::vector<ArrayPtr>> kept;  // of each piece, by layout column
    if (job_.with_folded && !plan_.folded.row_ids.empty()) {
      OG_RETURN_IF_ERROR(append(plan_.folded.columns));
      if (keeps_rows) kept.push_back(plan_.folded.columns);
    }
    for (std::size_t p = job_.first_piece; p < job_.end_piece; ++p) {
      OG_ASSIGN_OR_RETURN(std::vector<ArrayPtr> arrays, piece_arrays(p));
      OG_RETURN_IF_ERROR(append(arrays));
      if (keeps_rows) kept.push_back(std::move(arrays));
    }
    OG_ASSIGN_OR_RETURN(lance::DataFileEntry entry, file.finish(name, row_count));
    // Side by side, so that a far store is waited for once.
    std::optional<Buffer> small;
    OG_RETURN_IF_ERROR(parallel_io(1 + indexes.count(), [&](std::size_t i) -> Result<void> {
      if (i > 0) {
        indexes.store(i - 1, store_, entry);
        return {};
      }
      OG_ASSIGN_OR_RETURN(small, output.finish(small_left_));
      return {};
    }));
    if (small) {
      if (keeps_rows) result.rows = rows_of(file, entry, kept, *small);
      result.small = NewObject{key, std::move(*small)};
    } else {
      result.uploaded = key;
    }
    return entry;
  }

  // The columns of the file as they went into it. A struct that the file has in parts is left out.
  static FileRowsPtr rows_of(const TableFile& file, const lance::DataFileEntry& entry,
                             const std::vector<std::vector<ArrayPtr>>& kept, Buffer bytes) {
    auto rows = std::make_shared<FileRows>();
    rows->file = std::move(bytes);
    for (const TableFile::Column& column : file.columns()) {
      if (column.field.type.id == TypeId::kStruct) continue;
      FileRows::Column known{.type = column.field.type, .columns = {}, .values = {}};
      for (const std::int32_t id : column.field_ids) {
        const auto at = std::ranges::find(entry.fields, id) - entry.fields.begin();
        known.columns.push_back(entry.column_indices[static_cast<std::size_t>(at)]);
      }
      std::vector<ArrayPtr> parts;
      for (const std::vector<ArrayPtr>& arrays : kept) parts.push_back(arrays[column.index]);
      known.values = parts.size() == 1 ? parts.front()
                                       : columnar::combine(columnar::ChunkedArray(column.field.type, std::move(parts)));
      rows->columns.push_back(std::move(known));
    }
    return rows;
  }

  // A staged piece as columns of the layout.
  Result<std::vector<ArrayPtr>> piece_arrays(std::size_t p) const {
    const StagedPiece& piece = table_.pieces[p];
    OG_ASSIGN_OR_RETURN(const columnar::Batch batch, piece.rows->batch(piece.index));
    std::vector<ArrayPtr> arrays;
    for (std::size_t i = 0; i < job_.layout->fields.size(); ++i) {
      const std::size_t column = staged_column(i);
      if (column != std::string::npos) {
        ArrayPtr array = batch.columns[column];
        if (const FilledRows* fill = fill_of(i); fill != nullptr && fills_any(*fill, piece)) {
          const Array& texts = *batch.columns[staged_column(job_.layout->system_columns + fill->column.source)];
          OG_ASSIGN_OR_RETURN(array, filled_vectors(table_, *fill, piece, *array, texts));
        }
        arrays.push_back(std::move(array));
        continue;
      }
      OG_ASSIGN_OR_RETURN(const Buffer rows,
                          plan_.endpoints->get(i == 3 ? EdgeSide::kSource : EdgeSide::kDestination, p));
      arrays.push_back(std::make_shared<const Array>(
          Array::Parts{.type = columnar::primitive(TypeId::kUint64), .length = batch.length, .values = rows}));
    }
    std::vector<std::uint32_t> kept;
    for (std::uint64_t i = 0; i < piece.count && !table_.superseded.empty(); ++i) {
      if (table_.is_final(piece.start + i)) kept.push_back(static_cast<std::uint32_t>(i));
    }
    if (table_.superseded.empty() || kept.size() == piece.count) return arrays;
    for (ArrayPtr& array : arrays) array = columnar::take(*array, kept);
    return arrays;
  }

  const FileJob& job_;
  const TablePlan& plan_;
  const TableState& table_;
  objectstore::ObjectStore& store_;
  PreparedFileCache& cache_;
  std::atomic<std::int64_t>& small_left_;
};

// Cuts a table's staged batches into files.
void plan_jobs(const TablePlan& plan, std::size_t index, const TableLayout& layout, std::vector<FileJob>& jobs) {
  const TableState& table = *plan.table;
  const auto open = [&](std::size_t piece) {
    FileJob job{.plan = index, .layout = &layout};
    job.first_piece = job.end_piece = piece;
    return job;
  };
  const bool texts = plan.indexing != nullptr && declares_texts(*table.catalog, table.type);
  FileJob job = open(0);
  job.with_folded = !plan.folded.row_ids.empty();
  std::uint64_t rows = plan.folded.row_ids.size();
  for (std::size_t p = 0; p < table.pieces.size(); ++p) {
    const StagedPiece& piece = table.pieces[p];
    const std::uint64_t bytes = piece.rows->batch_bytes(piece.index);
    const std::uint64_t bytes_max = texts && rows >= kLoadIndexedRowsMin ? kAnalysedFileBytesMax : lance::kFileBytesMax;
    if (rows > 0 && (rows + piece.count > lance::kFileRowsMax || job.bytes + bytes > bytes_max)) {
      jobs.push_back(job);
      job = open(p);
      rows = 0;
    }
    rows += piece.count;
    job.bytes += bytes;
    job.end_piece = p + 1;
  }
  if (rows > 0) jobs.push_back(job);
}

void take_result(FileResult result, PreparedTable& table, PreparedWrite& out) {
  if (result.fragment) table.added.push_back(std::move(*result.fragment));
  if (result.rows) out.rows.emplace(result.small->key, std::move(result.rows));
  if (result.small) out.small.push_back(std::move(*result.small));
  if (!result.uploaded.empty()) out.uploaded.push_back(std::move(result.uploaded));
}

}  // namespace

Result<void> write_file(const TablePlan& plan, const TableLayout& layout, const FilePieces& pieces,
                        objectstore::ObjectStore& store, PreparedFileCache& cache, PreparedTable& table,
                        PreparedWrite& out) {
  FileJob job{.layout = &layout};
  job.first_piece = pieces.first;
  job.end_piece = pieces.end;
  job.with_folded = pieces.with_folded;
  std::atomic<std::int64_t> small_left = static_cast<std::int64_t>(kAttachBytesMax);
  OG_ASSIGN_OR_RETURN(FileResult result, FileJobRun(job, plan, store, cache, small_left).run());
  take_result(std::move(result), table, out);
  return {};
}

Result<void> write_files(const std::vector<TablePlan>& plans, objectstore::ObjectStore& store, PreparedFileCache& cache,
                         PreparedWrite& out) {
  std::vector<TableLayout> layouts;
  layouts.reserve(plans.size());  // Jobs point into it.
  std::vector<FileJob> jobs;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    OG_ASSIGN_OR_RETURN(TableLayout layout, table_layout(*plans[i].table));
    layouts.push_back(std::move(layout));
    plan_jobs(plans[i], i, layouts.back(), jobs);
  }
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return jobs[a].bytes > jobs[b].bytes; });

  std::vector<Result<FileResult>> results(jobs.size());
  std::atomic<std::int64_t> small_left = static_cast<std::int64_t>(kAttachBytesMax);
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::uint64_t largest_bytes = 0;
  for (const FileJob& job : jobs) {
    std::uint64_t bytes = std::min<std::uint64_t>(job.bytes, job.layout->fields.size() * kPageBytes);
    if (plans[job.plan].indexing != nullptr) bytes += std::min(job.bytes, kAnalysedFileBytesMax);
    largest_bytes = std::max(largest_bytes, bytes);
  }
  base::TaskPool::shared().parallel_for(writer_count(jobs.size(), largest_bytes), [&](std::size_t) {
    for (std::size_t at = next++; at < jobs.size() && !failed; at = next++) {
      const FileJob& job = jobs[order[at]];
      results[order[at]] = FileJobRun(job, plans[job.plan], store, cache, small_left).run();
      if (!results[order[at]]) failed = true;
    }
  });
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!results[i]) return std::unexpected(std::move(results[i]).error());
    take_result(*std::move(results[i]), out.tables[jobs[i].plan], out);
  }
  return {};
}

void PreparedFileCache::begin_attempt(const Moment& now) {
  const std::lock_guard lock(mutex_);
  if (!has_uploads_) began_ = now;
}

Moment PreparedFileCache::began() const {
  const std::lock_guard lock(mutex_);
  return began_;
}

std::optional<PreparedFileCache::Entry> PreparedFileCache::find(const std::string& content) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(content);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

void PreparedFileCache::insert(const std::string& content, Entry entry) {
  const std::lock_guard lock(mutex_);
  has_uploads_ = has_uploads_ || !entry.bytes;
  entries_.insert_or_assign(content, std::move(entry));
}

std::shared_ptr<PreparedFileCache> make_prepared_file_cache() { return std::make_shared<PreparedFileCache>(); }

}  // namespace omnigraph::graph
