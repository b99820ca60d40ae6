// Many small commits leave many small fragments. When a table gets one more, trailing fragments of its size are written
// again together with it, as in a log-structured merge tree: each row is rewritten a few times at most, and the number
// of fragments grows with the logarithm of the number of rows.
#pragma once

#include <cstdint>
#include <vector>

#include "columnar/array.h"
#include "graph/prepare_state.h"

namespace omnigraph::graph {

// Base rows that move into the new fragment, in the columns of the table's layout; their row ids stay.
struct FoldedRows {
  std::vector<std::size_t> fragments;  // indexes in the base manifest, ascending; they go
  std::vector<columnar::ArrayPtr> columns;
  std::vector<std::uint64_t> row_ids;
};

// Sizes grow by this factor from class to class; as many fragments of a class (or below) make one of the next.
inline constexpr std::uint64_t kFoldFactor = 8;
inline constexpr std::uint64_t kFoldRowsMax = 32'768;                       // larger fragments stay
inline constexpr std::uint64_t kFoldFileBytesMax = std::uint64_t{4} << 20;  // and those of few but large rows

// A fragment that may be folded.
struct FoldCandidate {
  std::uint64_t live_rows = 0;  // after the write
  std::uint64_t file_bytes = 0;
};
[[nodiscard]] FoldCandidate fold_candidate(const lance::Fragment& fragment, std::uint64_t live_rows);

// Which trailing ones of a table's fragments to fold when `new_rows` come: indexes, ascending.
[[nodiscard]] std::vector<std::size_t> fragments_to_fold(const std::vector<FoldCandidate>& fragments,
                                                         std::uint64_t new_rows);
[[nodiscard]] Result<FoldedRows> read_folded(const TableState& table, std::vector<std::size_t> fragments);

}  // namespace omnigraph::graph
