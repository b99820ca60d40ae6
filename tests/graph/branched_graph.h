// A graph on a memory store for tests that compare states of several branches: short ways to write rows, and whole
// states as text.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "columnar/builder.h"
#include "columnar/scalar.h"
#include "graph/row_equal.h"
#include "graph/store.h"

namespace omnigraph::graph::testing {

// One row: id, for edges source and destination, then the properties in declared order. A Blob is a text: `b:..` the
// managed payload, `u:..` an external URI.
using Value = columnar::Scalar;
using Row = std::vector<Value>;

inline Value text(std::string value) { return {std::move(value)}; }
inline Value number(std::int64_t value) { return {value}; }

// type key -> id -> everything else as text
using Entities = std::map<std::string, std::string>;
using GraphState = std::map<std::string, Entities>;

inline void append_value(columnar::ArrayBuilder& column, const Value& value) {
  if (value.is_null()) return column.append_null();
  if (column.type().id != columnar::TypeId::kStruct) return column.append_scalar(value);
  const std::string& blob = std::get<std::string>(value.value);
  const bool managed = blob.starts_with("b:");
  for (std::size_t c = 0; c < column.type().child_count(); ++c) {
    const std::string& name = column.type().child(c).name;
    columnar::ArrayBuilder& child = column.child(c);
    if (managed && name == "sha256") {
      child.append_string("sum of " + blob);
    } else if (managed && name == "size") {
      child.append_value<std::uint64_t>(blob.size() - 2);
    } else if (managed && name == "data") {
      child.append_string(blob.substr(2));
    } else if (!managed && name == "uri") {
      child.append_string(blob.substr(2));
    } else {
      child.append_null();
    }
  }
  column.close_struct();
}

inline std::shared_ptr<const StagedRows> staged_rows(const schema::Catalog& catalog, schema::TypeRef type,
                                                     const std::vector<Row>& rows) {
  auto staged = std::make_shared<StagedRows>(catalog, type);
  columnar::Batch batch;
  batch.fields = staged->fields();
  batch.length = static_cast<std::int64_t>(rows.size());
  for (std::size_t c = 0; c < staged->fields().size(); ++c) {
    columnar::ArrayBuilder column(staged->fields()[c].type);
    for (const Row& row : rows) append_value(column, row.at(c));
    batch.columns.push_back(column.finish());
  }
  EXPECT_TRUE(staged->append(std::move(batch)));
  return staged;
}

inline schema::TypeRef node_type(const Snapshot& snapshot, std::string_view name) {
  return {schema::EntityKind::kNode, snapshot.catalog()->find_node(name).value()};
}
inline schema::TypeRef edge_type(const Snapshot& snapshot, std::string_view name) {
  return {schema::EntityKind::kEdge, snapshot.catalog()->find_edge(name).value()};
}

inline void append_cell(std::string& out, const columnar::Array& array, std::int64_t i) {
  if (array.type().id != columnar::TypeId::kStruct || array.is_null(i)) {
    columnar::append_json(out, array, i);
    return;
  }
  out.push_back('{');
  for (std::size_t c = 0; c < array.child_count(); ++c) {
    columnar::append_json(out, *array.child(c), i);
    out.push_back(',');
  }
  out.push_back('}');
}

// Everything but the id, read column by column of the whole view.
inline std::string entity_text(const TableView& view, std::size_t properties, Ordinal o) {
  std::string out;
  if (view.type().kind == schema::EntityKind::kEdge) {
    for (const auto& column : {view.sources().value(), view.destinations().value()}) {
      const auto place = column->locate(o);
      out.append(column->chunk(place.chunk)->string_value(place.index)).append(">");
    }
  }
  for (std::size_t p = 0; p < properties; ++p) {
    const auto column = view.property(p).value();
    const auto place = column->locate(o);
    append_cell(out, *column->chunk(place.chunk), place.index);
    out.push_back(' ');
  }
  return out;
}

inline Entities entities_of(const Snapshot& snapshot, schema::TypeRef type) {
  Entities entities;
  const TableViewPtr view = snapshot.table(type).value();
  const std::size_t properties = snapshot.catalog()->properties_of(type).size();
  const auto ids = view->ids().value();
  for (Ordinal o = 0; o < view->physical_rows(); ++o) {
    if (view->is_deleted(o)) continue;
    const auto place = ids->locate(o);
    const bool fresh =
        entities
            .emplace(std::string(ids->chunk(place.chunk)->string_value(place.index)), entity_text(*view, properties, o))
            .second;
    EXPECT_TRUE(fresh) << "an id occurs twice";
  }
  return entities;
}

inline GraphState graph_state(const Snapshot& snapshot) {
  GraphState state;
  const schema::Catalog& catalog = *snapshot.catalog();
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) {
    const schema::TypeRef type{schema::EntityKind::kNode, i};
    state[catalog.table_key(type)] = entities_of(snapshot, type);
  }
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
    const schema::TypeRef type{schema::EntityKind::kEdge, i};
    state[catalog.table_key(type)] = entities_of(snapshot, type);
  }
  return state;
}

