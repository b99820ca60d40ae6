// Exact nearest-neighbour scan over a vector column (chapter 04 section 2). The stored F32 vectors are compared in F32
// with a proven error bound first; only what can still win gets the exact F64 distance, so the result is exact.
// Thread safety: immutable.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "exec/column.h"
#include "exec/text_match.h"

namespace omnigraph::exec {

class VectorScan {
 public:
  // `column`: fixed-size list of float32, outlives the scan.
  VectorScan(const Column& column, columnar::FloatVector query) : column_(column), query_(std::move(query)) {}

  // Squared distance; nullopt for a null vector or one with a non-finite element.
  [[nodiscard]] std::optional<double> distance(Ordinal row) const;
  // The rows with a distance among `rows`; with `best` > 0 only the nearest that many and all that tie with the last.
  [[nodiscard]] std::vector<Scored> collect(std::span<const Ordinal> rows, std::size_t best) const;

 private:
  void scan(std::span<const Ordinal> rows, std::size_t best, std::vector<Scored>& out) const;
  [[nodiscard]] std::span<const float> stored(Ordinal row) const;  // empty: null

  const Column& column_;
  const columnar::FloatVector query_;
};

// Cuts `scored` to the `best` smallest scores and those equal to the last of them.
void keep_smallest(std::vector<Scored>& scored, std::size_t best);

}  // namespace omnigraph::exec
