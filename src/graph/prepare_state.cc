#include "graph/prepare_state.h"

#include <algorithm>

#include "base/task_pool.h"
#include "base/ulid.h"
#include "graph/id_table.h"
#include "graph/layout.h"
#include "schema/value_text.h"

namespace omnigraph::graph {

base::Hash128 value_hash(std::string_view bytes) {
  // Drawn per process, so that nobody can prepare values that collide.
  static const std::uint64_t seed = base::random_u64();
  return base::hash128(bytes, seed);
}

void TableState::number_rows() {
  new_words_.clear();
  new_before_.clear();
  if (superseded.empty() && replaces.empty()) {
    new_count = staged_rows;
    return;
  }
  RowBits fresh;
  fresh.resize(staged_rows);
  for (std::uint64_t row = 0; row < staged_rows; ++row) {
    if (is_final(row) && (replaces.empty() || replaces[row] == kNoOrdinal)) fresh.set(row);
  }
  new_words_ = std::move(fresh.words());
  new_before_.reserve(new_words_.size());
  new_count = 0;
  for (const std::uint64_t word : new_words_) {
    new_before_.push_back(new_count);
    new_count += static_cast<std::uint64_t>(std::popcount(word));
  }
}

std::uint64_t TableState::rank(std::uint64_t row) const {
  if (new_words_.empty()) return row;
  const std::uint64_t below = new_words_[row >> 6] & ((std::uint64_t{1} << (row & 63)) - 1);
  return new_before_[row >> 6] + static_cast<std::uint64_t>(std::popcount(below));
}

const StagedPiece& TableState::piece_of(std::uint64_t row) const {
  const auto after =
      std::upper_bound(pieces.begin(), pieces.end(), row,
                       [](std::uint64_t wanted, const StagedPiece& piece) { return wanted < piece.start; });
  return *std::prev(after);
}

Result<std::string> TableState::staged_text(std::uint64_t row, std::size_t column_index) const {
  const StagedPiece& piece = piece_of(row);
  OG_ASSIGN_OR_RETURN(const columnar::ArrayPtr texts, column(piece, column_index));
  return std::string(texts->string_value(static_cast<std::int64_t>(row - piece.start)));
}

Result<std::string> TableState::base_id(Ordinal o) const {
  OG_ASSIGN_OR_RETURN(const auto ids, base->ids());
  const auto place = ids->locate(o);
  return std::string(ids->chunk(place.chunk)->string_value(place.index));
}

void for_each_piece(const TableState& table, const std::function<void(std::size_t)>& body) {
  constexpr std::uint64_t kSharedRowsMin = 4096;
  if (table.staged_rows >= kSharedRowsMin) return base::TaskPool::shared().parallel_for(table.pieces.size(), body);
  for (std::size_t p = 0; p < table.pieces.size(); ++p) body(p);
}

Result<TableState*> WriteState::table(schema::TypeRef type) {
  if (const auto found = tables_.find(type); found != tables_.end()) return found->second.get();
  auto state = std::make_unique<TableState>();
  state->type = type;
  state->catalog = base_->catalog().get();
  state->violations = violations_;
  OG_ASSIGN_OR_RETURN(state->base, base_->table(type));
  const std::string key = state->catalog->table_key(type);
  state->identity = base_->record().schema.find(key);
  const auto entry = base_->record().tables.find(key);
  if (state->identity == nullptr || entry == base_->record().tables.end()) {
    return std::unexpected(internal_error("the commit record has no table for " + key));
  }
  state->root = table_root_of(entry->second.manifest);
  if (const auto writes = writes_->tables.find(type); writes != writes_->tables.end()) {
    state->writes = &writes->second;
    for (std::size_t put = 0; put < state->writes->puts.size(); ++put) {
      const StagedRows& rows = *state->writes->puts[put].rows;
      for (std::size_t i = 0; i < rows.batch_count(); ++i) {
        state->pieces.push_back({&rows, put, i, state->staged_rows, rows.batch_rows(i)});
        state->staged_rows += rows.batch_rows(i);
      }
    }
  }
  OG_RETURN_IF_ERROR(resolve_ids(*state));
  return tables_.emplace(type, std::move(state)).first->second.get();
}

Error unique_violation(const TableState& table, const std::vector<std::string>& columns,
                       const std::vector<std::string>& values, std::string first_id, std::string second_id) {
  if (second_id < first_id) std::swap(first_id, second_id);
  return bad_request("@unique violation on " + table.name() + "." + schema::tuple_text(columns) + ": value '" +
                     schema::tuple_text(values) + "' held by '" + first_id + "' and '" + second_id + "'");
}

}  // namespace omnigraph::graph
