#include "graph/prepare.h"

#include <algorithm>
#include <set>
#include <vector>

#include "columnar/kernels.h"
#include "graph/prepare_files.h"
#include "graph/prepare_state.h"
#include "graph/warm_tables.h"
#include "schema/value_check.h"

namespace omnigraph::graph {

namespace {

Result<void> collect_values(const TableState& table, const schema::TypeValueChecker& checker,
                            const columnar::Batch& batch) {
  const std::size_t system = staged_system_columns(table.type.kind);
  Result<void> outcome;
  for (std::size_t c = system; c < batch.columns.size() && outcome; ++c) {
    checker.for_each_violation(c - system, *batch.columns[c], {}, [&](schema::ValueViolation violation) {
      outcome = table.violated(ViolationKind::kValue, std::nullopt, std::move(violation.error));
      return outcome.has_value();
    });
  }
  return outcome;
}

}  // namespace

namespace {

// A vector that will be filled in is not missing.
Result<void> promise_vectors(const TableState& table, const StagedPiece& piece, columnar::Batch& batch) {
  const std::size_t system = staged_system_columns(table.type.kind);
  const auto& properties = table.catalog->properties_of(table.type);
  for (std::size_t p = 0; p < properties.size(); ++p) {
    if (!properties[p].embed || properties[p].type.nullable) continue;
    OG_ASSIGN_OR_RETURN(columnar::ArrayPtr column, vectors_to_check(table, piece, p, *batch.columns[system + p]));
    if (column != nullptr) batch.columns[system + p] = std::move(column);
  }
  return {};
}

}  // namespace

Result<void> check_values(const TableState& table) {
  const schema::TypeValueChecker checker(*table.catalog, table.type);
  std::vector<Result<void>> outcomes(table.pieces.size());
  const auto check = [&](const StagedPiece& piece) -> Result<void> {
    OG_ASSIGN_OR_RETURN(columnar::Batch batch, piece.rows->batch(piece.index));
    OG_RETURN_IF_ERROR(promise_vectors(table, piece, batch));
    if (!table.superseded.empty()) {
      std::vector<std::uint32_t> kept;
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        if (table.is_final(piece.start + i)) kept.push_back(static_cast<std::uint32_t>(i));
      }
      for (columnar::ArrayPtr& column : batch.columns) column = columnar::take(*column, kept);
      batch.length = static_cast<std::int64_t>(kept.size());
    }
    if (table.violations != nullptr) return collect_values(table, checker, batch);
    if (auto violation = checker.check_batch(batch)) return std::unexpected(std::move(violation->error));
    return {};
  };
  if (table.violations != nullptr) {  // in order of arrival
    for (const StagedPiece& piece : table.pieces) OG_RETURN_IF_ERROR(check(piece));
    return {};
  }
  for_each_piece(table, [&](std::size_t p) { outcomes[p] = check(table.pieces[p]); });
  for (Result<void>& outcome : outcomes) OG_RETURN_IF_ERROR(std::move(outcome));
  return {};
}

namespace {

// Endpoint rows of all edge types together stay below this in memory.
constexpr std::uint64_t kEndpointMemoryBytes = std::uint64_t{96} << 20;

class WriteChecks {
 public:
  WriteChecks(const Snapshot& base, CheckedWrites& checked)
      : base_(base), state_(checked.state), written_(checked.written), endpoints_(checked.endpoints) {}

  Result<void> run() {
    OG_RETURN_IF_ERROR(open_tables());
    for (const TableState* table : written_) {
      if (table->staged_rows > 0) OG_RETURN_IF_ERROR(check_values(*table));
    }
    for (const TableState* table : written_) OG_RETURN_IF_ERROR(check_unique(*table));
    OG_RETURN_IF_ERROR(check_edges());
    for (const TableState* table : written_) {
      if (table->id_conflict) return std::unexpected(*table->id_conflict);
    }
    state_.node_ids().clear();
    return {};
  }

