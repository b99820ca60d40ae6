#include "engine/load_external.h"

#include "columnar/kernels.h"
#include "engine/external_blobs.h"
#include "engine/load_limits.h"
#include "engine/load_values.h"

namespace omnigraph::engine {
namespace {

using columnar::ArrayPtr;

class TakeIn {
 public:
  TakeIn(const schema::Catalog& catalog, const LoadParseOptions& options, ExternalCells cells)
      : catalog_(catalog),
        options_(options),
        copies_(cells == ExternalCells::kCopied),
        budget_(std::make_shared<graph::StagingBudget>(options.staging_memory_bytes)) {}

  // All are counted before the first is read.
  Result<void> run(ParsedLoad& parsed) {
    for (auto& [type, rows] : parsed.types) {
      for (ParsedRows& part : rows.parts) OG_RETURN_IF_ERROR(count(*part.rows));
    }
    if (!copies_) return {};
    for (auto& [type, rows] : parsed.types) {
      for (ParsedRows& part : rows.parts) {
        if (names_any(*part.rows)) OG_RETURN_IF_ERROR(copy(part));
      }
    }
    return {};
  }

 private:
  // Columns of `rows` that hold Blobs.
  [[nodiscard]] std::vector<std::size_t> blob_columns(const graph::StagedRows& rows) const {
    const std::size_t first = graph::staged_system_columns(rows.type().kind);
    const auto& properties = catalog_.properties_of(rows.type());
    std::vector<std::size_t> columns;
    for (std::size_t i = 0; i < properties.size(); ++i) {
      if (properties[i].type.is_blob()) columns.push_back(first + i);
    }
    return columns;
  }

  [[nodiscard]] bool names_any(const graph::StagedRows& rows) const {
    for (const std::size_t column : blob_columns(rows)) {
      for (std::size_t i = 0; i < rows.batch_count(); ++i) {
        if (rows.child_has_values(i, column, kBlobUriChild)) return true;
      }
    }
    return false;
  }

  Result<void> count(const graph::StagedRows& rows) {
    for (const std::size_t column : blob_columns(rows)) {
      for (std::size_t i = 0; i < rows.batch_count(); ++i) {
        if (!rows.child_has_values(i, column, kBlobUriChild)) continue;
        OG_ASSIGN_OR_RETURN(const ArrayPtr values, rows.column(i, column));
        const columnar::Array& uris = *values->child(kBlobUriChild);
        for (std::int64_t row = 0; row < values->length(); ++row) {
          if (values->is_valid(row) && uris.is_valid(row)) ++cells_;
        }
      }
    }
    if (cells_ <= kExternalBlobCellsMax) return {};
    return std::unexpected(resource_limit("external Blob reference cells", cells_, kExternalBlobCellsMax));
  }

  Result<void> copy(ParsedRows& part) {
    auto copied = std::make_shared<graph::StagedRows>(catalog_, part.rows->type(), budget_);
    const std::vector<std::size_t> columns = blob_columns(*part.rows);
    for (std::size_t i = 0; i < part.rows->batch_count(); ++i) {
      OG_ASSIGN_OR_RETURN(columnar::Batch batch, part.rows->batch(i));
      for (const std::size_t column : columns) {
        if (!part.rows->child_has_values(i, column, kBlobUriChild)) continue;
        OG_ASSIGN_OR_RETURN(batch.columns[column], with_payloads(batch.columns[column]));
      }
      OG_RETURN_IF_ERROR(copied->append(std::move(batch)));
    }
    part.rows = std::move(copied);
    return {};
  }

  // The column with the cells that name a URI replaced by their payloads.
  Result<ArrayPtr> with_payloads(const ArrayPtr& values) {
    const columnar::Array& uris = *values->child(kBlobUriChild);
    columnar::ArrayBuilder payloads(values->type());
    std::vector<std::uint32_t> positions;
    std::vector<PendingBlob> large;
    std::uint32_t next = static_cast<std::uint32_t>(values->length());  // behind the column's own rows
    for (std::int64_t row = 0; row < values->length(); ++row) {
      const bool named = values->is_valid(row) && uris.is_valid(row);
      positions.push_back(named ? next++ : static_cast<std::uint32_t>(row));
      if (!named) continue;
      OG_ASSIGN_OR_RETURN(const auto uri,
                          objectstore::parse_blob_uri(uris.string_value(row), objectstore::BlobUriKind::kObject));
      OG_ASSIGN_OR_RETURN(const Buffer payload, reader_.read(uri));
      append_managed_blob(std::string(payload.text()), payloads, large);
      for (const PendingBlob& blob : large) {
        OG_RETURN_IF_ERROR(options_.put_blob(blob.key, std::as_bytes(std::span<const char>(blob.bytes))));
      }
      large.clear();
    }
    return columnar::take(columnar::ChunkedArray(values->type(), {values, payloads.finish()}), positions);
  }

  const schema::Catalog& catalog_;
  const LoadParseOptions& options_;
  const bool copies_;
  const std::shared_ptr<graph::StagingBudget> budget_;
  ExternalBlobReader reader_;
  std::uint64_t cells_ = 0;
};

}  // namespace

Result<void> take_in_external(ParsedLoad& parsed, const schema::Catalog& catalog, const LoadParseOptions& options,
                              ExternalCells cells) {
  return TakeIn(catalog, options, cells).run(parsed);
}

}  // namespace omnigraph::engine
