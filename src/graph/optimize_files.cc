#include "graph/optimize_files.h"

#include <algorithm>
#include <tuple>

#include "columnar/kernels.h"
#include "graph/fragment_view.h"
#include "graph/layout.h"
#include "graph/prepare_state.h"
#include "graph/table_file.h"

namespace omnigraph::graph {
namespace {

using columnar::ChunkedArray;
using ColumnPtr = std::shared_ptr<const ChunkedArray>;

constexpr std::uint64_t kUnresolvedRow = ~std::uint64_t{0};  // after all others
// Rows handed to the writer at once, by what they take in memory.
constexpr std::uint64_t kBatchBytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kBatchRowsMin = 256;
constexpr std::uint64_t kBatchRowsMax = 65'536;

struct OrderedRow {
  std::uint64_t source = 0, destination = 0;  // row ids of the endpoints; nodes: 0
  std::uint64_t row_id = 0;
  Ordinal ordinal = 0;
};

// Calls visit(row number, value) for each of `rows`, whose ordinals ascend.
template <class Visit>
void visit_rows(const ChunkedArray& column, const std::vector<OrderedRow>& rows, Visit&& visit) {
  ColumnCursor cursor(column);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::int64_t index = 0;
    const columnar::Array& chunk = cursor.at(rows[i].ordinal, index);
    visit(i, chunk.is_valid(index) ? chunk.value<std::uint64_t>(index) : kUnresolvedRow);
  }
}

Result<std::vector<OrderedRow>> rows_in_order(const TableView& view) {
  std::vector<OrderedRow> rows;
  rows.reserve(view.live_rows());
  std::vector<std::uint64_t> row_ids;
  const auto& fragments = view.manifest().fragments;
  for (std::size_t f = 0; f < fragments.size(); ++f) {
    row_ids.clear();
    fragments[f].row_ids->append_to(row_ids);
    const Ordinal start = view.fragment_start(f);
    for (std::size_t at = 0; at < row_ids.size(); ++at) {
      const Ordinal o = start + static_cast<Ordinal>(at);
      if (!view.is_deleted(o)) rows.push_back({.row_id = row_ids[at], .ordinal = o});
    }
  }
  if (view.type().kind == schema::EntityKind::kEdge && !rows.empty()) {
    OG_ASSIGN_OR_RETURN(const ColumnPtr sources, view.source_rows());
    OG_ASSIGN_OR_RETURN(const ColumnPtr destinations, view.destination_rows());
    visit_rows(*sources, rows, [&](std::size_t i, std::uint64_t row) { rows[i].source = row; });
    visit_rows(*destinations, rows, [&](std::size_t i, std::uint64_t row) { rows[i].destination = row; });
  }
  std::ranges::sort(rows, {}, [](const OrderedRow& row) { return std::tie(row.source, row.destination, row.row_id); });
  return rows;
}

class Rewrite {
 public:
  Rewrite(StoreParts& parts, const OptimizeSource& source, const FragmentTarget& target, RewrittenFiles& out)
      : parts_(parts),
        source_(source),
        target_(target),
        root_(table_root_of(source.entry().manifest)),
        // Its own, so that nothing of a large table stays in the shared one.
        cache_(parts.tables->objects(), parts.tables->remote()),
        out_(out) {}

  Result<void> run(const std::vector<std::size_t>& fragments) {
    OG_RETURN_IF_ERROR(open(fragments));
    OG_ASSIGN_OR_RETURN(const std::vector<OrderedRow> rows, rows_in_order(*view_));
    if (rows.empty()) return {};
    OG_RETURN_IF_ERROR(read_columns());
    std::uint64_t bytes = 0;
    for (const lance::Fragment& fragment : view_->manifest().fragments) {
      for (const lance::DataFileEntry& file : fragment.files) bytes += file.file_size_bytes;
    }
    row_bytes_ = std::max<std::uint64_t>(1, bytes / rows.size());
    batch_rows_ = std::clamp(kBatchBytes / row_bytes_, kBatchRowsMin, kBatchRowsMax);
    for (std::span<const OrderedRow> left(rows); !left.empty();) {
      OG_ASSIGN_OR_RETURN(const std::size_t written, write_file(left));
      left = left.subspan(written);
    }
    return {};
  }

 private:
  Result<void> open(const std::vector<std::size_t>& fragments) {
    auto part = std::make_shared<lance::Manifest>(*source_.manifest);
    part->fragments.clear();
    for (const std::size_t i : fragments) part->fragments.push_back(source_.manifest->fragments[i]);
    identity_ = source_.record->record.schema.find(source_.table_key);
    if (identity_ == nullptr) {
      return std::unexpected(corrupt_object(source_.entry().manifest, "the record has no identity for its type"));
    }
    OG_ASSIGN_OR_RETURN(view_, make_fragment_view(cache_, source_.record, *identity_, source_.catalog, source_.type,
                                                  source_.entry().manifest, std::move(part)));
    return {};
  }

