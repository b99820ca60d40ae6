#include "base/hash.h"
#include "engine/blob.h"
#include "engine/graph_impl.h"
#include "engine/snapshot_of.h"
#include "graph/layout.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kEtagDigits = 32;

Result<schema::TypeRef> type_of(const schema::Catalog& catalog, const BlobSelector& selector) {
  const bool node = selector.kind == schema::EntityKind::kNode;
  const auto index = node ? catalog.find_node(selector.type) : catalog.find_edge(selector.type);
  if (index) return schema::TypeRef{selector.kind, *index};
  return std::unexpected(
      bad_request("unknown " + std::string(schema::kind_name(selector.kind)) + " type '" + selector.type + "'"));
}

Result<std::size_t> property_of(const schema::Catalog& catalog, schema::TypeRef type, const std::string& name) {
  const auto& properties = catalog.properties_of(type);
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if (properties[i].name != name) continue;
    if (properties[i].type.is_blob()) return i;
    return std::unexpected(bad_request("property '" + catalog.name_of(type) + "." + name + "' is not a Blob"));
  }
  return std::unexpected(bad_request("type '" + catalog.name_of(type) + "' has no property '" + name + "'"));
}

std::size_t fragment_of(const graph::TableView& table, graph::Ordinal ordinal) {
  std::size_t low = 0;  // invariant: the fragment lies in [low, high)
  std::size_t high = table.manifest().fragments.size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (table.fragment_start(middle) <= ordinal ? low : high) = middle;
  }
  return low;
}

// A valid child of a struct cell by its name; null: there is none.
const columnar::Array* child_of(const columnar::Array& cell, std::string_view name, std::int64_t i) {
  for (std::size_t c = 0; c < cell.type().child_count(); ++c) {
    if (cell.type().child(c).name == name && cell.child(c)->is_valid(i)) return cell.child(c).get();
  }
  return nullptr;
}

Error no_value(const BlobSelector& selector) {
  return not_found("property '" + selector.type + "." + selector.property + "' of '" + selector.id + "' is null");
}

}  // namespace

Result<BlobCell> read_blob_cell(Graph& graph, const BlobSelector& selector, const ReadTarget& target) {
  graph::GraphStore& store = graph.storage();
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr snapshot, snapshot_of(store, target));
  const schema::Catalog& catalog = *snapshot->catalog();
  OG_ASSIGN_OR_RETURN(const schema::TypeRef type, type_of(catalog, selector));
  OG_ASSIGN_OR_RETURN(const std::size_t property, property_of(catalog, type, selector.property));
  OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, snapshot->table(type));
  OG_ASSIGN_OR_RETURN(const graph::Ordinal ordinal, table->find(selector.id));
  if (ordinal == graph::kNoOrdinal) {
    return std::unexpected(not_found(std::string(schema::kind_name(selector.kind)) + " '" + selector.id +
                                     "' of type '" + selector.type + "' not found"));
  }
  const std::size_t fragment = fragment_of(*table, ordinal);
  OG_ASSIGN_OR_RETURN(const auto column, table->fragment_property(fragment, property));
  const auto place = column->locate(static_cast<std::int64_t>(ordinal - table->fragment_start(fragment)));
  const columnar::Array& array = *column->chunk(place.chunk);
  const std::int64_t i = place.index;
  if (!array.is_valid(i)) return std::unexpected(no_value(selector));
  BlobCell cell;
  cell.snapshot_ = snapshot->commit_id();
  cell.store_ = &store.store();
  if (const auto* uri = child_of(array, "uri", i)) {
    cell.uri_ = uri->string_value(i);
    cell.part_ = child_of(array, "start", i) != nullptr || child_of(array, "length", i) != nullptr;
    return cell;
  }
  if (const auto* data = child_of(array, "data", i)) {
    const std::string_view bytes = data->string_value(i);
    cell.data_ = Buffer(std::as_bytes(std::span(bytes)), column);
    cell.size_ = bytes.size();
  } else if (const auto* object = child_of(array, "object", i)) {
    cell.object_ = object->string_value(i);
    const auto* size = child_of(array, "size", i);
    if (size == nullptr) return std::unexpected(corrupt_object(cell.object_, "its row does not tell its size"));
    cell.size_ = size->value<std::uint64_t>(i);
  } else {
    return std::unexpected(no_value(selector));
  }
  if (const auto* digest = child_of(array, "sha256", i);
      digest != nullptr && digest->string_value(i).size() >= kEtagDigits) {
    cell.etag_ = digest->string_value(i).substr(0, kEtagDigits);
  } else {
    // A foreign writer left the digest out.
    OG_ASSIGN_OR_RETURN(const Buffer all, cell.read(0, cell.size_));
    cell.etag_ = base::sha256_hex(all.text()).substr(0, kEtagDigits);
  }
  return cell;
}

Result<Buffer> BlobCell::read(std::uint64_t offset, std::uint64_t size) const {
  OG_CHECK(!is_external() && offset + size <= size_);
  if (object_.empty()) return data_.slice(offset, size);
  auto bytes = store_->get(object_, objectstore::ByteRange{offset, size});
  if (!bytes && bytes.error().code == Code::kNotFound) return std::unexpected(corrupt_object(object_, "it is missing"));
  if (bytes && bytes->size() != size)
    return std::unexpected(corrupt_object(object_, "it is shorter than its row says"));
  return bytes;
}

}  // namespace omnigraph::engine
