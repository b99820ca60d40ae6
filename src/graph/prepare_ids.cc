// Which staged row wins an id, which base row it replaces, and which ids collide (chapter 03 section 2.4).
#include <algorithm>
#include <atomic>

#include "base/json_writer.h"
#include "graph/id_table.h"
#include "graph/prepare_state.h"
#include "schema/value_text.h"

namespace omnigraph::graph {
namespace {

bool brings_ids(const TableState& table, const StagedPiece& piece) {
  return !table.writes->puts[piece.put].generated_ids;
}

// An id that is there twice is a mistake, not an update.
bool is_strict(const TableState& table, const StagedPiece& piece) {
  return table.writes->replace_all || table.writes->puts[piece.put].mode == PutMode::kAppend;
}

Error id_conflict(const TableState& table, std::string_view id) {
  const std::string_view kind = schema::kind_name(table.type.kind);
  std::string detail;
  base::JsonWriter json(detail);
  json.begin_object();
  json.key("entity_kind").string(kind).key("type_name").string(table.name()).key("entity_id").string(id);
  json.end_object();
  return with_detail(
      conflict(std::string(kind) + " type '" + table.name() + "' already has id '" + std::string(id) + "'"),
      "key_conflict", std::move(detail));
}

Result<Error> key_violation(const TableState& table, std::uint64_t row) {
  const StagedPiece& piece = table.piece_of(row);
  const auto index = static_cast<std::int64_t>(row - piece.start);
  const schema::NodeType& node = table.catalog->nodes[table.type.index];
  std::vector<std::string> values;
  for (const std::string& member : node.constraints.key) {
    const std::size_t property = node.index_of(member);
    OG_ASSIGN_OR_RETURN(const columnar::ArrayPtr column,
                        table.column(piece, staged_system_columns(table.type.kind) + property));
    values.push_back(schema::value_text(node.properties[property].type, *column, index));
  }
  OG_ASSIGN_OR_RETURN(const std::string id, table.staged_text(row, 0));
  return unique_violation(table, node.constraints.key, values, id, id);
}

void mark_base_rows_that_go(TableState& table) {
  const Ordinal rows = table.base->physical_rows();
  if (table.writes == nullptr || rows == 0) return;
  if (!table.writes->replace_all && table.writes->removed.empty()) return;
  table.vanished.resize(rows);
  if (table.writes->replace_all) {
    const auto deleted = table.base->deleted_words();
    std::vector<std::uint64_t>& words = table.vanished.words();
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = deleted.empty() ? ~std::uint64_t{0} : ~deleted[i];
    if (rows % 64 != 0) words.back() &= (std::uint64_t{1} << (rows % 64)) - 1;
    return;
  }
  for (const Ordinal o : table.writes->removed) {
    if (!table.base->is_deleted(o)) table.vanished.set(o);
  }
}

struct Duplicates {
  std::uint64_t first_conflict = ~std::uint64_t{0};  // row numbers
  std::uint64_t first_key_violation = ~std::uint64_t{0};
};

// Finds ids that occur twice in the input; the last one wins where that is allowed.
Result<Duplicates> find_duplicates(TableState& table) {
  Duplicates found;
  std::uint64_t rows = 0;
  for (const StagedPiece& piece : table.pieces) rows += brings_ids(table, piece) ? piece.count : 0;
  if (rows < 2) return found;
  const bool keyed = !table.constraints().key.empty();
  const HashPasses passes(rows);
  IdTable ids;
  for (std::uint64_t pass = 0; pass < passes.count(); ++pass) {
    ids.reset(passes.rows_per_pass());
    for (const StagedPiece& piece : table.pieces) {
      if (!brings_ids(table, piece)) continue;
      OG_ASSIGN_OR_RETURN(const columnar::ArrayPtr column, table.column(piece, 0));
      for (std::uint64_t i = 0; i < piece.count; ++i) {
        const base::Hash128 hash = value_hash(column->string_value(static_cast<std::int64_t>(i)));
        if (!passes.contains(pass, hash)) continue;
        const std::uint64_t row = piece.start + i;
        const std::uint32_t earlier = ids.put(hash, static_cast<std::uint32_t>(row));
        if (earlier == IdTable::kNone) continue;
        if (keyed) {
          found.first_key_violation = std::min(found.first_key_violation, row);
        } else if (is_strict(table, piece)) {
          found.first_conflict = std::min(found.first_conflict, row);
        }
        if (table.superseded.empty()) table.superseded.resize(table.staged_rows);
        table.superseded.set(earlier);
      }
    }
  }
  return found;
}

// Base rows that the staged rows replace. Sets `replaces`, looks ids up in parallel.
Result<void> find_replaced(TableState& table) {
  const bool wanted =
      table.base->live_rows() > 0 && std::any_of(table.pieces.begin(), table.pieces.end(),
                                                 [&](const StagedPiece& piece) { return brings_ids(table, piece); });
  if (!wanted) return {};
  table.replaces.assign(table.staged_rows, kNoOrdinal);
  std::vector<Result<void>> outcomes(table.pieces.size());
  const auto look_up = [&](std::size_t p) -> Result<void> {
    const StagedPiece& piece = table.pieces[p];
    if (!brings_ids(table, piece)) return {};
    if (const std::vector<Ordinal>& known = table.writes->puts[piece.put].replaced; !known.empty()) {
      const std::uint64_t first = piece.rows->batch_start(piece.index);
      for (std::uint64_t i = 0; i < piece.count; ++i) table.replaces[piece.start + i] = known[first + i];
      return {};
    }
    OG_ASSIGN_OR_RETURN(const columnar::ArrayPtr column, table.column(piece, 0));
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      if (!table.is_final(piece.start + i)) continue;
      OG_ASSIGN_OR_RETURN(const Ordinal o, table.base->find(column->string_value(static_cast<std::int64_t>(i))));
      table.replaces[piece.start + i] = o;
    }
    return {};
  };
  for_each_piece(table, [&](std::size_t p) { outcomes[p] = look_up(p); });
  for (Result<void>& outcome : outcomes) OG_RETURN_IF_ERROR(std::move(outcome));
  return {};
}

// Takes the replaced rows out of the base; returns the first row whose id must not have been there.
std::uint64_t apply_replaced(TableState& table) {
  std::uint64_t first_conflict = ~std::uint64_t{0};
  // New ids alone, as with most inserts: no bits of all base rows for that.
  if (std::ranges::all_of(table.replaces, [](Ordinal o) { return o == kNoOrdinal; })) {
    table.replaces = {};
    return first_conflict;
  }
  table.gone.resize(table.base->physical_rows());
  for (const StagedPiece& piece : table.pieces) {
    const bool append = table.writes->puts[piece.put].mode == PutMode::kAppend;
    for (std::uint64_t row = piece.start; row < piece.start + piece.count; ++row) {
      const Ordinal o = table.replaces[row];
      if (o == kNoOrdinal) continue;
      const bool removed_before = table.vanished.test(o);
      if (append && !removed_before) first_conflict = std::min(first_conflict, row);
      if (removed_before) table.vanished.clear(o);
      table.gone.set(o);
    }
  }
  table.replaced_count = table.gone.count();
  return first_conflict;
}

}  // namespace