  Result<void> read_columns() {
    TableState state;  // as far as the layout looks at it
    state.type = source_.type;
    state.catalog = source_.catalog.get();
    state.base = view_;
    state.identity = identity_;
    state.root = root_;
    OG_ASSIGN_OR_RETURN(layout_, table_layout(state));
    OG_ASSIGN_OR_RETURN(const ColumnPtr ids, view_->ids());
    columns_.push_back(ids);
    if (source_.type.kind == schema::EntityKind::kEdge) {
      for (const auto read :
           {&TableView::sources, &TableView::destinations, &TableView::source_rows, &TableView::destination_rows}) {
        OG_ASSIGN_OR_RETURN(const ColumnPtr column, ((*view_).*read)());
        columns_.push_back(column);
      }
    }
    for (std::size_t p = 0; columns_.size() < layout_.fields.size(); ++p) {
      OG_ASSIGN_OR_RETURN(const ColumnPtr column, view_->property(p));
      columns_.push_back(column);
    }
    return {};
  }

  // Deleted rows count too: at worst a column of nulls is written.
  [[nodiscard]] bool has_values(std::size_t index, std::optional<std::size_t> child) const {
    const ChunkedArray& column = *columns_[index];
    for (std::size_t c = 0; c < column.chunk_count(); ++c) {
      const columnar::Array& values = child ? *column.chunk(c)->child(*child) : *column.chunk(c);
      if (values.null_count() < values.length()) return true;
    }
    return false;
  }

  // One file of the first rows of `rows`; returns how many it took.
  Result<std::size_t> write_file(std::span<const OrderedRow> rows) {
    const std::size_t most = std::min<std::uint64_t>(rows.size(), target_.rows);
    TableFile file(layout_, [this](std::size_t i, std::optional<std::size_t> child) { return has_values(i, child); });
    const std::string name = lance::new_data_file_name();
    const std::string key = data_file_key(root_, name);
    OG_ASSIGN_OR_RETURN(const std::unique_ptr<objectstore::Upload> upload, parts_.store->open_upload(key));
    file.open(lance::is_worth_packing(most, most * row_bytes_),
              [&](std::span<const std::byte> bytes) { return upload->append(bytes); });
    std::vector<std::uint64_t> row_ids;
    std::vector<std::uint32_t> ordinals;
    while (row_ids.size() < most && file.bytes_so_far() < target_.bytes) {
      const std::size_t count = std::min<std::uint64_t>(batch_rows_, most - row_ids.size());
      ordinals.clear();
      for (const OrderedRow& row : rows.subspan(row_ids.size(), count)) {
        ordinals.push_back(row.ordinal);
        row_ids.push_back(row.row_id);
      }
      std::vector<columnar::ArrayPtr> arrays;
      for (const ColumnPtr& column : columns_) arrays.push_back(columnar::take(*column, ordinals));
      OG_RETURN_IF_ERROR(file.append(arrays, static_cast<std::int64_t>(count)));
    }
    lance::Fragment fragment;
    OG_ASSIGN_OR_RETURN(lance::DataFileEntry entry, file.finish(name, row_ids.size()));
    OG_RETURN_IF_ERROR(upload->finish());
    fragment.files.push_back(std::move(entry));
    fragment.physical_rows = row_ids.size();
    fragment.row_ids = lance::RowIdSequence::of(row_ids);
    out_.added.push_back(std::move(fragment));
    out_.uploaded.push_back(key);
    return row_ids.size();
  }

  StoreParts& parts_;
  const OptimizeSource& source_;
  const FragmentTarget& target_;
  const std::string root_;
  TableCache cache_;
  RewrittenFiles& out_;
  const TypeIdentity* identity_ = nullptr;
  TableViewPtr view_;  // of the fragments alone
  TableLayout layout_;
  std::vector<ColumnPtr> columns_;  // by the layout
  std::uint64_t row_bytes_ = 1;     // as stored now, on average
  std::uint64_t batch_rows_ = kBatchRowsMax;
};

}  // namespace

Result<void> rewrite_fragments(StoreParts& parts, const OptimizeSource& source,
                               const std::vector<std::size_t>& fragments, const FragmentTarget& target,
                               RewrittenFiles& out) {
  return Rewrite(parts, source, target, out).run(fragments);
}

}  // namespace omnigraph::graph
