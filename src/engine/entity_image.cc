#include "engine/entity_image.h"

#include <algorithm>
#include <numeric>

#include "base/json_writer.h"
#include "base/text.h"
#include "columnar/image_json.h"
#include "columnar/scalar.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kSourceColumn = 1;  // numbering of TableView::fragment_system
constexpr std::size_t kDestinationColumn = 2;

// Struct of nullable children sha256, size, data, object, uri, start, length (chapter 09 section 6).
Result<void> append_blob(std::string& out, const columnar::Array& blob, std::int64_t i,
                         objectstore::ObjectStore& blobs) {
  const auto child = [&](std::string_view name) -> const columnar::Array* {
    for (std::size_t c = 0; c < blob.type().child_count(); ++c) {
      if (blob.type().child(c).name == name && blob.child(c)->is_valid(i)) return blob.child(c).get();
    }
    return nullptr;
  };
  if (!blob.is_valid(i)) {
    out.append("null");
  } else if (const auto* uri = child("uri")) {
    base::append_json_string(out, uri->string_value(i));
  } else if (const auto* data = child("data")) {
    out.append("\"base64:").append(base::base64_encode(data->string_value(i))).push_back('"');
  } else if (const auto* object = child("object")) {
    OG_ASSIGN_OR_RETURN(const Buffer bytes, blobs.get(object->string_value(i)));
    out.append("\"base64:").append(base::base64_encode(bytes.text())).push_back('"');
  } else {
    out.append("null");
  }
  return {};
}

}  // namespace

Result<bool> append_property_json(std::string& out, const schema::Property& property, const columnar::Array& column,
                                  std::int64_t i, objectstore::ObjectStore& blobs, NonFinite non_finite) {
  if (property.type.is_blob()) {
    OG_RETURN_IF_ERROR(append_blob(out, column, i, blobs));
    return true;
  }
  if (non_finite == NonFinite::kRefuse) return columnar::append_export_json(out, column, i);
  columnar::append_image_json(out, column, i);
  return true;
}

std::vector<std::size_t> properties_by_name(const schema::Catalog& catalog, schema::TypeRef type) {
  const auto& properties = catalog.properties_of(type);
  std::vector<std::size_t> by_name(properties.size());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  std::ranges::sort(by_name, {}, [&](std::size_t i) -> const std::string& { return properties[i].name; });
  return by_name;
}

EntityImages::EntityImages(graph::SnapshotPtr snapshot, schema::TypeRef type, graph::TableViewPtr table,
                           objectstore::ObjectStore& blobs)
    : snapshot_(std::move(snapshot)),
      type_(type),
      table_(std::move(table)),
      blobs_(&blobs),
      by_name_(properties_by_name(*snapshot_->catalog(), type)),
      fragments_(table_->manifest().fragments.size()) {}

Result<EntityImages> EntityImages::open(graph::SnapshotPtr snapshot, schema::TypeRef type,
                                        objectstore::ObjectStore& blobs) {
  OG_ASSIGN_OR_RETURN(graph::TableViewPtr table, snapshot->table(type));
  return EntityImages(std::move(snapshot), type, std::move(table), blobs);
}

std::size_t EntityImages::fragment_of(graph::Ordinal ordinal) const {
  OG_CHECK(ordinal < table_->physical_rows());
  std::size_t low = 0;  // invariant: the fragment lies in [low, high)
  std::size_t high = fragments_.size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (table_->fragment_start(middle) <= ordinal ? low : high) = middle;
  }
  return low;
}

Result<void> EntityImages::append(std::string& out, graph::Ordinal ordinal) {
  const std::size_t at = fragment_of(ordinal);
  const auto row = static_cast<std::int64_t>(ordinal - table_->fragment_start(at));
  FragmentColumns& columns = fragments_[at];
  columns.properties.resize(by_name_.size());
  const auto& properties = snapshot_->catalog()->properties_of(type_);
  out.append("{\"properties\":{");
  bool first = true;
  for (const std::size_t index : by_name_) {
    ColumnPtr& column = columns.properties[index];
    if (column == nullptr) {
      OG_ASSIGN_OR_RETURN(column, table_->fragment_property(at, index));
    }
    if (!first) out.push_back(',');
    first = false;
    base::append_json_string(out, properties[index].name);
    out.push_back(':');
    const auto place = column->locate(row);
    OG_RETURN_IF_ERROR(append_property_json(out, properties[index], *column->chunk(place.chunk), place.index, *blobs_,
                                            NonFinite::kText));
  }
  out.push_back('}');
  if (type_.kind == schema::EntityKind::kEdge) {
    out.append(",\"endpoints\":{\"from\":");
    OG_RETURN_IF_ERROR(append_endpoint(out, columns.sources, at, kSourceColumn, row));
    out.append(",\"to\":");
    OG_RETURN_IF_ERROR(append_endpoint(out, columns.destinations, at, kDestinationColumn, row));
    out.push_back('}');
  }
  out.push_back('}');
  return {};
}

Result<void> EntityImages::append_endpoint(std::string& out, ColumnPtr& column, std::size_t fragment,
                                           std::size_t system_column, std::int64_t row) {
  if (column == nullptr) {
    OG_ASSIGN_OR_RETURN(column, table_->fragment_system(fragment, system_column));
  }
  const auto place = column->locate(row);
  base::append_json_string(out, column->chunk(place.chunk)->string_value(place.index));
  return {};
}

Result<std::string> EntityImages::image(graph::Ordinal ordinal) {
  std::string out;
  OG_RETURN_IF_ERROR(append(out, ordinal));
  return out;
}

}  // namespace omnigraph::engine
