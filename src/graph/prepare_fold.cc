#include "graph/prepare_fold.h"

#include <algorithm>

#include "columnar/kernels.h"

namespace omnigraph::graph {
namespace {

std::size_t size_class(std::uint64_t rows) {
  std::size_t size = 0;
  for (; rows >= kFoldFactor; rows /= kFoldFactor) ++size;
  return size;
}

bool is_small(const FoldCandidate& fragment) {
  return fragment.live_rows <= kFoldRowsMax && fragment.file_bytes <= kFoldFileBytesMax;
}

}  // namespace

FoldCandidate fold_candidate(const lance::Fragment& fragment, std::uint64_t live_rows) {
  FoldCandidate candidate{.live_rows = live_rows};
  for (const lance::DataFileEntry& file : fragment.files) candidate.file_bytes += file.file_size_bytes;
  return candidate;
}

std::vector<std::size_t> fragments_to_fold(const std::vector<FoldCandidate>& fragments, std::uint64_t new_rows) {
  std::vector<std::size_t> folded;
  std::size_t tail = fragments.size();
  std::uint64_t total = new_rows;
  while (new_rows > 0 && total <= kFoldRowsMax) {
    const std::size_t size = size_class(total);
    std::size_t first = tail;
    std::size_t counted = 0;
    while (first > 0 && is_small(fragments[first - 1]) && size_class(fragments[first - 1].live_rows) <= size) {
      --first;
      if (fragments[first].live_rows > 0) ++counted;  // Empty ones go anyway.
    }
    if (counted + 1 < kFoldFactor) break;
    for (std::size_t i = first; i < tail; ++i) {
      if (fragments[i].live_rows == 0) continue;
      total += fragments[i].live_rows;
      folded.push_back(i);
    }
    tail = first;
  }
  std::sort(folded.begin(), folded.end());
  return folded;
}

Result<FoldedRows> read_folded(const TableState& table, std::vector<std::size_t> fragments) {
  FoldedRows folded{.fragments = std::move(fragments), .columns = {}, .row_ids = {}};
  if (folded.fragments.empty()) return folded;
  const lance::Manifest& manifest = table.base->manifest();
  std::vector<std::vector<std::uint32_t>> positions;
  for (const std::size_t i : folded.fragments) {
    auto& kept = positions.emplace_back();
    const Ordinal start = table.base->fragment_start(i);
    for (std::uint32_t at = 0; at < manifest.fragments[i].physical_rows; ++at) {
      if (!table.base_kept(start + at)) continue;
      kept.push_back(at);
      folded.row_ids.push_back(table.base->row_id(start + at));
    }
  }
  const std::size_t system_columns = table.is_edge() ? 5 : 1;
  const std::size_t properties = table.catalog->properties_of(table.type).size();
  for (std::size_t c = 0; c < system_columns + properties; ++c) {
    std::vector<columnar::ArrayPtr> parts;
    for (std::size_t f = 0; f < folded.fragments.size(); ++f) {
      const std::size_t i = folded.fragments[f];
      OG_ASSIGN_OR_RETURN(const auto values, c < system_columns ? table.base->fragment_system(i, c)
                                                                : table.base->fragment_property(i, c - system_columns));
      parts.push_back(columnar::take(*values, positions[f]));
    }
    const columnar::DataType type = parts.front()->type();
    folded.columns.push_back(columnar::combine(columnar::ChunkedArray(type, std::move(parts))));
  }
  return folded;
}

}  // namespace omnigraph::graph
