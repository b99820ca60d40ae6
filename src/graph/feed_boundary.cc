#include "graph/feed_boundary.h"

#include <algorithm>
#include <map>

#include "graph/table_diff.h"

namespace omnigraph::graph {
namespace {

// The text alone tells nothing: what was dropped and added again is another property of the same name.
bool same_identities(const RecordSchema& a, const RecordSchema& b) {
  const auto same_property = [](const PropertyIdentity& one, const PropertyIdentity& other) {
    return one.name == other.name && one.id == other.id;
  };
  const auto same_type = [&](const TypeIdentity& one, const TypeIdentity& other) {
    return one.table_key == other.table_key && one.id == other.id &&
           std::ranges::equal(one.properties, other.properties, same_property);
  };
  return a.digest == b.digest && std::ranges::equal(a.types, b.types, same_type);
}

bool has_rows(const Snapshot& snapshot, schema::TypeRef type) {
  const auto found = snapshot.record().tables.find(snapshot.catalog()->table_key(type));
  return found != snapshot.record().tables.end() && found->second.rows != 0;
}

// What a stored value can be; an enum is a string and a null fits everywhere.
struct StorageType {
  schema::ScalarType scalar = schema::ScalarType::kString;
  bool list = false;
  std::uint32_t vector_dimension = 0;
  friend bool operator==(const StorageType&, const StorageType&) = default;
};

std::map<std::string, StorageType> properties_by_identity(const Snapshot& snapshot, schema::TypeRef type) {
  std::map<std::string, StorageType> types;
  const TypeIdentity* identity = snapshot.record().schema.find(snapshot.catalog()->table_key(type));
  if (identity == nullptr) return types;
  for (const schema::Property& property : snapshot.catalog()->properties_of(type)) {
    const auto named = std::ranges::find(identity->properties, property.name, &PropertyIdentity::name);
    if (named == identity->properties.end()) continue;
    types[named->id] = {property.type.scalar, property.type.list, property.type.vector_dimension};
  }
  return types;
}

}  // namespace

std::optional<std::string> schema_boundary(const Snapshot& before, const Snapshot& after) {
  if (same_identities(before.record().schema, after.record().schema)) return std::nullopt;
  for (const TypePair& pair : pair_types(before, after, false)) {
    const bool differs =
        pair.before && pair.after
            ? properties_by_identity(before, *pair.before) != properties_by_identity(after, *pair.after)
            : (pair.before ? has_rows(before, *pair.before) : has_rows(after, *pair.after));
    if (!differs) continue;
    return pair.after ? after.catalog()->name_of(*pair.after) : before.catalog()->name_of(*pair.before);
  }
  return std::nullopt;
}

}  // namespace omnigraph::graph
