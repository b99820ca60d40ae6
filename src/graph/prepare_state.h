// What prepare_write knows about one table while it works: the rows that come, the base rows that go, and how both are
// numbered. Staged rows are numbered through all puts of the table in order of arrival.
// Thread safety: filled by one thread, then const.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "graph/endpoint_rows.h"
#include "graph/id_table.h"
#include "graph/prepare.h"
#include "graph/snapshot.h"
#include "graph/vector_fill.h"
#include "graph/write_set.h"

namespace omnigraph::graph {

// Bits of rows; absent words are zero. Bit i is word[i / 64] >> (i % 64) & 1.
class RowBits {
 public:
  void resize(std::uint64_t rows) { words_.resize((rows + 63) / 64); }
  void set(std::uint64_t row) { words_[row >> 6] |= std::uint64_t{1} << (row & 63); }
  void clear(std::uint64_t row) { words_[row >> 6] &= ~(std::uint64_t{1} << (row & 63)); }
  [[nodiscard]] bool test(std::uint64_t row) const {
    return (row >> 6) < words_.size() && ((words_[row >> 6] >> (row & 63)) & 1u) != 0;
  }
  [[nodiscard]] bool empty() const { return words_.empty(); }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const std::uint64_t word : words_) total += static_cast<std::uint64_t>(std::popcount(word));
    return total;
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t at = 0; at < words_.size(); ++at) {
      for (std::uint64_t word = words_[at]; word != 0; word &= word - 1) {
        visit(static_cast<std::uint64_t>(at) * 64 + static_cast<std::uint64_t>(std::countr_zero(word)));
      }
    }
  }
  [[nodiscard]] std::vector<std::uint64_t>& words() { return words_; }
  [[nodiscard]] const std::vector<std::uint64_t>& words() const { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

// A staged batch and the number of its first row.
struct StagedPiece {
  const StagedRows* rows = nullptr;
  std::size_t put = 0;
  std::size_t index = 0;  // of the batch in its StagedRows
  std::uint64_t start = 0;
  std::uint64_t count = 0;
};

// Staged rows whose vector the write fills in: with that of their text, or with the stored one.
struct FilledRows {
  FilledColumn column;
  RowBits embed, keep;
};

struct TableState {
  schema::TypeRef type;
  const schema::Catalog* catalog = nullptr;
  const TableWrites* writes = nullptr;  // null: only read
  TableViewPtr base;
  const TypeIdentity* identity = nullptr;
  std::string root;  // key prefix of the dataset

  std::vector<StagedPiece> pieces;
  std::uint64_t staged_rows = 0;
  // Staged rows that a later record of the same id replaced; they count for in-file uniqueness only.
  RowBits superseded;
  // Base row that a staged row replaces, or kNoOrdinal; empty = none does.
  std::vector<Ordinal> replaces;
  // Base rows that are no longer valid as they are: replaced, or gone with their id (`vanished`).
  RowBits gone;
  RowBits vanished;
  std::uint64_t gone_count = 0;
  std::uint64_t vanished_count = 0;
  std::uint64_t replaced_count = 0;
  std::uint64_t new_count = 0;  // staged rows that get a new row id

  std::map<std::size_t, FilledRows> fills;  // by property; after all checks

  std::vector<Violation>* violations = nullptr;  // where to collect them; null: the first one ends the work

  std::optional<Error> key_violation;  // two records of the input with one @key
  std::optional<Error> id_conflict;    // reported last

  [[nodiscard]] const std::string& name() const { return catalog->name_of(type); }
  [[nodiscard]] bool is_edge() const { return type.kind == schema::EntityKind::kEdge; }
  [[nodiscard]] const schema::TypeConstraints& constraints() const { return catalog->constraints_of(type); }
  [[nodiscard]] bool replace_all() const { return writes != nullptr && writes->replace_all; }
  [[nodiscard]] bool changes() const { return staged_rows > 0 || gone_count > 0; }
  [[nodiscard]] bool is_final(std::uint64_t row) const { return !superseded.test(row); }
  [[nodiscard]] bool base_kept(Ordinal o) const { return !base->is_deleted(o) && !gone.test(o); }
  [[nodiscard]] bool base_has_kept_rows() const { return base->live_rows() > gone_count; }

  // REQUIRES: number_rows() ran. New rows take next_row_id.. in order of arrival, replacing ones keep the old id.
  [[nodiscard]] std::uint64_t row_id(std::uint64_t staged_row) const {
    if (!replaces.empty() && replaces[staged_row] != kNoOrdinal) return base->row_id(replaces[staged_row]);
    return base->manifest().next_row_id + rank(staged_row);
  }
  void number_rows();

  // The error, or nothing when it was collected.
  [[nodiscard]] Result<void> violated(ViolationKind kind, std::optional<std::string> entity_id, Error error) const {
    if (violations == nullptr) return std::unexpected(std::move(error));
    violations->push_back(
        {.kind = kind, .type = type, .entity_id = std::move(entity_id), .message = std::move(error.message)});
    return {};
  }

  // One column of a piece, and texts for messages.
  [[nodiscard]] Result<columnar::ArrayPtr> column(const StagedPiece& piece, std::size_t column) const {
    return piece.rows->column(piece.index, column);
  }
  [[nodiscard]] Result<std::string> staged_text(std::uint64_t row, std::size_t column) const;
  [[nodiscard]] Result<std::string> base_id(Ordinal o) const;
  [[nodiscard]] const StagedPiece& piece_of(std::uint64_t row) const;

 private:
  [[nodiscard]] std::uint64_t rank(std::uint64_t row) const;
  std::vector<std::uint64_t> new_words_;   // bits of rows that get a new id; empty = all of them
  std::vector<std::uint64_t> new_before_;  // number of them before each word
};

// Position in a chunked column that moves forward only.
class ColumnCursor {
 public:
  explicit ColumnCursor(const columnar::ChunkedArray& column) : column_(&column) {}
  // REQUIRES: position not before that of the last call.
  [[nodiscard]] const columnar::Array& at(std::int64_t position, std::int64_t& index) {
    while (position >= end_) {
      array_ = column_->chunk(next_).get();
      start_ = column_->chunk_start(next_);
      end_ = start_ + array_->length();
      ++next_;
    }
    index = position - start_;
    return *array_;
  }

 private:
  const columnar::ChunkedArray* column_;
  const columnar::Array* array_ = nullptr;
  std::size_t next_ = 0;
  std::int64_t start_ = 0, end_ = 0;
};

// Calls body(p) for each staged piece; side by side where they have rows enough to be worth waking other threads for.
void for_each_piece(const TableState& table, const std::function<void(std::size_t)>& body);

// The tables of one write; those only read are opened on demand.
class WriteState {
 public:
  WriteState(const Snapshot& base, const WriteSet& writes, std::vector<Violation>* violations = nullptr)
      : base_(&base), writes_(&writes), violations_(violations) {}
  // Ids are resolved when a table is opened.
  [[nodiscard]] Result<TableState*> table(schema::TypeRef type);
  [[nodiscard]] Result<TableState*> node_table(std::uint32_t index) {
    return table({schema::EntityKind::kNode, index});
  }
  [[nodiscard]] const Snapshot& base() const { return *base_; }
  [[nodiscard]] const WriteSet& writes() const { return *writes_; }
  [[nodiscard]] const schema::Catalog& catalog() const { return *base_->catalog(); }
  [[nodiscard]] const std::map<schema::TypeRef, std::unique_ptr<TableState>>& tables() const { return tables_; }
  // Tables of the ids of staged nodes, kept between edge types while they are small.
  [[nodiscard]] std::map<std::uint32_t, std::unique_ptr<IdTable>>& node_ids() { return node_ids_; }

 private:
  std::map<std::uint32_t, std::unique_ptr<IdTable>> node_ids_;
  const Snapshot* base_;
  const WriteSet* writes_;
  std::vector<Violation>* violations_;
  std::map<schema::TypeRef, std::unique_ptr<TableState>> tables_;
};

// The steps, in the order of prepare.h. Each returns the first violation, or collects all where the table says so.
[[nodiscard]] Result<void> resolve_ids(TableState& table);
[[nodiscard]] Result<void> check_values(const TableState& table);
[[nodiscard]] Result<void> check_unique(const TableState& table);
// Fills `out` for the staged rows (superseded ones excepted).
[[nodiscard]] Result<void> resolve_endpoints(WriteState& state, const TableState& edges, EndpointRows& out);
// Base edges that stay although a node they need vanishes.
[[nodiscard]] Result<void> check_kept_edges(WriteState& state, const TableState& edges);
[[nodiscard]] Result<void> check_cardinality(WriteState& state, const TableState& edges, const EndpointRows& rows);

// After all checks: fills `fills`. False: vectors are missing, and the writer was told which.
[[nodiscard]] Result<bool> decide_fills(TableState& table);
// Whether any row of the piece is filled.
[[nodiscard]] bool fills_any(const FilledRows& fill, const StagedPiece& piece);
// Whether any row of the piece keeps a stored vector.
[[nodiscard]] bool keeps_any(const FilledRows& fill, const StagedPiece& piece);
// The column of a piece as it is written.
[[nodiscard]] Result<columnar::ArrayPtr> filled_vectors(const TableState& table, const FilledRows& fill,
                                                        const StagedPiece& piece, const columnar::Array& given,
                                                        const columnar::Array& texts);
// The column with a value wherever one will be filled in; null: nothing is filled in there.
[[nodiscard]] Result<columnar::ArrayPtr> vectors_to_check(const TableState& table, const StagedPiece& piece,
                                                          std::size_t property, const columnar::Array& given);

// `@unique violation on T.p: value 'v' held by 'id1' and 'id2'`, the smaller id first.
[[nodiscard]] Error unique_violation(const TableState& table, const std::vector<std::string>& columns,
                                     const std::vector<std::string>& values, std::string first_id,
                                     std::string second_id);

// A write set with what the checks found out about it.
struct CheckedWrites {
  CheckedWrites(const Snapshot& base, const WriteSet& writes, std::vector<Violation>* violations = nullptr)
      : state(base, writes, violations) {}
  WriteState state;
  std::vector<const TableState*> written;             // ascending by type
  std::map<schema::TypeRef, EndpointRows> endpoints;  // of edge tables with staged rows
};
// All steps in their order, on a fresh `checked`.
[[nodiscard]] Result<void> check_writes(const Snapshot& base, CheckedWrites& checked);

[[nodiscard]] inline std::uint64_t live_rows_of(const lance::Fragment& fragment) {
  return fragment.physical_rows - (fragment.deletion_file ? fragment.deletion_file->deleted_rows : 0);
}

}  // namespace omnigraph::graph
