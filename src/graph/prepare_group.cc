#include "graph/prepare_group.h"

#include <algorithm>
#include <map>
#include <utility>

#include "graph/prepare_files.h"
#include "graph/prepare_fold.h"
#include "graph/prepare_state.h"

namespace omnigraph::graph {
namespace {

// What one write of the group brings of one table: pieces and rows, [first, end).
struct Share {
  std::size_t write = 0;
  std::size_t first_piece = 0, end_piece = 0;
  std::uint64_t first_row = 0, end_row = 0;
};
using Shares = std::vector<Share>;  // ascending; none is empty

WriteSet all_of(std::span<const GroupedWrite> writes) {
  WriteSet all;
  for (const GroupedWrite& one : writes) {
    for (const auto& [type, table] : one.writes->tables) {
      std::vector<TablePut>& puts = all.tables[type].puts;
      puts.insert(puts.end(), table.puts.begin(), table.puts.end());
    }
  }
  return all;
}

Shares shares_of(const TableState& table, std::span<const GroupedWrite> writes) {
  Shares shares;
  std::size_t piece = 0, put = 0;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const auto own = writes[i].writes->tables.find(table.type);
    if (own == writes[i].writes->tables.end()) continue;
    put += own->second.puts.size();
    Share share{.write = i, .first_piece = piece};
    while (piece < table.pieces.size() && table.pieces[piece].put < put) ++piece;
    share.end_piece = piece;
    if (share.first_piece == share.end_piece) continue;
    share.first_row = table.pieces[share.first_piece].start;
    share.end_row = table.pieces[piece - 1].start + table.pieces[piece - 1].count;
    if (share.first_row < share.end_row) shares.push_back(share);
  }
  return shares;
}

bool brings_new_rows_alone(const TableState& table) {
  return table.superseded.empty() && table.gone_count == 0 && table.replaced_count == 0 &&
         table.new_count == table.staged_rows;
}

class GroupBuild {
 public:
  GroupBuild(const CheckedWrites& checked, std::span<const GroupedWrite> writes, objectstore::ObjectStore& store)
      : checked_(checked), writes_(writes), store_(store) {
    for (const TableState* table : checked.written) shares_.emplace(table->type, shares_of(*table, writes));
  }

  // Whether each write stands on the base and itself.
  Result<bool> is_independent() const {
    for (const TableState* table : checked_.written) {
      if (!brings_new_rows_alone(*table)) return false;
      if (!table->is_edge() || table->staged_rows == 0) continue;
      for (const EdgeSide side : {EdgeSide::kSource, EdgeSide::kDestination}) {
        OG_ASSIGN_OR_RETURN(const bool own, leans_on_own_nodes(*table, side));
        if (!own) return false;
      }
    }
    return true;
  }

  Result<std::vector<PreparedWrite>> run() const {
    std::vector<PreparedWrite> out(writes_.size());
    for (PreparedWrite& prepared : out) {
      for (const auto& [type, table] : checked_.state.tables()) prepared.footprint.insert(type);
    }
    for (const TableState* table : checked_.written) OG_RETURN_IF_ERROR(build_table(*table, out));
    return out;
  }

 private:
  // Row ids from the base's next one on are those of the group's own rows, in their order.
  Result<bool> leans_on_own_nodes(const TableState& edges, EdgeSide side) const {
    const schema::EdgeType& edge = edges.catalog->edges[edges.type.index];
    const schema::TypeRef type{schema::EntityKind::kNode,
                               side == EdgeSide::kSource ? edge.source_index : edge.target_index};
    const auto nodes = checked_.state.tables().find(type);
    const auto rows = checked_.endpoints.find(edges.type);
    if (nodes == checked_.state.tables().end() || rows == checked_.endpoints.end()) return false;
    const std::uint64_t first_new = nodes->second->base->manifest().next_row_id;
    const auto node_shares = shares_.find(type);
    for (const Share& share : shares_.at(edges.type)) {
      const Share* own = nullptr;
      if (node_shares != shares_.end()) {
        const auto found = std::ranges::find(node_shares->second, share.write, &Share::write);
        if (found != node_shares->second.end()) own = &*found;
      }
      for (std::size_t p = share.first_piece; p < share.end_piece; ++p) {
        OG_ASSIGN_OR_RETURN(const Buffer buffer, rows->second.get(side, p));
        for (const std::uint64_t row : EndpointRows::values(buffer)) {
          if (row < first_new) continue;
          const std::uint64_t at = row - first_new;
          if (own == nullptr || at < own->first_row || at >= own->end_row) return false;
        }
      }
    }
    return true;
  }

