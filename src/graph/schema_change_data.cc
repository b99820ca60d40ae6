#include "graph/schema_change_data.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/hash.h"
#include "columnar/kernels.h"
#include "graph/carry_column.h"
#include "graph/unique_index.h"
#include "schema/value_check.h"

namespace omnigraph::graph {
namespace {

using columnar::ArrayPtr;
using columnar::ChunkedArray;

// Violations keep the first ids only, however many there are.
class ViolationList {
 public:
  explicit ViolationList(std::shared_ptr<const ChunkedArray> ids) : ids_(std::move(ids)) {}
  void add(Ordinal ordinal) {
    const auto place = ids_->locate(ordinal);
    add(ids_->chunk(place.chunk)->string_value(place.index));
  }
  void add(std::string_view id) {
    constexpr std::size_t kShown = 3;
    ++count_;
    if (first_.size() == kShown && id >= *first_.rbegin()) return;
    first_.emplace(id);
    if (first_.size() > kShown) first_.erase(std::prev(first_.end()));
  }
  [[nodiscard]] schema::Violations take() const { return {count_, {first_.begin(), first_.end()}}; }

 private:
  std::shared_ptr<const ChunkedArray> ids_;
  std::uint64_t count_ = 0;
  std::set<std::string, std::less<>> first_;
};

// System columns of TableView::fragment_system.
constexpr std::size_t kSourceColumn = 1;
constexpr std::size_t kDestinationColumn = 2;

Result<ArrayPtr> unique_column(const TableView& view, std::size_t fragment, const schema::UniqueColumn& column) {
  std::shared_ptr<const ChunkedArray> values;
  if (column.kind == schema::UniqueColumn::Kind::kProperty) {
    OG_ASSIGN_OR_RETURN(values, view.fragment_property(fragment, column.property));
  } else {
    const bool source = column.kind == schema::UniqueColumn::Kind::kSource;
    OG_ASSIGN_OR_RETURN(values, view.fragment_system(fragment, source ? kSourceColumn : kDestinationColumn));
  }
  return columnar::combine(*values);
}

}  // namespace

Result<std::uint64_t> SnapshotMigrationData::entities(schema::TypeRef type) {
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot_.table(type));
  return view->live_rows();
}

Result<schema::Violations> SnapshotMigrationData::check_values(schema::TypeRef type, std::size_t property,
                                                               const schema::Property& rule,
                                                               const schema::TypeConstraints& constraints) {
  const schema::Catalog& catalog = *snapshot_.catalog();
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot_.table(type));
  OG_ASSIGN_OR_RETURN(auto ids, view->ids());
  ViolationList violations(std::move(ids));
  const schema::PropertyType& stored = catalog.properties_of(type)[property].type;
  const schema::TypeValueChecker checker(catalog.name_of(type), {rule}, constraints);
  const schema::ValueCheckOptions options{.nulls = !rule.type.nullable, .finite = false};
  for (std::size_t i = 0; i < view->manifest().fragments.size(); ++i) {
    OG_ASSIGN_OR_RETURN(const auto values, view->fragment_property(i, property));
    for (std::size_t c = 0; c < values->chunk_count(); ++c) {
      const std::int64_t start = std::int64_t{view->fragment_start(i)} + values->chunk_start(c);
      const ArrayPtr carried = carry_column(values->chunk(c), stored, rule.type);
      std::int64_t last = -1;
      checker.for_each_violation(0, *carried, options, [&](const schema::ValueViolation& violation) {
        const auto ordinal = static_cast<Ordinal>(start + violation.row);
        if (violation.row != last && !view->is_deleted(ordinal)) violations.add(ordinal);
        last = violation.row;
        return true;
      });
    }
  }
  return violations.take();
}

Result<schema::Violations> SnapshotMigrationData::check_unique(schema::TypeRef type,
                                                               const std::vector<schema::UniqueColumn>& columns) {
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot_.table(type));
  struct Row {
    base::Hash128 tuple;
    Ordinal ordinal;
  };
  std::vector<Row> rows;
  TupleHasher hasher;
  for (std::size_t i = 0; i < view->manifest().fragments.size(); ++i) {
    if (view->manifest().fragments[i].physical_rows == 0) continue;
    std::vector<ArrayPtr> arrays;
    std::vector<const columnar::Array*> pointers;
    for (const schema::UniqueColumn& column : columns) {
      OG_ASSIGN_OR_RETURN(ArrayPtr values, unique_column(*view, i, column));
      pointers.push_back(values.get());
      arrays.push_back(std::move(values));
    }
    for (std::int64_t row = 0; row < arrays.front()->length(); ++row) {
      const auto ordinal = static_cast<Ordinal>(std::int64_t{view->fragment_start(i)} + row);
      if (view->is_deleted(ordinal)) continue;
      if (const auto tuple = hasher.hash(pointers, row)) rows.push_back({*tuple, ordinal});
    }
  }
  const auto key = [](const Row& row) { return std::pair(row.tuple.low, row.tuple.high); };
  std::ranges::sort(rows, {}, key);
  OG_ASSIGN_OR_RETURN(auto ids, view->ids());
  ViolationList violations(std::move(ids));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool shared =
        (i > 0 && key(rows[i - 1]) == key(rows[i])) || (i + 1 < rows.size() && key(rows[i + 1]) == key(rows[i]));
    if (shared) violations.add(rows[i].ordinal);
  }
  return violations.take();
}

Result<schema::Violations> SnapshotMigrationData::check_cardinality(schema::TypeRef edge, std::uint32_t min,
                                                                    std::uint32_t max) {
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot_.table(edge));
  OG_ASSIGN_OR_RETURN(const auto sources, view->sources());
  std::unordered_map<std::string_view, std::uint64_t> edges;
  for (std::size_t c = 0; c < sources->chunk_count(); ++c) {
    const columnar::Array& chunk = *sources->chunk(c);
    for (std::int64_t row = 0; row < chunk.length(); ++row) {
      if (!view->is_deleted(static_cast<Ordinal>(sources->chunk_start(c) + row))) ++edges[chunk.string_value(row)];
    }
  }
  ViolationList violations(nullptr);
  for (const auto& [source, count] : edges) {
    if (count < min || (max != schema::kUnbounded && count > max)) violations.add(source);
  }
  return violations.take();
}

}  // namespace omnigraph::graph
