// Nearest neighbours over a vector column (chapter 04 section 2). The stored F32 vectors are compared in F32 with
// a proven error bound first; only what can still win gets the exact F64 distance, so the result is exact. Above
// kScannedMax candidates, vectors that lie in a stored segment are looked at list by list, the nearest lists first, and
// passed over as soon as the segment's bounds allow it (index/vector_segment.h).
//
// An approximate search passes over a list as soon as its boundary is farther away than a share of the last distance
// found: in d dimensions the part of a distance that lies along one given direction is about a d-th root of it, so that
// hardly a neighbour is beyond a boundary that is several of these away. Distances are exact all the same, and so are
// the candidates: only some may be missed, never for want of others.
// Thread safety: immutable.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "exec/column.h"
#include "exec/text_match.h"
#include "index/vector_segment.h"

namespace omnigraph::exec {

// Up to so many candidates each is looked at.
inline constexpr std::size_t kScannedMax = 20'000;

class VectorScan {
 public:
  // A segment and the ordinal of its first row.
  struct Part {
    Ordinal first = 0;
    index::VectorSegmentPtr segment;
  };
  // Numbers of candidates from which on lists are searched, and searched approximately.
  struct Limits {
    std::size_t scanned_max = kScannedMax;
    std::size_t exact_max = std::numeric_limits<std::size_t>::max();
  };
  // `column`: fixed-size list of float32, outlives the scan. `parts`: complete segments of it, ascending.
  VectorScan(const Column& column, columnar::FloatVector query, std::vector<Part> parts, const Limits& limits)
      : column_(column), query_(std::move(query)), parts_(std::move(parts)), limits_(limits) {}
  VectorScan(const Column& column, columnar::FloatVector query, std::vector<Part> parts = {})
      : VectorScan(column, std::move(query), std::move(parts), Limits()) {}

  // Squared distance; nullopt for a null vector or one with a non-finite element.
  [[nodiscard]] std::optional<double> distance(Ordinal row) const;
  // The rows with a distance among `rows`, which ascend; with `best` > 0 only the nearest that many and all that tie
  // with the last. An approximate search finds as many, but may miss some of them.
  [[nodiscard]] std::vector<Scored> collect(std::span<const Ordinal> rows, std::size_t best) const;

 private:
  void scan(std::span<const Ordinal> rows, std::size_t best, std::vector<Scored>& out) const;
  [[nodiscard]] std::vector<Scored> scan_all(std::span<const Ordinal> rows, std::size_t best) const;
  [[nodiscard]] std::vector<Scored> search(std::span<const Ordinal> rows, std::size_t best) const;
  [[nodiscard]] std::span<const float> stored(Ordinal row) const;  // empty: null

  const Column& column_;
  const columnar::FloatVector query_;
  const std::vector<Part> parts_;
  const Limits limits_;
};

// Cuts `scored` to the `best` smallest scores and those equal to the last of them.
void keep_smallest(std::vector<Scored>& scored, std::size_t best);

}  // namespace omnigraph::exec
