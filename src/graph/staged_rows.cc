#include "graph/staged_rows.h"

#include <algorithm>

#include "columnar/kernels.h"
#include "graph/spill_file.h"
#include "lance/file_reader.h"
#include "lance/file_writer.h"

namespace omnigraph::graph {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::Batch;
using columnar::Field;
using columnar::TypeId;

// Fields of a column in a data file, itself included.
std::int32_t flattened_count(const columnar::DataType& type) {
  if (type.id == TypeId::kFixedSizeList) return 1;
  std::int32_t count = 1;
  for (std::size_t i = 0; i < type.child_count(); ++i) count += flattened_count(type.child(i).type);
  return count;
}

bool any_valid(const Array& array) {
  if (array.type().id == TypeId::kStruct) {
    for (std::size_t i = 0; i < array.child_count(); ++i) {
      if (any_valid(*array.child(i))) return true;
    }
    return false;
  }
  return array.length() > 0 && array.null_count() < array.length();
}

}  // namespace

std::vector<Field> staged_fields(const schema::Catalog& catalog, schema::TypeRef type) {
  std::vector<Field> fields;
  fields.push_back({"id", columnar::utf8(), true});
  if (type.kind == schema::EntityKind::kEdge) {
    fields.push_back({"src", columnar::utf8(), true});
    fields.push_back({"dst", columnar::utf8(), true});
  }
  for (const schema::Property& property : catalog.properties_of(type)) {
    fields.push_back({property.name, schema::column_type(property.type), true});
  }
  return fields;
}

std::uint64_t array_bytes(const Array& array) {
  const auto length = static_cast<std::uint64_t>(array.length());
  std::uint64_t bytes = array.has_nulls() ? length / 8 : 0;
  const columnar::DataType& type = array.type();
  if (type.is_string_like()) {
    return bytes + length * 8 + (length == 0 ? 0 : array.item_end(array.length() - 1) - array.item_begin(0));
  }
  if (type.id == TypeId::kFixedSizeList) return bytes + length * type.list_size * type.child(0).type.byte_width();
  if (type.id == TypeId::kList) {
    if (length == 0) return bytes;
    const std::uint64_t begin = array.item_begin(0);
    const std::uint64_t items = array.item_end(array.length() - 1) - begin;
    return bytes + length * 8 +
           array_bytes(*array.child(0)->slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(items)));
  }
  for (std::size_t i = 0; i < array.child_count(); ++i) bytes += array_bytes(*array.child(i));
  return bytes + (type.id == TypeId::kBool ? length / 8 : length * type.byte_width());
}

struct StagedRows::Impl {
  struct Piece {
    Batch batch;  // no columns once spilled
    bool spilled = false;
    SpillFile::Region region;
    std::uint64_t start = 0, rows = 0, bytes = 0;
    std::vector<bool> has_values;                     // by column
    std::vector<std::vector<bool>> child_has_values;  // struct columns only
  };
  std::shared_ptr<StagingBudget> budget;
  std::uint64_t taken_bytes = 0;
  std::uint64_t spilled_bytes = 0;
  std::shared_ptr<SpillFile> file;
  std::vector<Piece> pieces;
  std::vector<std::vector<std::int32_t>> file_columns;  // of each field in a spilled batch

  ~Impl() { budget->give_back(taken_bytes); }

  Result<void> spill(const std::vector<Field>& fields, Piece& piece) {
    if (!file) {
      OG_ASSIGN_OR_RETURN(file, SpillFile::create());
    }
    file->begin_region();
    std::vector<lance::ColumnSpec> specs;
    std::int32_t next_id = 0;
    for (const Field& field : fields) {
      specs.push_back({field, next_id, lance::ColumnClass::kPlain});
      next_id += flattened_count(field.type);
    }
    auto writer = lance::make_file_writer(specs, {.packed = false},
                                          [this](std::span<const std::byte> bytes) { return file->append(bytes); });
    OG_RETURN_IF_ERROR(writer->append(piece.batch.columns, piece.batch.length));
    OG_ASSIGN_OR_RETURN(const lance::WrittenFile written, writer->finish());
    if (file_columns.empty()) note_file_columns(specs, written, next_id);
    piece.region = file->end_region();
    piece.spilled = true;
    piece.batch = {};
    spilled_bytes += piece.region.size;
    return {};
  }

  // Opened for each use: a mapping that stayed would count every page ever read as this process's memory.
  Result<ArrayPtr> read(const lance::FileReader& reader, const Field& field, std::size_t column) const {
    OG_ASSIGN_OR_RETURN(const columnar::ChunkedArray chunks, reader.read(field.type, file_columns[column]));
    return columnar::combine(chunks);
  }
  Result<std::shared_ptr<const lance::FileReader>> open(const Piece& piece) const {
    OG_ASSIGN_OR_RETURN(Buffer bytes, file->map(piece.region));
    return lance::FileReader::open(std::move(bytes), "staged rows");
  }

