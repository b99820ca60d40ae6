#include "index/edge_rows.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "index/adjacency.h"

namespace omnigraph::index {
namespace {

constexpr std::size_t kEdgeArrays = 4;
// Rows that an index may have: so many an edge, and some.
constexpr std::uint64_t kRowsPerEdge = 4;
constexpr std::uint64_t kRowsMin = 65'536;

struct RowIds {
  std::vector<std::uint32_t> ids;
  std::uint32_t end = 0;  // greater than all
};

// nullopt: a null, or an id that is not below `limit`.
std::optional<RowIds> row_ids_below(const columnar::ChunkedArray& column, std::uint64_t limit) {
  RowIds out;
  out.ids.reserve(static_cast<std::size_t>(column.length()));
  for (std::size_t c = 0; c < column.chunk_count(); ++c) {
    const columnar::Array& chunk = *column.chunk(c);
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      if (chunk.is_null(i)) return std::nullopt;
      const auto id = chunk.value<std::uint64_t>(i);
      if (id >= limit) return std::nullopt;
      out.ids.push_back(static_cast<std::uint32_t>(id));
      out.end = std::max(out.end, static_cast<std::uint32_t>(id) + 1);
    }
  }
  return out;
}

enum Fact : std::size_t { kComplete, kParallel, kToEnd, kFactCount };

Buffer edge_file(const std::array<std::uint64_t, kFactCount>& facts, std::span<const std::uint32_t> offsets,
                 std::span<const std::uint32_t> neighbors, std::span<const std::uint32_t> positions,
                 const IndexSource& source) {
  IndexFileWriter writer(source);
  writer.add(std::span<const std::uint64_t>(facts));
  writer.add(offsets);
  writer.add(neighbors);
  writer.add(positions);
  return writer.finish();
}

}  // namespace

Buffer EdgeRows::build(const columnar::ChunkedArray& from, const columnar::ChunkedArray& to,
                       const IndexSource& source) {
  const std::uint64_t limit = kRowsPerEdge * static_cast<std::uint64_t>(from.length()) + kRowsMin;
  const auto sources = row_ids_below(from, limit);
  const auto targets = row_ids_below(to, Adjacency::kNone);
  if (!sources || !targets) {
    const std::vector<std::uint32_t> none{0};
    return edge_file({0, 0, 0}, none, {}, {}, source);
  }
  std::vector<std::uint32_t> positions(sources->ids.size());
  std::iota(positions.begin(), positions.end(), 0u);
  const Adjacency rows = Adjacency::build(sources->ids, targets->ids, positions, sources->end, targets->end);
  return edge_file({1, rows.has_parallel_edges() ? 1u : 0u, targets->end}, rows.offsets(), rows.all_neighbors(),
                   rows.all_edges(), source);
}

Result<EdgeRowsPtr> EdgeRows::open(Buffer bytes, const IndexSource& source) {
  OG_ASSIGN_OR_RETURN(const IndexFile file, IndexFile::open(std::move(bytes), source, kEdgeArrays));
  auto rows = std::make_shared<EdgeRows>();
  OG_ASSIGN_OR_RETURN(const auto facts, file.array<std::uint64_t>(0));
  OG_ASSIGN_OR_RETURN(rows->offsets_, file.array<std::uint32_t>(1));
  OG_ASSIGN_OR_RETURN(rows->neighbors_, file.array<std::uint32_t>(2));
  OG_ASSIGN_OR_RETURN(rows->positions_, file.array<std::uint32_t>(3));
  const bool complete = facts.size() == kFactCount && facts[kComplete] != 0;
  const std::uint64_t edges = complete ? source.rows : 0;
  if (facts.size() != kFactCount || rows->offsets_.empty() || rows->offsets_.size() > Adjacency::kNone ||
      rows->offsets_[0] != 0 || rows->offsets_.back() != edges || rows->neighbors_.size() != edges ||
      rows->positions_.size() != edges || !std::ranges::is_sorted(rows->offsets_) || facts[kToEnd] > Adjacency::kNone ||
      !all_below(rows->neighbors_, facts[kToEnd]) || !all_below(rows->positions_, edges)) {
    return std::unexpected(Error{Code::kCorruptObject, "its arrays contradict each other"});
  }
  rows->bytes_ = file.bytes();
  rows->complete_ = complete;
  rows->has_parallel_edges_ = facts[kParallel] != 0;
  rows->to_end_ = static_cast<std::uint32_t>(facts[kToEnd]);
  return rows;
}

}  // namespace omnigraph::index
