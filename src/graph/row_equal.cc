#include "graph/row_equal.h"

#include <algorithm>

#include "columnar/kernels.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

const columnar::Array* child(const columnar::Array& blob, std::string_view name) {
  for (std::size_t c = 0; c < blob.child_count(); ++c) {
    if (blob.type().child(c).name == name) return blob.child(c).get();
  }
  return nullptr;
}

bool same_child(const Cell& a, const Cell& b, std::string_view name) {
  const columnar::Array* left = child(*a.array, name);
  const columnar::Array* right = child(*b.array, name);
  if (left == nullptr || right == nullptr) return left == right;
  return columnar::equal_at(*left, a.index, *right, b.index);
}

// Where the bytes lie (inside the row, in an object of which name) is no part of a blob's value.
bool equal_blobs(const Cell& a, const Cell& b) {
  if (a.array->is_null(a.index) || b.array->is_null(b.index)) {
    return a.array->is_null(a.index) && b.array->is_null(b.index);
  }
  const columnar::Array* uri_a = child(*a.array, "uri");
  const columnar::Array* uri_b = child(*b.array, "uri");
  const bool external_a = uri_a != nullptr && uri_a->is_valid(a.index);
  const bool external_b = uri_b != nullptr && uri_b->is_valid(b.index);
  if (external_a || external_b) {
    return external_a && external_b && uri_a->string_value(a.index) == uri_b->string_value(b.index);
  }
  return same_child(a, b, "sha256") && same_child(a, b, "size");
}

std::vector<schema::PropertyType> types_of(const Snapshot& snapshot, schema::TypeRef type) {
  std::vector<schema::PropertyType> types;
  for (const schema::Property& property : snapshot.catalog()->properties_of(type)) types.push_back(property.type);
  return types;
}

// Stable identity of each property, in catalog order.
std::vector<std::string> identities_of(const Snapshot& snapshot, schema::TypeRef type) {
  const TypeIdentity* identity = snapshot.record().schema.find(snapshot.catalog()->table_key(type));
  std::vector<std::string> ids;
  for (const schema::Property& property : snapshot.catalog()->properties_of(type)) {
    ids.push_back(property.name);  // Every property has an identity; a name stands for itself in a damaged record.
    if (identity == nullptr) continue;
    for (const PropertyIdentity& known : identity->properties) {
      if (known.name == property.name) ids.back() = known.id;
    }
  }
  return ids;
}

}  // namespace

RowReader::RowReader(TableViewPtr view) : view_(std::move(view)) {
  const std::size_t count = view_->manifest().fragments.size();
  starts_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) starts_.push_back(view_->fragment_start(i));
  fragments_.resize(count);
}

std::size_t RowReader::fragment_of(Ordinal o) const {
  // Of several fragments with one start all but the last are empty.
  return static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), o) - starts_.begin()) - 1;
}

Cell RowReader::cell(const columnar::ChunkedArray& column, Ordinal position) const {
  const auto place = column.locate(position);
  return {column.chunk(place.chunk).get(), place.index};
}

Result<Cell> RowReader::system(std::size_t column, Ordinal o) {
  const std::size_t i = fragment_of(o);
  std::vector<ColumnPtr>& columns = fragments_[i].system;
  if (columns.size() <= column) columns.resize(column + 1);
  if (columns[column] == nullptr) {
    OG_ASSIGN_OR_RETURN(columns[column], view_->fragment_system(i, column));
  }
  return cell(*columns[column], o - starts_[i]);
}

Result<Cell> RowReader::property(std::size_t index, Ordinal o) {
  const std::size_t i = fragment_of(o);
  std::vector<ColumnPtr>& columns = fragments_[i].properties;
  if (columns.size() <= index) columns.resize(index + 1);
  if (columns[index] == nullptr) {
    OG_ASSIGN_OR_RETURN(columns[index], view_->fragment_property(i, index));
  }
  return cell(*columns[index], o - starts_[i]);
}