 private:
  // What the checks will read of the base.
  void warm_tables() {
    std::set<schema::TypeRef> types;
    for (const auto& [type, writes] : state_.writes().tables) {
      const auto looks_up = [](const TablePut& put) { return !put.generated_ids; };
      if (writes.replace_all || !writes.removed.empty() || std::ranges::any_of(writes.puts, looks_up)) {
        types.insert(type);
      }
      if (type.kind != schema::EntityKind::kEdge || writes.puts.empty()) continue;
      const schema::EdgeType& edge = state_.catalog().edges[type.index];
      types.insert({schema::EntityKind::kNode, edge.source_index});
      types.insert({schema::EntityKind::kNode, edge.target_index});
    }
    graph::warm_tables(base_, std::vector<schema::TypeRef>(types.begin(), types.end()));
  }

  Result<void> open_tables() {
    warm_tables();
    for (const auto& [type, writes] : state_.writes().tables) {
      OG_ASSIGN_OR_RETURN(const TableState* table, state_.table(type));
      written_.push_back(table);
    }
    return {};
  }

  [[nodiscard]] Result<bool> loses_nodes(const schema::EdgeType& type) {
    for (const std::uint32_t node : {type.source_index, type.target_index}) {
      if (!state_.writes().tables.contains({schema::EntityKind::kNode, node})) continue;
      OG_ASSIGN_OR_RETURN(const TableState* nodes, state_.node_table(node));
      if (nodes->vanished_count > 0) return true;
    }
    return false;
  }

  Result<void> check_edges() {
    std::uint64_t edge_tables = 0;
    for (const TableState* table : written_) edge_tables += table->is_edge() && table->staged_rows > 0 ? 1 : 0;
    const auto& edges = state_.catalog().edges;
    for (std::uint32_t index = 0; index < edges.size(); ++index) {
      const schema::TypeRef type{schema::EntityKind::kEdge, index};
      OG_ASSIGN_OR_RETURN(const bool orphans, loses_nodes(edges[index]));
      if (!orphans && !state_.writes().tables.contains(type)) continue;
      OG_ASSIGN_OR_RETURN(const TableState* table, state_.table(type));
      if (table->staged_rows > 0) {
        EndpointRows& rows = endpoints_.try_emplace(type, kEndpointMemoryBytes / edge_tables).first->second;
        OG_RETURN_IF_ERROR(resolve_endpoints(state_, *table, rows));
      }
      if (orphans) OG_RETURN_IF_ERROR(check_kept_edges(state_, *table));
    }
    const EndpointRows none;
    for (const TableState* table : written_) {
      if (!table->is_edge()) continue;
      const auto rows = endpoints_.find(table->type);
      OG_RETURN_IF_ERROR(check_cardinality(state_, *table, rows == endpoints_.end() ? none : rows->second));
    }
    return {};
  }

  const Snapshot& base_;
  WriteState& state_;
  std::vector<const TableState*>& written_;
  std::map<schema::TypeRef, EndpointRows>& endpoints_;
};

class Preparation {
 public:
  Preparation(const Snapshot& base, const WriteSet& writes, const PrepareOptions& options)
      : checked_(base, writes, options.violations), base_(base), options_(options) {}

  Result<PreparedWrite> run(objectstore::ObjectStore& store, PreparedFileCache& cache) {
    OG_RETURN_IF_ERROR(check_writes(base_, checked_));
    const bool violated = options_.violations != nullptr && !options_.violations->empty();
    if (violated || options_.check_only) return PreparedWrite{};
    OG_RETURN_IF_ERROR(fill_vectors());
    return build(store, cache);
  }

 private:
  Result<void> fill_vectors() {
    bool complete = true;
    for (const auto& [type, writes] : checked_.state.writes().tables) {
      OG_ASSIGN_OR_RETURN(TableState * table, checked_.state.table(type));
      OG_ASSIGN_OR_RETURN(const bool all, decide_fills(*table));
      complete = complete && all;
    }
    if (complete) return {};
    return std::unexpected(Error{Code::kCancelled, "the vectors of some texts are not there yet"});
  }

