// Stable row ids of one fragment in position order (chapter 10 section 6), kept as segments. Copies share them: the
// versions of a table have most of their fragments in common.
// Thread safety: immutable values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::lance {

class RowIdSequence {
 public:
  struct Range {
    std::uint64_t start = 0, end = 0;
  };  // end exclusive
  // A segment is a run of consecutive ids or an explicit list.
  struct Segment {
    Range range;                        // used when values is empty
    std::vector<std::uint64_t> values;  // otherwise
    [[nodiscard]] std::uint64_t size() const { return values.empty() ? range.end - range.start : values.size(); }
  };

  RowIdSequence() = default;
  [[nodiscard]] static RowIdSequence range(std::uint64_t start, std::uint64_t count);
  [[nodiscard]] static RowIdSequence of(std::span<const std::uint64_t> ids);  // finds the ranges itself

  [[nodiscard]] std::uint64_t size() const { return parts_ == nullptr ? 0 : parts_->size; }
  [[nodiscard]] std::uint64_t at(std::uint64_t position) const;
  void append_to(std::vector<std::uint64_t>& out) const;
  [[nodiscard]] std::span<const Segment> segments() const {
    return parts_ == nullptr ? std::span<const Segment>() : parts_->segments;
  }

  [[nodiscard]] std::string serialize() const;  // RowIdSequence message
  [[nodiscard]] static Result<RowIdSequence> parse(std::string_view bytes, std::string_view key);

 private:
  class Collector;
  struct Parts {
    std::vector<Segment> segments;    // none of them empty
    std::vector<std::uint64_t> ends;  // position after each segment
    std::uint64_t size = 0;
  };

  std::shared_ptr<const Parts> parts_;  // null: no rows
};

}  // namespace omnigraph::lance
