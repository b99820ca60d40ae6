// Which staged rows get the vector of their text and which keep the stored one (graph/vector_fill.h).
#include <algorithm>
#include <unordered_set>

#include "columnar/builder.h"
#include "graph/prepare_state.h"
#include "graph/vector_fill.h"

namespace omnigraph::graph {
namespace {

using columnar::Array;
using columnar::ArrayPtr;

const VectorFill::Column* fill_column(const TableState& table, const StagedPiece& piece, std::size_t property) {
  const VectorFill* fill = table.writes->puts[piece.put].fill.get();
  if (fill == nullptr) return nullptr;
  const auto found =
      std::ranges::find(fill->columns, property, [](const VectorFill::Column& c) { return c.column.property; });
  return found == fill->columns.end() ? nullptr : &*found;
}

bool is_candidate(const VectorFill::Column& fill, const StagedPiece& piece, const Array& vectors, std::uint64_t i) {
  if (fill.rows.empty()) return vectors.is_null(static_cast<std::int64_t>(i));
  return fill.rows[piece.rows->batch_start(piece.index) + i];
}

// Stored texts and vectors of one filled column, for rows that are written again.
class StoredVectors {
 public:
  explicit StoredVectors(const TableState& table) : table_(table) {
    if (table.writes != nullptr) removed_.insert(table.writes->removed.begin(), table.writes->removed.end());
  }

  // Whether the row that `row` replaces has this very text and a vector of it.
  Result<bool> keeps(const FilledColumn& column, std::uint64_t row, std::string_view text) {
    if (table_.replaces.empty() || table_.replace_all()) return false;
    const Ordinal o = table_.replaces[row];
    if (o == kNoOrdinal || removed_.contains(o)) return false;
    OG_ASSIGN_OR_RETURN(const auto texts, table_.base->property(column.source));
    const auto at = texts->locate(o);
    const Array& chunk = *texts->chunk(at.chunk);
    if (chunk.is_null(at.index) || chunk.string_value(at.index) != text) return false;
    OG_ASSIGN_OR_RETURN(const auto vectors, table_.base->property(column.property));
    const auto place = vectors->locate(o);
    return vectors->chunk(place.chunk)->is_valid(place.index);
  }

 private:
  const TableState& table_;
  std::unordered_set<Ordinal> removed_;
};

// Decides one column of one piece; rows whose text has no vector are collected.
Result<void> decide_piece(TableState& table, const StagedPiece& piece, const VectorFill::Column& fill,
                          const TextVectors& vectors, StoredVectors& stored, FilledRows& out,
                          std::vector<bool>& wanted) {
  const std::size_t system = staged_system_columns(table.type.kind);
  OG_ASSIGN_OR_RETURN(const ArrayPtr given, table.column(piece, system + fill.column.property));
  OG_ASSIGN_OR_RETURN(const ArrayPtr texts, table.column(piece, system + fill.column.source));
  for (std::uint64_t i = 0; i < piece.count; ++i) {
    const std::uint64_t row = piece.start + i;
    if (!table.is_final(row) || !is_candidate(fill, piece, *given, i)) continue;
    const auto at = static_cast<std::int64_t>(i);
    if (is_blank(*texts, at)) continue;
    const std::string_view text = texts->string_value(at);
    OG_ASSIGN_OR_RETURN(const bool keeps, stored.keeps(fill.column, row, text));
    (keeps ? out.keep : out.embed).set(row);
    if (keeps || vectors.has(text, fill.column.dimension)) continue;
    const StagedRows& rows = *piece.rows;
    if (wanted.empty()) wanted.resize(rows.row_count());
    wanted[rows.batch_start(piece.index) + i] = true;
  }
  return {};
}

}  // namespace

Result<bool> decide_fills(TableState& table) {
  bool complete = true;
  if (table.writes == nullptr) return complete;
  StoredVectors stored(table);
  for (std::size_t put = 0; put < table.writes->puts.size(); ++put) {
    const TablePut& written = table.writes->puts[put];
    if (written.fill == nullptr) continue;
    for (const VectorFill::Column& fill : written.fill->columns) {
      FilledRows& out = table.fills[fill.column.property];
      out.column = fill.column;
      out.embed.resize(table.staged_rows);
      out.keep.resize(table.staged_rows);
      std::vector<bool> wanted;
      for (const StagedPiece& piece : table.pieces) {
        if (piece.put != put) continue;
        OG_RETURN_IF_ERROR(decide_piece(table, piece, fill, *written.fill->vectors, stored, out, wanted));
      }
      if (wanted.empty()) continue;
      complete = false;
      written.fill->vectors->note_missing({written.rows, fill.column, std::move(wanted)});
    }
  }
  return complete;
}

bool fills_any(const FilledRows& fill, const StagedPiece& piece) {
  for (std::uint64_t row = piece.start; row < piece.start + piece.count; ++row) {
    if (fill.embed.test(row) || fill.keep.test(row)) return true;
  }
  return false;
}

bool keeps_any(const FilledRows& fill, const StagedPiece& piece) {
  for (std::uint64_t row = piece.start; row < piece.start + piece.count; ++row) {
    if (fill.keep.test(row)) return true;
  }
  return false;
}

Result<ArrayPtr> filled_vectors(const TableState& table, const FilledRows& fill, const StagedPiece& piece,
                                const Array& given, const Array& texts) {
  const TextVectors& vectors = *table.writes->puts[piece.put].fill->vectors;
  std::shared_ptr<const columnar::ChunkedArray> stored;
  columnar::ArrayBuilder builder(given.type());
  std::vector<float> vector(fill.column.dimension);
  for (std::uint64_t i = 0; i < piece.count; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::uint64_t row = piece.start + i;
    if (fill.embed.test(row)) {
      vectors.read(texts.string_value(at), vector);
      builder.append_vector(vector);
    } else if (fill.keep.test(row)) {
      if (stored == nullptr) {
        OG_ASSIGN_OR_RETURN(stored, table.base->property(fill.column.property));
      }
      const auto place = stored->locate(table.replaces[row]);
      builder.append_from(*stored->chunk(place.chunk), place.index);
    } else if (given.is_null(at)) {
      builder.append_null();
    } else {
      builder.append_from(given, at);
    }
  }
  return builder.finish();
}

Result<ArrayPtr> vectors_to_check(const TableState& table, const StagedPiece& piece, std::size_t property,
                                  const Array& given) {
  const VectorFill::Column* fill = fill_column(table, piece, property);
  if (fill == nullptr) return ArrayPtr();
  OG_ASSIGN_OR_RETURN(const ArrayPtr texts,
                      table.column(piece, staged_system_columns(table.type.kind) + fill->column.source));
  columnar::ArrayBuilder builder(given.type());
  const std::vector<float> nothing(fill->column.dimension);
  for (std::uint64_t i = 0; i < piece.count; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    if (is_candidate(*fill, piece, given, i) && !is_blank(*texts, at)) {
      builder.append_vector(nothing);
    } else if (given.is_null(at)) {
      builder.append_null();
    } else {
      builder.append_from(given, at);
    }
  }
  return builder.finish();
}

}  // namespace omnigraph::graph
