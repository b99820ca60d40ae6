// Entities as JSON (chapter 03 sections 3 and 7.1): values as exports write them, whole entities as the images of
// change history. Errors: those of reading the tables and of the store.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/snapshot.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {

// What becomes of NaN and infinities, of which JSON has none.
enum class NonFinite : std::uint8_t {
  kText,    // the strings "NaN", "Infinity", "-Infinity"
  kRefuse,  // exports: the value cannot be written
};

// Appends one property's value: Date as days, DateTime as milliseconds, managed blobs as `base64:..`, external ones as
// their URI. False: a non-finite float under kRefuse. `blobs` is the graph's store, for payloads that lie apart.
[[nodiscard]] Result<bool> append_property_json(std::string& out, const schema::Property& property,
                                                const columnar::Array& column, std::int64_t i,
                                                objectstore::ObjectStore& blobs, NonFinite non_finite);

// Property indexes of a type by name, bytewise: the order in which JSON shows them.
[[nodiscard]] std::vector<std::size_t> properties_by_name(const schema::Catalog& catalog, schema::TypeRef type);

// Images of entities of one type at one snapshot. Columns are read fragment by fragment as rows ask for them, so few
// rows of a large table cost little. Thread safety: none.
class EntityImages {
 public:
  [[nodiscard]] static Result<EntityImages> open(graph::SnapshotPtr snapshot, schema::TypeRef type,
                                                 objectstore::ObjectStore& blobs);

  // {"properties":{every property by name},"endpoints"?:{"from","to"}}; endpoints of edges.
  [[nodiscard]] Result<void> append(std::string& out, graph::Ordinal ordinal);
  [[nodiscard]] Result<std::string> image(graph::Ordinal ordinal);

 private:
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  struct FragmentColumns {
    std::vector<ColumnPtr> properties;  // by property index; null: not read yet
    ColumnPtr sources, destinations;
  };
  EntityImages(graph::SnapshotPtr snapshot, schema::TypeRef type, graph::TableViewPtr table,
               objectstore::ObjectStore& blobs);
  [[nodiscard]] std::size_t fragment_of(graph::Ordinal ordinal) const;
  [[nodiscard]] Result<void> append_endpoint(std::string& out, ColumnPtr& column, std::size_t fragment,
                                             std::size_t system_column, std::int64_t row);

  graph::SnapshotPtr snapshot_;
  schema::TypeRef type_;
  graph::TableViewPtr table_;
  objectstore::ObjectStore* blobs_;
  std::vector<std::size_t> by_name_;
  std::vector<FragmentColumns> fragments_;
};

}  // namespace omnigraph::engine
