// Endpoints of edges (chapter 01 section 5): every edge of the image after the write finds both its nodes there. New
// edges are resolved to row ids on the way, since the edge files keep them (chapter 09 section 6).
#include <algorithm>
#include <atomic>
#include <map>

#include "base/task_pool.h"
#include "graph/prepare_state.h"

namespace omnigraph::graph {
namespace {

Error missing_endpoint(EdgeSide side, std::string_view id, const TableState& nodes) {
  return bad_request(std::string(side == EdgeSide::kSource ? "src" : "dst") + " '" + std::string(id) +
                     "' not found in " + nodes.name());
}

std::size_t column_of(EdgeSide side) { return side == EdgeSide::kSource ? 1 : 2; }

Result<void> collect_ids(const TableState& nodes, const HashPasses& passes, std::uint64_t pass, IdTable& ids) {
  ids.reset(passes.rows_per_pass());
  for (const StagedPiece& piece : nodes.pieces) {
    OG_ASSIGN_OR_RETURN(const columnar::ArrayPtr column, nodes.column(piece, 0));
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      const base::Hash128 hash = value_hash(column->string_value(static_cast<std::int64_t>(i)));
      if (passes.contains(pass, hash)) ids.put(hash, static_cast<std::uint32_t>(piece.start + i));
    }
  }
  return {};
}

// Resolves one side of the staged edges against one node table.
class SideResolver {
 public:
  SideResolver(const TableState& edges, const TableState& nodes, EdgeSide side, EndpointRows& out)
      : edges_(edges), nodes_(nodes), side_(side), out_(out), passes_(nodes.staged_rows) {}

  Result<void> run(WriteState& state) {
    IdTable local;
    for (std::uint64_t pass = 0; pass < passes_.count(); ++pass) {
      const IdTable* ids = &local;
      if (passes_.count() > 1) {
        OG_RETURN_IF_ERROR(collect_ids(nodes_, passes_, pass, local));
      } else if (nodes_.staged_rows > 0) {
        OG_ASSIGN_OR_RETURN(ids, shared_ids(state));
      }
      OG_RETURN_IF_ERROR(resolve_pieces(*ids, pass));
    }
    return {};
  }

  [[nodiscard]] bool any_missing() const { return missing_; }

 private:
  Result<const IdTable*> shared_ids(WriteState& state) {
    auto& kept = state.node_ids();
    if (const auto found = kept.find(nodes_.type.index); found != kept.end()) return found->second.get();
    std::uint64_t kept_rows = nodes_.staged_rows;
    for (const auto& [type, ids] : kept) kept_rows += ids->size();
    if (kept_rows > pass_rows_max) kept.clear();
    auto ids = std::make_unique<IdTable>();
    OG_RETURN_IF_ERROR(collect_ids(nodes_, passes_, 0, *ids));
    return kept.emplace(nodes_.type.index, std::move(ids)).first->second.get();
  }

  Result<void> resolve_pieces(const IdTable& ids, std::uint64_t pass) {
    std::vector<Result<void>> outcomes(edges_.pieces.size());
    base::TaskPool::shared().parallel_for(edges_.pieces.size(),
                                          [&](std::size_t p) { outcomes[p] = resolve_piece(ids, pass, p); });
    for (Result<void>& outcome : outcomes) OG_RETURN_IF_ERROR(std::move(outcome));
    return {};
  }

  Result<void> resolve_piece(const IdTable& ids, std::uint64_t pass, std::size_t p) {
    const StagedPiece& piece = edges_.pieces[p];
    std::vector<std::uint64_t> rows(piece.count, EndpointRows::kUnresolved);
    if (pass > 0) {
      OG_ASSIGN_OR_RETURN(const Buffer before, out_.get(side_, p));
      std::copy_n(EndpointRows::values(before).begin(), piece.count, rows.begin());
    }
    OG_ASSIGN_OR_RETURN(const columnar::ArrayPtr column, edges_.column(piece, column_of(side_)));
    std::string_view last_text;
    std::uint64_t last_row = EndpointRows::kUnresolved;
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      if (!edges_.is_final(piece.start + i)) continue;
      const std::string_view text = column->string_value(static_cast<std::int64_t>(i));
      if (last_row != EndpointRows::kUnresolved && text == last_text) {  // Edges often come sorted.
        rows[i] = last_row;
        continue;
      }
      if (passes_.count() > 1 && !passes_.contains(pass, value_hash(text))) continue;
      OG_ASSIGN_OR_RETURN(rows[i], row_of(ids, text));
      if (rows[i] == EndpointRows::kUnresolved) missing_ = true;
      last_text = text;
      last_row = rows[i];
    }
    return out_.set(side_, p, std::move(rows));
  }

  Result<std::uint64_t> row_of(const IdTable& ids, std::string_view text) const {
    if (ids.size() > 0) {
      const std::uint32_t staged = ids.find(value_hash(text));
      if (staged != IdTable::kNone) return nodes_.row_id(staged);
    }
    if (!nodes_.base_has_kept_rows()) return EndpointRows::kUnresolved;
    OG_ASSIGN_OR_RETURN(const Ordinal o, nodes_.base->find(text));
    if (o == kNoOrdinal || nodes_.vanished.test(o)) return EndpointRows::kUnresolved;
    return nodes_.base->row_id(o);
  }

  const TableState& edges_;
  const TableState& nodes_;
  const EdgeSide side_;
  EndpointRows& out_;
  const HashPasses passes_;
  std::atomic<bool> missing_ = false;
};

