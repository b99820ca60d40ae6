// @card (chapter 01 section 5): edges per source, for the sources whose edges of the type this write adds, moves or
// removes. Sources are told apart by their row ids.
#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_set>
#include <utility>

#include "graph/prepare_state.h"

namespace omnigraph::graph {
namespace {

// Row id -> number of edges; open addressing.
class RowCounts {
 public:
  RowCounts() : keys_(64, kEmpty), counts_(64) {}

  std::uint32_t& at(std::uint64_t row) {
    if ((size_ + 1) * 4 > keys_.size() * 3) grow();
    const std::size_t slot = slot_of(row);
    if (keys_[slot] == kEmpty) {
      keys_[slot] = row;
      ++size_;
    }
    return counts_[slot];
  }
  [[nodiscard]] std::uint32_t* find(std::uint64_t row) {
    const std::size_t slot = slot_of(row);
    return keys_[slot] == kEmpty ? nullptr : &counts_[slot];
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint64_t first_key() const {  // REQUIRES: not empty
    return *std::find_if(keys_.begin(), keys_.end(), [](std::uint64_t key) { return key != kEmpty; });
  }
  template <class Visit>
  [[nodiscard]] bool any_of(Visit&& visit) const {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i] != kEmpty && visit(keys_[i], counts_[i])) return true;
    }
    return false;
  }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  [[nodiscard]] std::size_t slot_of(std::uint64_t row) const {
    const std::size_t mask = keys_.size() - 1;
    std::size_t slot = static_cast<std::size_t>((row * 0x9e3779b97f4a7c15u) >> 20) & mask;
    while (keys_[slot] != kEmpty && keys_[slot] != row) slot = (slot + 1) & mask;
    return slot;
  }
  void grow() {
    std::vector<std::uint64_t> keys(keys_.size() * 2, kEmpty);
    std::vector<std::uint32_t> counts(keys.size());
    keys.swap(keys_);
    counts.swap(counts_);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == kEmpty) continue;
      const std::size_t slot = slot_of(keys[i]);
      keys_[slot] = keys[i];
      counts_[slot] = counts[i];
    }
  }

  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> counts_;
  std::size_t size_ = 0;
};

class CardinalityCheck {
 public:
  CardinalityCheck(const TableState& edges, const TableState& sources, const schema::EdgeType& type,
                   const EndpointRows& rows)
      : edges_(edges), sources_(sources), type_(type), rows_(rows) {}

  Result<void> run() {
    // As many passes as it takes to keep the counts small, each over the sources of one part.
    passes_ = HashPasses(edges_.staged_rows + edges_.gone_count).count();
    for (pass_ = 0; pass_ < passes_; ++pass_) {
      counts_ = RowCounts();
      OG_RETURN_IF_ERROR(count_new());
      OG_RETURN_IF_ERROR(visit_base(true, [&](Ordinal, std::uint64_t row) {
        counts_.at(row);
        return true;
      }));
      OG_RETURN_IF_ERROR(count_kept());
      const bool violated =
          counts_.any_of([&](std::uint64_t row, std::uint32_t count) { return violates(row, count); });
      if (violated) OG_RETURN_IF_ERROR(edges_.violations != nullptr ? collect_all() : find_first());
    }
    if (first_) return std::unexpected(first_->second);
    return {};
  }

 private:
  [[nodiscard]] bool violates(std::uint64_t row, std::uint32_t count) const {
    if (count >= type_.card_min && (type_.card_max == schema::kUnbounded || count <= type_.card_max)) return false;
    if (sources_.vanished_count == 0) return true;
    const Ordinal o = sources_.base->ordinal_of_row(row);
    return o == kNoOrdinal || !sources_.vanished.test(o);
  }

