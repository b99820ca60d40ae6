// The private image a mutation works on: the rows of one type at the base snapshot with what earlier statements of the
// same query changed laid over them (chapter 02 section 9). Not thread safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exec/column.h"
#include "exec/filter_kernel.h"
#include "exec/mutation_value.h"
#include "graph/snapshot.h"
#include "graph/store.h"
#include "graph/vector_fill.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

// Value of one property of a changed row.
struct Cell {
  enum class Kind : std::uint8_t { kBase, kScalar, kBlob };  // kBase: as the base row has it
  Kind kind = Kind::kBase;
  columnar::Scalar scalar;                // in the property's type
  std::shared_ptr<const BlobValue> blob;  // null: no Blob
};

struct ImageRow {
  std::string id;
  std::string source, destination;  // edges: ids
  Ordinal base = kNoOrdinal;        // the row it replaces or changes
  bool live = true;
  std::vector<Cell> cells;  // by property
  // Vector properties that follow their text once the mutation is over, whatever the cell says.
  std::set<std::uint32_t> filled{};
};

// `field op constant`: the part of a condition that columns and indexes can answer.
struct ImagePredicate {
  const query::Expr* field = nullptr;
  query::CompareOp op = query::CompareOp::kEqual;
  Value value;
  bool member = false;  // `field in value` instead
};

// Literal, parameter or now() of the query.
using ConstantOf = std::function<const columnar::Scalar&(const query::Expr&)>;

// A row of the image: changed rows by index, others by base ordinal.
struct ImageMatch {
  bool changed = false;
  std::uint32_t at = 0;
};

class TypeImage {
 public:
  TypeImage(const graph::Snapshot& snapshot, const schema::Catalog& catalog, schema::TypeRef type,
            graph::TableViewPtr base)
      : snapshot_(snapshot), catalog_(catalog), type_(type), base_(std::move(base)) {}

  [[nodiscard]] schema::TypeRef type() const { return type_; }
  [[nodiscard]] std::vector<ImageRow>& rows() { return rows_; }

  // Rows for which the condition is TRUE, as the image stands.
  Result<std::vector<ImageMatch>> matches(const query::Expr& where, const ConstantOf& constant);
  // Opens the columns that an expression over rows reads.
  Result<void> open_fields(const query::Expr& expr);
  // A field of a row as the image stands. REQUIRES: open_fields.
  [[nodiscard]] Value field(const ImageMatch& row, const query::Expr& expr) const;
  // The live row with this id.
  Result<std::optional<ImageMatch>> find(std::string_view id);
  [[nodiscard]] Result<std::string> id_of(const ImageMatch& match);
  // A property of a row as the image stands; of a Blob and of a vector only whether there is one.
  Result<Value> value_of_property(const ImageMatch& match, std::uint32_t property);

  // The row to change; a base row is brought into the overlay. Invalidated by the next call.
  Result<ImageRow*> change(const ImageMatch& match);
  // A row that is not in the image; or takes the place of the live row with this id.
  Result<ImageRow*> put(std::string id);
  // A new row; its id is drawn, nothing can hold it.
  void append(ImageRow row) {
    by_id_[row.id] = static_cast<std::uint32_t>(rows_.size());
    rows_.push_back(std::move(row));
  }
  // Removes a row that is live.
  void remove(const ImageMatch& match);
  // Live base rows by ordinal, for cascades over the adjacency. False: gone already.
  bool remove_base(Ordinal ordinal);
  [[nodiscard]] bool is_removed(Ordinal ordinal) const { return removed_.contains(ordinal); }

  // Nothing was changed yet.
  [[nodiscard]] bool is_untouched() const { return rows_.empty() && removed_.empty() && bulk_.rows.empty(); }
  // Gives all these live base rows the same values, by property; kept column by column until something else is asked of
  // the image. REQUIRES: is_untouched().
  void change_all(std::vector<Ordinal> rows, std::vector<std::pair<std::uint32_t, Cell>> values) {
    bulk_ = {std::move(rows), std::move(values)};
  }
  // To be called before anything but hand_over() after change_all(): brings its rows into the overlay.
  Result<void> unfold();

  // Hands the final rows and removals to the transaction. `generated`: changed rows without a base row have drawn ids.
  // `vectors`: where those of filled properties come from.
  Result<void> hand_over(graph::WriteTransaction& transaction, bool generated,
                         const std::shared_ptr<graph::TextVectors>& vectors);

 private:
  struct BulkChange {
    std::vector<Ordinal> rows;
    std::vector<std::pair<std::uint32_t, Cell>> values;
  };

  Result<columnar::Batch> bulk_batch(std::span<const Ordinal> rows);
  Result<void> put_bulk(graph::WriteTransaction& transaction);
  Result<const Column*> property(std::uint32_t index);
  Result<std::vector<Ordinal>> base_candidates(const std::vector<ImagePredicate>& predicates);
  Result<std::optional<std::vector<Ordinal>>> indexed_rows(const ImagePredicate& predicate);
  Result<std::optional<std::vector<Ordinal>>> indexed_members(const ImagePredicate& predicate);
  Result<RowFilter> filter_of(const std::vector<ImagePredicate>& predicates);
  Result<columnar::Batch> batch_of(const std::vector<const ImageRow*>& rows);
  Result<void> put_rows(graph::WriteTransaction& transaction, const std::vector<const ImageRow*>& rows,
                        graph::PutMode mode, bool generated, const std::shared_ptr<graph::TextVectors>& vectors);
  std::shared_ptr<const graph::VectorFill> fill_of(const std::vector<const ImageRow*>& rows,
                                                   const std::shared_ptr<graph::TextVectors>& vectors) const;

  const graph::Snapshot& snapshot_;
  const schema::Catalog& catalog_;
  const schema::TypeRef type_;
  const graph::TableViewPtr base_;
  std::vector<ImageRow> rows_;
  std::unordered_map<std::string, std::uint32_t> by_id_;  // live changed rows
  std::unordered_map<Ordinal, std::uint32_t> by_base_;    // base rows that a changed row stands for
  std::unordered_set<Ordinal> removed_;
  std::map<std::uint32_t, std::unique_ptr<Column>> columns_;
  BulkChange bulk_;
};

}  // namespace omnigraph::exec
