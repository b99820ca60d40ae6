#include "tests/lance/dataset_writer.h"

#include <algorithm>

#include "base/clock.h"
#include "lance/deletions.h"

namespace omnigraph::lance {
namespace {

using columnar::ArrayPtr;

Result<void> append_all(FileWriter& writer, const std::vector<ArrayPtr>& columns, std::int64_t rows_per_append) {
  const std::int64_t length = columns.empty() ? 0 : columns.front()->length();
  const std::int64_t step = rows_per_append == 0 ? std::max<std::int64_t>(length, 1) : rows_per_append;
  for (std::int64_t at = 0; at < length; at += step) {
    const std::int64_t count = std::min(step, length - at);
    std::vector<ArrayPtr> slices;
    for (const ArrayPtr& column : columns) slices.push_back(column->slice(at, count));
    OG_RETURN_IF_ERROR(writer.append(slices, count));
  }
  return {};
}

std::unique_ptr<FileWriter> writer_into(std::string& bytes, std::vector<ColumnSpec> specs, WriterOptions options) {
  return make_file_writer(std::move(specs), options, [&bytes](std::span<const std::byte> piece) -> Result<void> {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  });
}

Result<void> put(objectstore::ObjectStore& store, const std::string& key, const std::string& bytes) {
  return store.put(key, std::as_bytes(std::span(bytes)));
}

}  // namespace

std::vector<ColumnSpec> specs_of(const std::vector<columnar::Field>& fields) {
  std::vector<ColumnSpec> specs;
  std::int32_t next_id = 0;
  for (const columnar::Field& field : fields) {
    specs.push_back({field, next_id, ColumnClass::kAutomatic, {}});
    next_id += static_cast<std::int32_t>(schema_fields({field}).size());
  }
  return specs;
}

Result<FileBytes> write_file(const std::vector<ColumnSpec>& specs, const std::vector<std::vector<ArrayPtr>>& batches,
                             WriterOptions options) {
  FileBytes file;
  const auto writer = writer_into(file.bytes, specs, options);
  for (const auto& columns : batches) OG_RETURN_IF_ERROR(append_all(*writer, columns, 0));
  OG_ASSIGN_OR_RETURN(file.written, writer->finish());
  return file;
}

Result<Manifest> write_dataset(objectstore::ObjectStore& store, const std::string& root,
                               const std::vector<columnar::Field>& fields,
                               const std::vector<std::vector<ArrayPtr>>& batches, const DatasetOptions& options) {
  Manifest manifest;
  manifest.fields = schema_fields(fields);
  manifest.version = options.version;
  manifest.timestamp_us = system_clock().now_us();
  manifest.writer_library = "omnigraph";
  manifest.writer_version = "0.0.0";
  manifest.stable_row_ids = options.stable_row_ids;
  manifest.table_metadata = options.table_metadata;
  std::vector<ColumnSpec> specs = specs_of(fields);
  for (ColumnSpec& spec : specs) {
    const auto found = options.column_classes.find(spec.field.name);
    if (found != options.column_classes.end()) spec.column_class = found->second;
  }

  std::size_t row = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    Fragment fragment;
    fragment.id = i;
    std::string bytes;
    const auto writer = writer_into(bytes, specs, {options.packed});
    OG_RETURN_IF_ERROR(append_all(*writer, batches[i], options.rows_per_append));
    OG_ASSIGN_OR_RETURN(const WrittenFile written, writer->finish());
    fragment.physical_rows = written.row_count;
    fragment.files.push_back(
        {new_data_file_name(), written.fields, written.column_indices, 2, 0, written.size_bytes, {}});
    OG_RETURN_IF_ERROR(put(store, root + "/data/" + fragment.files[0].path, bytes));

    const auto rows = static_cast<std::size_t>(written.row_count);
    if (options.stable_row_ids && options.row_ids.empty()) {
      fragment.row_ids = RowIdSequence::range(row, rows);
      manifest.next_row_id = row + rows;
    } else if (options.stable_row_ids) {
      fragment.row_ids = RowIdSequence::of(std::span(options.row_ids).subspan(row, rows));
      manifest.next_row_id = *std::ranges::max_element(options.row_ids) + 1;
    }
    row += rows;
    if (const auto found = options.deletions.find(i); found != options.deletions.end() && !found->second.empty()) {
      fragment.deletion_file = DeletionFileEntry{DeletionFileType::kBitmap, 0, 7 + i, found->second.size(), {}};
      OG_RETURN_IF_ERROR(put(store, root + "/_deletions/" + deletion_file_name(i, *fragment.deletion_file),
                             write_deletion_bitmap(found->second)));
    }
    manifest.max_fragment_id = static_cast<std::uint32_t>(i);
    manifest.fragments.push_back(std::move(fragment));
  }
  Transaction transaction;
  transaction.uuid = "6d1c5f2e-8d0b-4c53-9d84-1d6f0a1b2c3d";
  transaction.operation = Transaction::Overwrite{manifest.fragments, manifest.fields};
  manifest.transaction = std::move(transaction);
  OG_RETURN_IF_ERROR(put(store, root + "/_versions/" + manifest_name(options.version), serialize_manifest(manifest)));
  return manifest;
}

}  // namespace omnigraph::lance