Result<std::string_view> RowReader::text(std::size_t system_column, Ordinal o) {
  OG_ASSIGN_OR_RETURN(const Cell found, system(system_column, o));
  return found.array->string_value(found.index);
}

void RowReader::open_together(const std::vector<std::size_t>& fragments) {
  if (fragments.size() < 2) return;
  (void)parallel_io(fragments.size(), [&](std::size_t at) -> Result<void> {
    (void)view_->fragment_system(fragments[at], kId);
    return {};
  });
}

std::vector<PropertyPair> pair_properties(const Snapshot& a, schema::TypeRef type_a, const Snapshot& b,
                                          schema::TypeRef type_b) {
  const std::vector<std::string> ids_a = identities_of(a, type_a);
  const std::vector<std::string> ids_b = identities_of(b, type_b);
  std::vector<PropertyPair> pairs;
  for (std::size_t i = 0; i < ids_a.size(); ++i) {
    const auto found = std::find(ids_b.begin(), ids_b.end(), ids_a[i]);
    PropertyPair pair{.a = i, .b = std::nullopt};
    if (found != ids_b.end()) pair.b = static_cast<std::size_t>(found - ids_b.begin());
    pairs.push_back(pair);
  }
  for (std::size_t i = 0; i < ids_b.size(); ++i) {
    if (std::find(ids_a.begin(), ids_a.end(), ids_b[i]) == ids_a.end()) {
      pairs.push_back({.a = std::nullopt, .b = i});
    }
  }
  return pairs;
}

bool equal_cells(const schema::PropertyType& type, const Cell& a, const Cell& b) {
  if (type.is_blob()) return equal_blobs(a, b);
  return columnar::equal_at(*a.array, a.index, *b.array, b.index);
}

Result<RowComparer> RowComparer::open(const Snapshot& a, schema::TypeRef type_a, const Snapshot& b,
                                      schema::TypeRef type_b) {
  OG_ASSIGN_OR_RETURN(TableViewPtr view_a, a.table(type_a));
  OG_ASSIGN_OR_RETURN(TableViewPtr view_b, b.table(type_b));
  return RowComparer(std::move(view_a), std::move(view_b), pair_properties(a, type_a, b, type_b),
                     {.a = types_of(a, type_a), .b = types_of(b, type_b)});
}

Result<bool> RowComparer::property_equal(const PropertyPair& pair, Ordinal a, Ordinal b) {
  std::optional<Cell> left, right;
  if (pair.a) {
    OG_ASSIGN_OR_RETURN(left, a_.property(*pair.a, a));
  }
  if (pair.b) {
    OG_ASSIGN_OR_RETURN(right, b_.property(*pair.b, b));
  }
  const bool null_a = !left || left->array->is_null(left->index);
  const bool null_b = !right || right->array->is_null(right->index);
  if (null_a || null_b) return null_a && null_b;
  // A property that changed its type: values of different types are different values.
  const schema::PropertyType& type = types_.a[*pair.a];
  if (schema::column_type(type) != schema::column_type(types_.b[*pair.b])) return false;
  return equal_cells(type, *left, *right);
}

Result<bool> RowComparer::endpoints_equal(Ordinal a, Ordinal b) {
  if (a_.view()->type().kind != schema::EntityKind::kEdge) return true;
  for (const std::size_t column : {RowReader::kSource, RowReader::kDestination}) {
    OG_ASSIGN_OR_RETURN(const std::string_view left, a_.text(column, a));
    OG_ASSIGN_OR_RETURN(const std::string_view right, b_.text(column, b));
    if (left != right) return false;
  }
  return true;
}

Result<bool> RowComparer::equal(Ordinal a, Ordinal b) {
  OG_ASSIGN_OR_RETURN(const bool endpoints, endpoints_equal(a, b));
  if (!endpoints) return false;
  for (const PropertyPair& pair : properties_) {
    OG_ASSIGN_OR_RETURN(const bool same, property_equal(pair, a, b));
    if (!same) return false;
  }
  return true;
}

}  // namespace omnigraph::graph