// The staged edges, in order of arrival, that lack a node.
Result<void> report_missing(const TableState& edges, const TableState& sources, const TableState& targets,
                            const EndpointRows& rows) {
  for (std::size_t p = 0; p < edges.pieces.size(); ++p) {
    const StagedPiece& piece = edges.pieces[p];
    OG_ASSIGN_OR_RETURN(const Buffer source_bytes, rows.get(EdgeSide::kSource, p));
    OG_ASSIGN_OR_RETURN(const Buffer target_bytes, rows.get(EdgeSide::kDestination, p));
    const auto source_rows = EndpointRows::values(source_bytes);
    const auto target_rows = EndpointRows::values(target_bytes);
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      if (!edges.is_final(piece.start + i)) continue;
      const bool source_missing = source_rows[i] == EndpointRows::kUnresolved;
      if (!source_missing && target_rows[i] != EndpointRows::kUnresolved) continue;
      const EdgeSide side = source_missing ? EdgeSide::kSource : EdgeSide::kDestination;
      OG_ASSIGN_OR_RETURN(const std::string id, edges.staged_text(piece.start + i, column_of(side)));
      OG_ASSIGN_OR_RETURN(std::string edge_id, edges.staged_text(piece.start + i, 0));
      OG_RETURN_IF_ERROR(edges.violated(ViolationKind::kOrphanEdge, std::move(edge_id),
                                        missing_endpoint(side, id, source_missing ? sources : targets)));
    }
  }
  return {};
}

// Base edges that stay while their node on this side vanishes, ascending; only the first one where `all` is not set.
Result<std::vector<Ordinal>> orphans(const TableState& edges, const TableState& nodes, EdgeSide side, bool all) {
  std::vector<Ordinal> found;
  if (nodes.vanished_count == 0) return found;
  RowBits vanished_rows;
  vanished_rows.resize(nodes.base->manifest().next_row_id);
  nodes.vanished.for_each([&](std::uint64_t o) { vanished_rows.set(nodes.base->row_id(static_cast<Ordinal>(o))); });
  OG_ASSIGN_OR_RETURN(const auto rows,
                      side == EdgeSide::kSource ? edges.base->source_rows() : edges.base->destination_rows());
  for (std::size_t c = 0; c < rows->chunk_count(); ++c) {
    const columnar::Array& chunk = *rows->chunk(c);
    const auto start = static_cast<Ordinal>(rows->chunk_start(c));
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      const Ordinal o = start + static_cast<Ordinal>(i);
      if (chunk.is_valid(i)) {
        if (!vanished_rows.test(chunk.value<std::uint64_t>(i)) || !edges.base_kept(o)) continue;
      } else {
        if (!edges.base_kept(o)) continue;
        // Another tool wrote the edge and its row is not known yet: go by the id.
        OG_ASSIGN_OR_RETURN(const auto texts,
                            side == EdgeSide::kSource ? edges.base->sources() : edges.base->destinations());
        const auto place = texts->locate(o);
        OG_ASSIGN_OR_RETURN(const Ordinal node, nodes.base->find(texts->chunk(place.chunk)->string_value(place.index)));
        if (node == kNoOrdinal || !nodes.vanished.test(node)) continue;
      }
      found.push_back(o);
      if (!all) return found;
    }
  }
  return found;
}

}  // namespace

Result<void> resolve_endpoints(WriteState& state, const TableState& edges, EndpointRows& out) {
  const schema::EdgeType& type = state.catalog().edges[edges.type.index];
  OG_ASSIGN_OR_RETURN(const TableState* sources, state.node_table(type.source_index));
  OG_ASSIGN_OR_RETURN(const TableState* targets, state.node_table(type.target_index));
  out.resize(edges.pieces.size());
  SideResolver source_side(edges, *sources, EdgeSide::kSource, out);
  OG_RETURN_IF_ERROR(source_side.run(state));
  SideResolver target_side(edges, *targets, EdgeSide::kDestination, out);
  OG_RETURN_IF_ERROR(target_side.run(state));
  if (source_side.any_missing() || target_side.any_missing()) return report_missing(edges, *sources, *targets, out);
  return {};
}

Result<void> check_kept_edges(WriteState& state, const TableState& edges) {
  if (!edges.base_has_kept_rows()) return {};
  const schema::EdgeType& type = state.catalog().edges[edges.type.index];
  OG_ASSIGN_OR_RETURN(const TableState* sources, state.node_table(type.source_index));
  OG_ASSIGN_OR_RETURN(const TableState* targets, state.node_table(type.target_index));
  const bool all = edges.violations != nullptr;
  OG_ASSIGN_OR_RETURN(const auto source_orphans, orphans(edges, *sources, EdgeSide::kSource, all));
  OG_ASSIGN_OR_RETURN(const auto target_orphans, orphans(edges, *targets, EdgeSide::kDestination, all));
  std::map<Ordinal, EdgeSide> sides;  // an edge without both its nodes names its source
  for (const Ordinal o : source_orphans) sides.emplace(o, EdgeSide::kSource);
  for (const Ordinal o : target_orphans) sides.emplace(o, EdgeSide::kDestination);
  for (const auto& [o, side] : sides) {
    const bool source = side == EdgeSide::kSource;
    OG_ASSIGN_OR_RETURN(const auto texts, source ? edges.base->sources() : edges.base->destinations());
    const auto place = texts->locate(o);
    OG_ASSIGN_OR_RETURN(std::string edge_id, edges.base_id(o));
    OG_RETURN_IF_ERROR(edges.violated(
        ViolationKind::kOrphanEdge, std::move(edge_id),
        missing_endpoint(side, texts->chunk(place.chunk)->string_value(place.index), source ? *sources : *targets)));
  }
  return {};
}

}  // namespace omnigraph::graph
