// Single rows of table views, and whether two of them are the same entity state (chapter 03 section 6, step 5).
//
// Equality is typed: null, "" and [] differ, floats compare by their bits, managed blobs by their bytes (digest and
// size), external ones by URI; edges also by their endpoints. Properties are paired by their stable identity; one that
// only one side has counts as null on the other.
// Only the fragments of rows that are asked for are read. Not thread safe: one reader, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "graph/snapshot.h"

namespace omnigraph::graph {

// One slot of a column; valid as long as the reader it came from.
struct Cell {
  const columnar::Array* array = nullptr;
  std::int64_t index = 0;
};

// Values of single rows, by ordinals of one view.
class RowReader {
 public:
  static constexpr std::size_t kId = 0, kSource = 1, kDestination = 2;  // as TableView::fragment_system counts

  explicit RowReader(TableViewPtr view);

  [[nodiscard]] const TableViewPtr& view() const { return view_; }
  [[nodiscard]] std::size_t fragment_of(Ordinal o) const;
  [[nodiscard]] Result<Cell> system(std::size_t column, Ordinal o);
  [[nodiscard]] Result<Cell> property(std::size_t index, Ordinal o);
  // Valid as long as the reader.
  [[nodiscard]] Result<std::string_view> text(std::size_t system_column, Ordinal o);
  // Asks for the files of these fragments together: one round trip instead of one each. Errors appear where a row is
  // read.
  void open_together(const std::vector<std::size_t>& fragments);

 private:
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  struct Fragment {
    std::vector<ColumnPtr> system;      // null: not read yet
    std::vector<ColumnPtr> properties;  // likewise
  };
  [[nodiscard]] Cell cell(const columnar::ChunkedArray& column, Ordinal position) const;

  const TableViewPtr view_;
  std::vector<Ordinal> starts_;
  std::vector<Fragment> fragments_;
};

// A property as two schemas have it, by index in each; nullopt: that schema lacks it.
struct PropertyPair {
  std::optional<std::size_t> a, b;
};
// All properties of a type in two snapshots, paired by their stable identity: those of `a` in its order, then those of
// `b` alone.
[[nodiscard]] std::vector<PropertyPair> pair_properties(const Snapshot& a, schema::TypeRef type_a, const Snapshot& b,
                                                        schema::TypeRef type_b);

// Whether two slots of one property hold the same value. REQUIRES: equal types.
[[nodiscard]] bool equal_cells(const schema::PropertyType& type, const Cell& a, const Cell& b);

// Compares rows of a type between two snapshots.
class RowComparer {
 public:
  // Errors: those of opening the tables.
  [[nodiscard]] static Result<RowComparer> open(const Snapshot& a, schema::TypeRef type_a, const Snapshot& b,
                                                schema::TypeRef type_b);

  [[nodiscard]] Result<bool> equal(Ordinal a, Ordinal b);
  // Whether one property, and whether the two endpoints, are equal.
  [[nodiscard]] Result<bool> property_equal(const PropertyPair& pair, Ordinal a, Ordinal b);
  [[nodiscard]] Result<bool> endpoints_equal(Ordinal a, Ordinal b);

  [[nodiscard]] const std::vector<PropertyPair>& properties() const { return properties_; }
  [[nodiscard]] RowReader& a() { return a_; }
  [[nodiscard]] RowReader& b() { return b_; }

 private:
  struct Types {
    std::vector<schema::PropertyType> a, b;
  };
  RowComparer(TableViewPtr a, TableViewPtr b, std::vector<PropertyPair> properties, Types types)
      : a_(std::move(a)), b_(std::move(b)), properties_(std::move(properties)), types_(std::move(types)) {}

  RowReader a_, b_;
  std::vector<PropertyPair> properties_;
  Types types_;
};

}  // namespace omnigraph::graph