  Result<PreparedWrite> build(objectstore::ObjectStore& store, PreparedFileCache& cache) {
    PreparedWrite prepared;
    prepared.footprint = checked_.state.writes().reads;
    for (const auto& [type, table] : checked_.state.tables()) prepared.footprint.insert(type);
    std::vector<TablePlan> plans;
    for (const TableState* table : checked_.written) {
      if (!table->changes()) continue;
      const auto rows = checked_.endpoints.find(table->type);
      TablePlan plan{
          .table = table, .endpoints = rows == checked_.endpoints.end() ? nullptr : &rows->second, .folded = {}};
      plan.indexing = checked_.state.writes().indexing.get();
      OG_ASSIGN_OR_RETURN(PreparedTable after, plan_table(*table, plan));
      prepared.tables.push_back(std::move(after));
      plans.push_back(std::move(plan));
    }
    OG_RETURN_IF_ERROR(write_files(plans, store, cache, prepared));
    return prepared;
  }

  // What becomes of the base fragments, the numbers, and the rows to fold.
  Result<PreparedTable> plan_table(const TableState& table, TablePlan& plan) const {
    PreparedTable after;
    after.type = table.type;
    const lance::Manifest& manifest = table.base->manifest();
    const std::vector<bool> touched = touched_fragments(table);
    std::vector<FoldCandidate> candidates;
    for (std::size_t i = 0; i < manifest.fragments.size(); ++i) {
      const lance::Fragment& fragment = manifest.fragments[i];
      candidates.push_back(
          fold_candidate(fragment, touched[i] ? delete_rows(table, i, after) : live_rows_of(fragment)));
    }
    const std::uint64_t final_rows = table.replaced_count + table.new_count;
    if (options_.folds) {
      OG_ASSIGN_OR_RETURN(plan.folded, read_folded(table, fragments_to_fold(candidates, final_rows)));
    }
    for (const std::size_t i : plan.folded.fragments) {
      after.deletions.erase(i);
      after.removed_fragments.push_back(i);
    }
    std::sort(after.removed_fragments.begin(), after.removed_fragments.end());
    after.next_row_id = manifest.next_row_id + table.new_count;
    after.counts = {.inserted = table.new_count, .updated = table.replaced_count, .deleted = table.vanished_count};
    after.live_rows = table.base->live_rows() - table.gone_count + final_rows;
    return after;
  }

  static std::vector<bool> touched_fragments(const TableState& table) {
    const std::size_t count = table.base->manifest().fragments.size();
    std::vector<bool> touched(count);
    std::size_t i = 0;
    table.gone.for_each([&](std::uint64_t o) {
      while (i + 1 < count && table.base->fragment_start(i + 1) <= o) ++i;
      touched[i] = true;
    });
    return touched;
  }

  // Notes what is deleted in a fragment after the write; returns the rows that stay.
  static std::uint64_t delete_rows(const TableState& table, std::size_t i, PreparedTable& after) {
    const std::uint64_t begin = table.base->fragment_start(i);
    const std::uint64_t end = begin + table.base->manifest().fragments[i].physical_rows;
    const auto deleted = table.base->deleted_words();
    std::vector<std::uint32_t> positions;
    for (std::uint64_t at = begin / 64; at * 64 < end; ++at) {
      std::uint64_t word = table.gone.words()[at] | (deleted.empty() ? 0 : deleted[at]);
      for (; word != 0; word &= word - 1) {
        const std::uint64_t o = at * 64 + static_cast<std::uint64_t>(std::countr_zero(word));
        if (o >= begin && o < end) positions.push_back(static_cast<std::uint32_t>(o - begin));
      }
    }
    const std::uint64_t live = end - begin - positions.size();
    if (live == 0) {
      after.removed_fragments.push_back(i);
    } else {
      after.deletions.emplace(i, std::move(positions));
    }
    return live;
  }

  CheckedWrites checked_;
  const Snapshot& base_;
  const PrepareOptions options_;
};

}  // namespace

Result<void> check_writes(const Snapshot& base, CheckedWrites& checked) { return WriteChecks(base, checked).run(); }

Result<PreparedWrite> prepare_write(const Snapshot& base, const WriteSet& writes, objectstore::ObjectStore& store,
                                    PreparedFileCache& cache, const PrepareOptions& options) {
  return Preparation(base, writes, options).run(store, cache);
}

}  // namespace omnigraph::graph