class BranchedGraph {
 public:
  explicit BranchedGraph(std::string_view schema,
                         std::shared_ptr<objectstore::ObjectStore> store = objectstore::make_memory_store())
      : store_(std::move(store)) {
    auto graph = GraphStore::init(store_, schema, std::nullopt, {.background_settle = false});
    EXPECT_TRUE(graph) << graph.error().render();
    graph_ = *graph;
  }

  GraphStore& operator*() { return *graph_; }
  GraphStore* operator->() { return graph_.get(); }
  const std::shared_ptr<objectstore::ObjectStore>& store() const { return store_; }

  SnapshotPtr head(std::string_view branch) {
    auto snapshot = graph_->head(branch);
    EXPECT_TRUE(snapshot) << snapshot.error().render();
    return *snapshot;
  }
  GraphState state(std::string_view branch) { return graph_state(*head(branch)); }

  struct Put {
    std::string type;  // node:T or edge:E
    std::vector<Row> rows;
  };
  struct Change {
    std::vector<Put> puts{};
    std::vector<std::pair<std::string, std::string>> removed{};  // type key, id
    bool replace = false;                                        // each type put to gets exactly these rows
  };
  Result<WriteOutcome> write(std::string_view branch, const Change& change, PutMode mode = PutMode::kMerge) {
    WriteOptions options;
    options.branch = branch;
    return graph_->write(options, [&](WriteTransaction& transaction) -> Result<void> {
      const Snapshot& base = *transaction.base();
      for (const Put& put : change.puts) {
        const schema::TypeRef type = type_of(base, put.type);
        if (change.replace) transaction.replace_all(type);
        transaction.put(staged_rows(*base.catalog(), type, put.rows), mode, false);
      }
      for (const auto& [key, id] : change.removed) {
        const schema::TypeRef type = type_of(base, key);
        OG_ASSIGN_OR_RETURN(const TableViewPtr view, base.table(type));
        OG_ASSIGN_OR_RETURN(const Ordinal o, view->find(id));
        if (o != kNoOrdinal) transaction.remove(type, std::vector<Ordinal>{o});
      }
      return {};
    });
  }
  Result<WriteOutcome> put(std::string_view branch, std::string type, std::vector<Row> rows) {
    return write(branch, {.puts = {{std::move(type), std::move(rows)}}});
  }
  Result<WriteOutcome> remove(std::string_view branch, std::string type, std::string id) {
    return write(branch, {.removed = {{std::move(type), std::move(id)}}});
  }

  static schema::TypeRef type_of(const Snapshot& snapshot, const std::string& key) {
    const std::string name = key.substr(5);
    return key.starts_with("node:") ? node_type(snapshot, name) : edge_type(snapshot, name);
  }

 private:
  std::shared_ptr<objectstore::ObjectStore> store_;
  std::shared_ptr<GraphStore> graph_;
};

}  // namespace omnigraph::graph::testing