  Result<void> count_new() {
    for (std::size_t p = 0; p < edges_.pieces.size(); ++p) {
      const StagedPiece& piece = edges_.pieces[p];
      OG_ASSIGN_OR_RETURN(const Buffer bytes, rows_.get(EdgeSide::kSource, p));
      const auto sources = EndpointRows::values(bytes);
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        // An edge without its source was collected as an orphan.
        if (sources[i] == EndpointRows::kUnresolved) continue;
        if (edges_.is_final(piece.start + i) && in_pass(sources[i])) ++counts_.at(sources[i]);
      }
    }
    return {};
  }

  Result<void> count_kept() {
    if (!edges_.base_has_kept_rows() || counts_.size() == 0) return {};
    OG_ASSIGN_OR_RETURN(const auto rows, edges_.base->source_rows());
    for (std::size_t c = 0; c < rows->chunk_count(); ++c) {
      if (counts_.size() != 1 || rows->chunk(c)->has_nulls()) {
        return visit_base(false, [&](Ordinal, std::uint64_t row) {
          if (std::uint32_t* count = counts_.find(row)) ++*count;
          return true;
        });
      }
    }
    // One source, as in a small mutation: most of the work is a scan for one number.
    const std::uint64_t wanted = counts_.first_key();
    std::uint32_t& count = counts_.at(wanted);
    for (std::size_t c = 0; c < rows->chunk_count(); ++c) {
      const columnar::Array& chunk = *rows->chunk(c);
      const auto start = static_cast<Ordinal>(rows->chunk_start(c));
      for (std::int64_t i = 0; i < chunk.length(); ++i) {
        if (chunk.value<std::uint64_t>(i) == wanted && edges_.base_kept(start + static_cast<Ordinal>(i))) ++count;
      }
    }
    return {};
  }

  // Live base edges that go (or stay) with the row id of their source, until `visit` returns false.
  template <class Visit>
  Result<void> visit_base(bool going, Visit&& visit) {
    if (going ? edges_.gone_count == 0 : !edges_.base_has_kept_rows()) return {};
    OG_ASSIGN_OR_RETURN(const auto rows, edges_.base->source_rows());
    for (std::size_t c = 0; c < rows->chunk_count(); ++c) {
      const columnar::Array& chunk = *rows->chunk(c);
      const auto start = static_cast<Ordinal>(rows->chunk_start(c));
      for (std::int64_t i = 0; i < chunk.length(); ++i) {
        const Ordinal o = start + static_cast<Ordinal>(i);
        if (edges_.base->is_deleted(o) || edges_.gone.test(o) != going) continue;
        std::uint64_t row = chunk.is_valid(i) ? chunk.value<std::uint64_t>(i) : EndpointRows::kUnresolved;
        if (row == EndpointRows::kUnresolved) {
          OG_ASSIGN_OR_RETURN(row, row_by_id(o));
          if (row == EndpointRows::kUnresolved) continue;
        }
        if (in_pass(row) && !visit(o, row)) return {};
      }
    }
    return {};
  }

  Result<std::string> base_source(Ordinal edge) const {
    OG_ASSIGN_OR_RETURN(const auto texts, edges_.base->sources());
    const auto place = texts->locate(edge);
    return std::string(texts->chunk(place.chunk)->string_value(place.index));
  }

  Result<std::uint64_t> row_by_id(Ordinal edge) const {
    OG_ASSIGN_OR_RETURN(const std::string id, base_source(edge));
    OG_ASSIGN_OR_RETURN(const Ordinal o, sources_.base->find(id));
    return o == kNoOrdinal ? EndpointRows::kUnresolved : sources_.base->row_id(o);
  }

  // Notes the violation of the first new edge, else of the first edge that goes, unless another pass had an earlier
  // one.
  Result<void> find_first() {
    for (std::size_t p = 0; p < edges_.pieces.size(); ++p) {
      const StagedPiece& piece = edges_.pieces[p];
      OG_ASSIGN_OR_RETURN(const Buffer bytes, rows_.get(EdgeSide::kSource, p));
      const auto sources = EndpointRows::values(bytes);
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        if (!edges_.is_final(piece.start + i) || !in_pass(sources[i])) continue;
        const std::uint32_t count = counts_.at(sources[i]);
        if (!violates(sources[i], count)) continue;
        OG_ASSIGN_OR_RETURN(const std::string id, edges_.staged_text(piece.start + i, 1));
        note(piece.start + i, violation(id, count));
        return {};
      }
    }
    Ordinal first = kNoOrdinal;
    std::uint32_t count = 0;
    OG_RETURN_IF_ERROR(visit_base(true, [&](Ordinal o, std::uint64_t row) {
      count = counts_.at(row);
      if (!violates(row, count)) return true;
      first = o;
      return false;
    }));
    OG_CHECK(first != kNoOrdinal);
    OG_ASSIGN_OR_RETURN(const std::string id, base_source(first));
    note(edges_.staged_rows + first, violation(id, count));
    return {};
  }

  // Every source once: by the first new edge of it, else by the first that goes.
  Result<void> collect_all() {
    std::unordered_set<std::uint64_t> told;
    const auto tell = [&](std::uint64_t row, const std::string& id, std::uint32_t count) -> Result<void> {
      if (!told.insert(row).second) return {};
      return edges_.violated(ViolationKind::kCardinality, std::nullopt, violation(id, count));
    };
    for (std::size_t p = 0; p < edges_.pieces.size(); ++p) {
      const StagedPiece& piece = edges_.pieces[p];
      OG_ASSIGN_OR_RETURN(const Buffer bytes, rows_.get(EdgeSide::kSource, p));
      const auto sources = EndpointRows::values(bytes);
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        if (sources[i] == EndpointRows::kUnresolved) continue;
        if (!edges_.is_final(piece.start + i) || !in_pass(sources[i])) continue;
        const std::uint32_t count = counts_.at(sources[i]);
        if (!violates(sources[i], count)) continue;
        OG_ASSIGN_OR_RETURN(const std::string id, edges_.staged_text(piece.start + i, 1));
        OG_RETURN_IF_ERROR(tell(sources[i], id, count));
      }
    }
    std::vector<std::pair<Ordinal, std::uint64_t>> going;
    OG_RETURN_IF_ERROR(visit_base(true, [&](Ordinal o, std::uint64_t row) {
      if (violates(row, counts_.at(row))) going.emplace_back(o, row);
      return true;
    }));
    for (const auto& [o, row] : going) {
      OG_ASSIGN_OR_RETURN(const std::string id, base_source(o));
      OG_RETURN_IF_ERROR(tell(row, id, counts_.at(row)));
    }
    return {};
  }

  void note(std::uint64_t position, Error error) {
    if (!first_ || position < first_->first) first_ = {position, std::move(error)};
  }

  [[nodiscard]] bool in_pass(std::uint64_t row) const { return passes_ == 1 || row % passes_ == pass_; }

  [[nodiscard]] Error violation(const std::string& id, std::uint32_t count) const {
    const bool few = count < type_.card_min;
    std::string limit = few ? "(min " : "(max ";
    limit.append(std::to_string(few ? type_.card_min : type_.card_max)).append(")");
    return bad_request("@card violation on edge " + type_.name + ": source '" + id + "' has " + std::to_string(count) +
                       " edges " + limit);
  }

  const TableState& edges_;
  const TableState& sources_;
  const schema::EdgeType& type_;
  const EndpointRows& rows_;
  RowCounts counts_;
  std::uint64_t passes_ = 1, pass_ = 0;
  std::optional<std::pair<std::uint64_t, Error>> first_;  // position: staged rows, then base ordinals
};

}  // namespace

Result<void> check_cardinality(WriteState& state, const TableState& edges, const EndpointRows& rows) {
  const schema::EdgeType& type = state.catalog().edges[edges.type.index];
  if (!edges.changes() || (type.card_min == 0 && type.card_max == schema::kUnbounded)) return {};
  OG_ASSIGN_OR_RETURN(const TableState* sources, state.node_table(type.source_index));
  return CardinalityCheck(edges, *sources, type, rows).run();
}

}  // namespace omnigraph::graph