Result<void> resolve_ids(TableState& table) {
  if (table.staged_rows >= IdTable::kNone) {
    return std::unexpected(
        Error{Code::kResourceLimit, "one write takes at most 2^32-2 rows of type '" + table.name() + "'"});
  }
  mark_base_rows_that_go(table);
  OG_ASSIGN_OR_RETURN(const Duplicates duplicates, find_duplicates(table));
  OG_RETURN_IF_ERROR(find_replaced(table));
  const std::uint64_t conflict = std::min(duplicates.first_conflict, apply_replaced(table));
  if (duplicates.first_key_violation != ~std::uint64_t{0}) {
    OG_ASSIGN_OR_RETURN(table.key_violation, key_violation(table, duplicates.first_key_violation));
  }
  if (conflict != ~std::uint64_t{0}) {
    OG_ASSIGN_OR_RETURN(const std::string id, table.staged_text(conflict, 0));
    table.id_conflict = id_conflict(table, id);
  }
  table.vanished_count = table.vanished.count();
  if (table.vanished_count > 0) {
    if (table.gone.empty()) table.gone.resize(table.base->physical_rows());
    for (std::size_t i = 0; i < table.vanished.words().size(); ++i) table.gone.words()[i] |= table.vanished.words()[i];
  }
  table.gone_count = table.gone.empty() ? 0 : table.gone.count();
  table.number_rows();
  return {};
}

}  // namespace omnigraph::graph