  void note_file_columns(const std::vector<lance::ColumnSpec>& specs, const lance::WrittenFile& written,
                         std::int32_t id_count) {
    std::vector<std::int32_t> column_of_id(static_cast<std::size_t>(id_count), -1);
    for (std::size_t i = 0; i < written.fields.size(); ++i) {
      column_of_id[static_cast<std::size_t>(written.fields[i])] = written.column_indices[i];
    }
    for (const lance::ColumnSpec& spec : specs) {
      const auto first = column_of_id.begin() + spec.field_id;
      file_columns.emplace_back(first, first + flattened_count(spec.field.type));
    }
  }
};

StagedRows::StagedRows(const schema::Catalog& catalog, schema::TypeRef type, std::uint64_t memory_budget_bytes)
    : StagedRows(catalog, type, std::make_shared<StagingBudget>(memory_budget_bytes)) {}

StagedRows::StagedRows(const schema::Catalog& catalog, schema::TypeRef type, std::shared_ptr<StagingBudget> budget)
    : type_(type), fields_(staged_fields(catalog, type)), impl_(std::make_unique<Impl>()) {
  impl_->budget = std::move(budget);
}

StagedRows::~StagedRows() = default;

Result<void> StagedRows::append(Batch batch) {
  OG_CHECK(batch.columns.size() == fields_.size());
  if (batch.length <= kStagedBatchRowsMax) return append_piece(std::move(batch));
  for (std::int64_t start = 0; start < batch.length; start += kStagedBatchRowsMax) {
    Batch piece;
    piece.length = std::min(kStagedBatchRowsMax, batch.length - start);
    for (const ArrayPtr& column : batch.columns) piece.columns.push_back(column->slice(start, piece.length));
    OG_RETURN_IF_ERROR(append_piece(std::move(piece)));
  }
  return {};
}

Result<void> StagedRows::append_piece(Batch batch) {
  if (batch.length == 0) return {};
  Impl::Piece piece;
  piece.start = row_count_;
  piece.rows = static_cast<std::uint64_t>(batch.length);
  for (const ArrayPtr& column : batch.columns) {
    OG_CHECK(column->length() == batch.length);
    piece.bytes += array_bytes(*column);
    piece.has_values.push_back(any_valid(*column));
    auto& children = piece.child_has_values.emplace_back();
    if (column->type().id != TypeId::kStruct) continue;
    for (std::size_t i = 0; i < column->child_count(); ++i) children.push_back(any_valid(*column->child(i)));
  }
  batch.fields = fields_;
  piece.batch = std::move(batch);
  if (impl_->budget->take(piece.bytes)) {
    impl_->taken_bytes += piece.bytes;
  } else {
    OG_RETURN_IF_ERROR(impl_->spill(fields_, piece));
  }
  row_count_ += piece.rows;
  impl_->pieces.push_back(std::move(piece));
  return {};
}

std::size_t StagedRows::batch_count() const { return impl_->pieces.size(); }

Result<Batch> StagedRows::batch(std::size_t index) const {
  const Impl::Piece& piece = impl_->pieces[index];
  if (!piece.spilled) return piece.batch;
  OG_ASSIGN_OR_RETURN(const auto reader, impl_->open(piece));
  Batch batch;
  batch.fields = fields_;
  batch.length = static_cast<std::int64_t>(piece.rows);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    OG_ASSIGN_OR_RETURN(ArrayPtr read, impl_->read(*reader, fields_[i], i));
    batch.columns.push_back(std::move(read));
  }
  return batch;
}

Result<ArrayPtr> StagedRows::column(std::size_t index, std::size_t column) const {
  const Impl::Piece& piece = impl_->pieces[index];
  if (!piece.spilled) return piece.batch.columns[column];
  OG_ASSIGN_OR_RETURN(const auto reader, impl_->open(piece));
  return impl_->read(*reader, fields_[column], column);
}

std::uint64_t StagedRows::batch_start(std::size_t index) const { return impl_->pieces[index].start; }
std::uint64_t StagedRows::batch_rows(std::size_t index) const { return impl_->pieces[index].rows; }
std::uint64_t StagedRows::batch_bytes(std::size_t index) const { return impl_->pieces[index].bytes; }
bool StagedRows::has_values(std::size_t index, std::size_t column) const {
  return impl_->pieces[index].has_values[column];
}
bool StagedRows::child_has_values(std::size_t index, std::size_t column, std::size_t child) const {
  return impl_->pieces[index].child_has_values[column][child];
}
std::uint64_t StagedRows::spilled_bytes() const { return impl_->spilled_bytes; }

}  // namespace omnigraph::graph
