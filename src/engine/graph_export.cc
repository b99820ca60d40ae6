// Export (chapter 03 section 3): NDJSON of one pinned snapshot, edge types first, rows by id.

#include "engine/export_rows.h"

#include <algorithm>

#include "base/json_writer.h"
#include "engine/entity_image.h"
#include "engine/graph_impl.h"

namespace omnigraph::engine {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;

struct ExportColumn {
  std::string name;
  const schema::Property* property = nullptr;  // null: the id
  ColumnPtr column;
};

// Live ordinals of a table in byte order of their ids.
std::vector<graph::Ordinal> ordinals_by_id(const graph::TableView& table, const columnar::ChunkedArray& ids) {
  std::vector<std::pair<std::string_view, graph::Ordinal>> rows;
  rows.reserve(table.live_rows());
  for (std::size_t c = 0; c < ids.chunk_count(); ++c) {
    const columnar::Array& chunk = *ids.chunk(c);
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      const auto ordinal = static_cast<graph::Ordinal>(ids.chunk_start(c) + i);
      if (!table.is_deleted(ordinal)) rows.emplace_back(chunk.string_value(i), ordinal);
    }
  }
  std::ranges::sort(rows);
  std::vector<graph::Ordinal> ordinals(rows.size());
  std::ranges::transform(rows, ordinals.begin(), [](const auto& row) { return row.second; });
  return ordinals;
}

class TypeExporter {
 public:
  TypeExporter(const graph::Snapshot& snapshot, schema::TypeRef type, objectstore::ObjectStore& store,
               const Graph::TextSink& sink)
      : snapshot_(snapshot), type_(type), store_(store), sink_(sink) {}

  Result<void> run() {
    OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, snapshot_.table(type_));
    OG_RETURN_IF_ERROR(open_columns(*table));
    for (const graph::Ordinal ordinal : ordinals_by_id(*table, *columns_.front().column)) {
      OG_RETURN_IF_ERROR(append_record(ordinal));
      if (piece_.size() >= kPieceBytes) {
        OG_RETURN_IF_ERROR(sink_(piece_));
        piece_.clear();
      }
    }
    return piece_.empty() ? Result<void>() : sink_(piece_);
  }

 private:
  Result<void> open_columns(const graph::TableView& table) {
    const bool edge = type_.kind == schema::EntityKind::kEdge;
    OG_ASSIGN_OR_RETURN(ColumnPtr ids, table.ids());
    columns_.push_back({"id", nullptr, std::move(ids)});
    if (edge) {
      OG_ASSIGN_OR_RETURN(sources_, table.sources());
      OG_ASSIGN_OR_RETURN(destinations_, table.destinations());
    }
    const auto& properties = snapshot_.catalog()->properties_of(type_);
    for (const std::size_t i : properties_by_name(*snapshot_.catalog(), type_)) {
      OG_ASSIGN_OR_RETURN(ColumnPtr column, table.property(i));
      columns_.push_back({properties[i].name, &properties[i], std::move(column)});
    }
    prefix_ = edge ? "{\"edge\":" : "{\"type\":";
    base::append_json_string(prefix_, snapshot_.catalog()->name_of(type_));
    return {};
  }

  static void append_endpoint(std::string& out, std::string_view name, const columnar::ChunkedArray& column,
                              graph::Ordinal ordinal) {
    const auto place = column.locate(ordinal);
    out.append(",\"").append(name).append("\":");
    base::append_json_string(out, column.chunk(place.chunk)->string_value(place.index));
  }

  Result<void> append_record(graph::Ordinal ordinal) {
    piece_.append(prefix_);
    if (sources_) append_endpoint(piece_, "from", *sources_, ordinal);
    if (destinations_) append_endpoint(piece_, "to", *destinations_, ordinal);
    piece_.append(",\"data\":{");
    for (const ExportColumn& column : columns_) {
      if (column.property != nullptr) piece_.push_back(',');
      base::append_json_string(piece_, column.name);
      piece_.push_back(':');
      OG_RETURN_IF_ERROR(append_value(column, ordinal));
    }
    piece_.append("}}\n");
    return {};
  }

  Result<void> append_value(const ExportColumn& column, graph::Ordinal ordinal) {
    const auto place = column.column->locate(ordinal);
    const columnar::Array& array = *column.column->chunk(place.chunk);
    if (column.property == nullptr) {
      base::append_json_string(piece_, array.string_value(place.index));
      return {};
    }
    OG_ASSIGN_OR_RETURN(const bool written,
                        append_property_json(piece_, *column.property, array, place.index, store_, NonFinite::kRefuse));
    if (written) return {};
    return std::unexpected(internal_error("cannot export " + snapshot_.catalog()->name_of(type_) + "." + column.name +
                                          ": the value is not a finite number"));
  }

  const graph::Snapshot& snapshot_;
  const schema::TypeRef type_;
  objectstore::ObjectStore& store_;
  const Graph::TextSink& sink_;
  std::vector<ExportColumn> columns_;
  ColumnPtr sources_, destinations_;
  std::string prefix_;
  std::string piece_;
};

}  // namespace

Result<std::vector<schema::TypeRef>> exported_types(const schema::Catalog& catalog,
                                                    const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool known = catalog.find_node(name).has_value() ||
                       std::ranges::any_of(catalog.edges, [&](const auto& edge) { return edge.name == name; });
    if (!known) return std::unexpected(bad_request("unknown export type '" + name + "'"));
  }
  const auto wanted = [&](const std::string& name) {
    return names.empty() || std::ranges::find(names, name) != names.end();
  };
  std::vector<schema::TypeRef> types;
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
    if (wanted(catalog.edges[i].name)) types.push_back({schema::EntityKind::kEdge, i});
  }
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) {
    if (wanted(catalog.nodes[i].name)) types.push_back({schema::EntityKind::kNode, i});
  }
  return types;
}

Result<void> export_types(const graph::Snapshot& snapshot, const std::vector<schema::TypeRef>& types,
                          objectstore::ObjectStore& store, const Graph::TextSink& sink) {
  for (const schema::TypeRef type : types) OG_RETURN_IF_ERROR(TypeExporter(snapshot, type, store, sink).run());
  return {};
}

Result<void> GraphImpl::check_export(std::string_view branch, const std::vector<std::string>& types) {
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, head_of(branch));
  OG_RETURN_IF_ERROR(exported_types(*head->catalog(), types));
  return {};
}

Result<void> GraphImpl::export_rows(std::string_view branch, const std::vector<std::string>& types,
                                    const TextSink& sink) {
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, head_of(branch));
  OG_ASSIGN_OR_RETURN(const auto selected, exported_types(*head->catalog(), types));
  return export_types(*head, selected, store_->store(), sink);
}

}  // namespace omnigraph::engine
