// Rows of any schema as JSON texts, for tests that change schemas.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/builder.h"
#include "columnar/scalar.h"
#include "graph/staged_rows.h"
#include "graph/store.h"

namespace omnigraph::graph::testing {

using schema::EntityKind;
using schema::TypeRef;

// id -> property name -> JSON text; endpoints of edges under `src`, `dst`.
using Cells = std::map<std::string, std::string>;
using Rows = std::map<std::string, Cells>;

inline TypeRef type_of(const schema::Catalog& catalog, std::string_view name) {
  if (const auto node = catalog.find_node(name)) return {EntityKind::kNode, *node};
  if (const auto edge = catalog.find_edge(name)) return {EntityKind::kEdge, *edge};
  ADD_FAILURE() << "no type " << name;
  return {};
}

// A cell from its JSON text; "null" and absent cells are null.
inline void append_cell(columnar::ArrayBuilder& builder, const std::string& text) {
  using columnar::TypeId;
  if (text == "null") return builder.append_null();
  switch (builder.type().id) {
    case TypeId::kUtf8: return builder.append_string(std::string_view(text).substr(1, text.size() - 2));
    case TypeId::kBool: return builder.append_bool(text == "true");
    case TypeId::kInt32: return builder.append_value(static_cast<std::int32_t>(std::stol(text)));
    case TypeId::kInt64: return builder.append_value(static_cast<std::int64_t>(std::stoll(text)));
    case TypeId::kUint32: return builder.append_value(static_cast<std::uint32_t>(std::stoul(text)));
    case TypeId::kFloat32: return builder.append_value(std::stof(text));
    case TypeId::kFloat64: return builder.append_value(std::stod(text));
    case TypeId::kStruct:  // a Blob of these bytes
      builder.child(0).append_string(text);
      builder.child(1).append_value(static_cast<std::uint64_t>(text.size()));
      builder.child(2).append_string(text);
      for (std::size_t i = 3; i < 7; ++i) builder.child(i).append_null();
      return builder.close_struct();
    case TypeId::kList:
      for (const char c : text) {
        if (c >= '0' && c <= '9') append_cell(builder.child(0), std::string(1, c));
      }
      return builder.close_list();
    default: FAIL() << "no test values for this type";
  }
}

inline Result<WriteOutcome> put(GraphStore& graph, std::string_view type_name, const Rows& rows,
                                WriteOptions options = {}) {
  return graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    const schema::Catalog& catalog = *transaction.base()->catalog();
    const TypeRef type = type_of(catalog, type_name);
    auto staged = std::make_shared<StagedRows>(catalog, type);
    columnar::Batch batch{staged->fields(), {}, static_cast<std::int64_t>(rows.size())};
    for (const columnar::Field& field : staged->fields()) {
      columnar::ArrayBuilder builder(field.type);
      for (const auto& [id, cells] : rows) {
        const auto cell = cells.find(field.name);
        if (field.name == "id") {
          builder.append_string(id);
        } else if (field.name == "src" || field.name == "dst") {
          builder.append_string(cell->second);
        } else {
          append_cell(builder, cell == cells.end() ? "null" : cell->second);
        }
      }
      batch.columns.push_back(builder.finish());
    }
    OG_RETURN_IF_ERROR(staged->append(std::move(batch)));
    transaction.put(std::move(staged), PutMode::kMerge, false);
    return {};
  });
}

inline Result<std::string> cell_text(const columnar::ChunkedArray& column, Ordinal o) {
  const auto place = column.locate(o);
  const columnar::Array& array = *column.chunk(place.chunk);
  if (array.type().id == columnar::TypeId::kStruct) {
    return array.child(2)->is_null(place.index) ? std::string("null")
                                                : std::string(array.child(2)->string_value(place.index));
  }
  std::string text;
  columnar::append_json(text, array, place.index);
  return text;
}

inline Result<Rows> rows_of(const Snapshot& snapshot, std::string_view type_name) {
  const TypeRef type = type_of(*snapshot.catalog(), type_name);
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot.table(type));
  OG_ASSIGN_OR_RETURN(const auto ids, view->ids());
  Rows rows;
  for (Ordinal o = 0; o < view->physical_rows(); ++o) {
    if (view->is_deleted(o)) continue;
    const auto place = ids->locate(o);
    Cells& cells = rows[std::string(ids->chunk(place.chunk)->string_value(place.index))];
    const auto& properties = snapshot.catalog()->properties_of(type);
    for (std::size_t p = 0; p < properties.size(); ++p) {
      OG_ASSIGN_OR_RETURN(const auto values, view->property(p));
      OG_ASSIGN_OR_RETURN(cells[properties[p].name], cell_text(*values, o));
    }
    if (type.kind == EntityKind::kEdge) {
      OG_ASSIGN_OR_RETURN(const auto sources, view->sources());
      OG_ASSIGN_OR_RETURN(const auto destinations, view->destinations());
      const auto src = sources->locate(o), dst = destinations->locate(o);
      cells["src"] = std::string(sources->chunk(src.chunk)->string_value(src.index));
      cells["dst"] = std::string(destinations->chunk(dst.chunk)->string_value(dst.index));
    }
  }
  EXPECT_EQ(rows.size(), view->live_rows());
  return rows;
}

}  // namespace omnigraph::graph::testing