  Result<void> build_table(const TableState& table, std::vector<PreparedWrite>& out) const {
    const Shares& shares = shares_.at(table.type);
    if (shares.empty()) return {};
    OG_ASSIGN_OR_RETURN(const TableLayout layout, table_layout(table));
    const auto rows = checked_.endpoints.find(table.type);
    TablePlan plan{
        .table = &table, .endpoints = rows == checked_.endpoints.end() ? nullptr : &rows->second, .folded = {}};
    const lance::Manifest& base = table.base->manifest();
    std::vector<FoldCandidate> candidates;
    for (const lance::Fragment& fragment : base.fragments) {
      candidates.push_back(fold_candidate(fragment, live_rows_of(fragment)));
    }
    for (const Share& share : shares) {
      PreparedTable after;
      after.type = table.type;
      after.next_row_id = base.next_row_id + share.end_row;
      after.counts.inserted = share.end_row - share.first_row;
      after.live_rows = table.base->live_rows() + share.end_row;
      FilePieces pieces{.first = share.first_piece, .end = share.end_piece};
      if (&share == &shares.back()) {
        OG_ASSIGN_OR_RETURN(pieces.first, fold(table, shares, candidates, plan, after));
        pieces.with_folded = !plan.folded.row_ids.empty();
      }
      PreparedWrite& prepared = out[share.write];
      OG_RETURN_IF_ERROR(write_file(plan, layout, pieces, store_, *writes_[share.write].files, after, prepared));
      if (after.added.size() == 1) {
        candidates.push_back(fold_candidate(after.added.front(), after.counts.inserted));
      }
      prepared.tables.push_back(std::move(after));
    }
    return {};
  }

  // Of the last share: which fragments, of the base and of the shares before it, go into its file. Returns the first
  // piece of that file. `candidates`: all fragments below it.
  static Result<std::size_t> fold(const TableState& table, const Shares& shares,
                                  const std::vector<FoldCandidate>& candidates, TablePlan& plan, PreparedTable& after) {
    const std::size_t below = table.base->manifest().fragments.size();
    // Rows written twice into one record must not crowd it.
    std::uint64_t share_bytes = 0;
    for (std::size_t i = below; i < candidates.size(); ++i) share_bytes += candidates[i].file_bytes;
    if (share_bytes > kAttachBytesMax / 4) return shares.back().first_piece;
    std::vector<std::size_t> folded = fragments_to_fold(candidates, after.counts.inserted);
    after.removed_fragments = folded;
    // They are the trailing ones, and those of the shares have rows: these are the last of the shares.
    const auto of_shares = std::ranges::lower_bound(folded, below);
    const std::size_t first_share = of_shares == folded.end() ? shares.size() - 1 : *of_shares - below;
    folded.erase(of_shares, folded.end());
    OG_ASSIGN_OR_RETURN(plan.folded, read_folded(table, std::move(folded)));
    return shares[first_share].first_piece;
  }

  const CheckedWrites& checked_;
  const std::span<const GroupedWrite> writes_;
  objectstore::ObjectStore& store_;
  std::map<schema::TypeRef, Shares> shares_;
};

}  // namespace

Result<std::optional<std::vector<PreparedWrite>>> prepare_group(const Snapshot& base,
                                                                std::span<const GroupedWrite> writes,
                                                                objectstore::ObjectStore& store) {
  const WriteSet all = all_of(writes);
  CheckedWrites checked(base, all);
  OG_RETURN_IF_ERROR(check_writes(base, checked));
  const GroupBuild build(checked, writes, store);
  OG_ASSIGN_OR_RETURN(const bool independent, build.is_independent());
  if (!independent) return std::nullopt;
  OG_ASSIGN_OR_RETURN(std::vector<PreparedWrite> prepared, build.run());
  return prepared;
}

}  // namespace omnigraph::graph
