// A graph on a memory store and short ways to write rows into it and to read them back.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/builder.h"
#include "columnar/scalar.h"
#include "graph/prepare.h"
#include "graph/store.h"

namespace omnigraph::graph {

using Value = columnar::Scalar;
using Row = std::vector<Value>;

inline Value null() { return {}; }
inline Value text(std::string value) { return {std::move(value)}; }
inline Value number(std::int64_t value) { return {value}; }
inline Value real(double value) { return {value}; }
inline Value day(std::int32_t days) { return {columnar::DateValue{days}}; }

// "c" and 7 give c7.
inline std::string numbered(std::string_view prefix, std::uint64_t index) {
  std::string name(prefix);
  return name.append(std::to_string(index));
}

class PrepareTest : public ::testing::Test {
 protected:
  void open(std::string_view schema) {
    memory_ = objectstore::make_memory_store();
    auto graph = GraphStore::init(memory_, schema, std::nullopt, without_background());
    ASSERT_TRUE(graph) << graph.error().render();
    graph_ = *graph;
  }

  SnapshotPtr head() {
    auto snapshot = graph_->head("main");
    EXPECT_TRUE(snapshot) << snapshot.error().render();
    return *snapshot;
  }

  schema::TypeRef node(std::string_view name) {
    return {schema::EntityKind::kNode, head()->catalog()->find_node(name).value()};
  }
  schema::TypeRef edge(std::string_view name) {
    return {schema::EntityKind::kEdge, head()->catalog()->find_edge(name).value()};
  }

  // Values as staged_fields() says: id, for edges src and dst, then the properties in declared order.
  std::shared_ptr<StagedRows> staged(schema::TypeRef type, const std::vector<Row>& rows) {
    const SnapshotPtr snapshot = head();
    auto result = std::make_shared<StagedRows>(*snapshot->catalog(), type);
    columnar::Batch batch;
    batch.length = static_cast<std::int64_t>(rows.size());
    for (std::size_t c = 0; c < result->fields().size(); ++c) {
      columnar::ArrayBuilder column(result->fields()[c].type);
      for (const Row& row : rows) {
        EXPECT_EQ(row.size(), result->fields().size());
        if (row[c].is_null()) {
          column.append_null();
        } else {
          column.append_scalar(row[c]);
        }
      }
      batch.columns.push_back(column.finish());
    }
    EXPECT_TRUE(result->append(std::move(batch)));
    return result;
  }

  Result<WriteOutcome> write(const WriteBody& body) { return graph_->write(load_options(), body); }

  static StoreOptions without_background() {
    StoreOptions options;
    options.background_settle = false;
    return options;
  }
  static WriteOptions load_options() {
    WriteOptions options;
    options.kind = CommitKind::kLoad;
    return options;
  }

  struct Put {
    schema::TypeRef type;
    std::vector<Row> rows;
  };
  // One load of these rows.
  Result<WriteOutcome> load(PutMode mode, const std::vector<Put>& puts, bool replace = false) {
    return write([&](WriteTransaction& transaction) -> Result<void> {
      for (const Put& put : puts) {
        if (replace) transaction.replace_all(put.type);
        transaction.put(staged(put.type, put.rows), mode, false);
      }
      return {};
    });
  }
  Result<WriteOutcome> append(const std::vector<Put>& puts) { return load(PutMode::kAppend, puts); }
  Result<WriteOutcome> merge(const std::vector<Put>& puts) { return load(PutMode::kMerge, puts); }
  Result<WriteOutcome> overwrite(const std::vector<Put>& puts) { return load(PutMode::kAppend, puts, true); }

  Result<WriteOutcome> remove(const std::vector<std::pair<schema::TypeRef, std::string>>& entities) {
    return write([&](WriteTransaction& transaction) -> Result<void> {
      for (const auto& [type, id] : entities) {
        OG_ASSIGN_OR_RETURN(const auto table, transaction.base()->table(type));
        OG_ASSIGN_OR_RETURN(const Ordinal o, table->find(id));
        transaction.remove(type, std::vector<Ordinal>{o});
      }
      return {};
    });
  }

  static void expect_ok(const Result<WriteOutcome>& outcome) { ASSERT_TRUE(outcome) << outcome.error().render(); }
  static void expect_refused(const Result<WriteOutcome>& outcome, std::string_view message,
                             Code code = Code::kBadRequest) {
    ASSERT_FALSE(outcome) << "accepted; expected: " << message;
    EXPECT_EQ(outcome.error().message, message);
    EXPECT_EQ(outcome.error().code, code);
  }

  TableViewPtr table(schema::TypeRef type) {
    auto view = head()->table(type);
    EXPECT_TRUE(view) << view.error().render();
    return *view;
  }

  // Live rows as `id` or `id src>dst`, then the properties as JSON, in row order.
  std::vector<std::string> rows(schema::TypeRef type) {
    const TableViewPtr view = table(type);
    const std::size_t properties = head()->catalog()->properties_of(type).size();
    std::vector<std::string> lines;
    for (Ordinal o = 0; o < view->physical_rows(); ++o) {
      if (view->is_deleted(o)) continue;
      std::string line = text_at(**view->ids(), o);
      if (type.kind == schema::EntityKind::kEdge) {
        line.append(" ").append(text_at(**view->sources(), o)).append(">").append(text_at(**view->destinations(), o));
      }
      for (std::size_t p = 0; p < properties; ++p) {
        const auto column = *view->property(p);
        const auto place = column->locate(o);
        line += ' ';
        columnar::append_json(line, *column->chunk(place.chunk), place.index);
      }
      lines.push_back(line);
    }
    return lines;
  }

  static std::string text_at(const columnar::ChunkedArray& column, Ordinal o) {
    const auto place = column.locate(o);
    return std::string(column.chunk(place.chunk)->string_value(place.index));
  }

  std::uint64_t row_id(schema::TypeRef type, std::string_view id) {
    const TableViewPtr view = table(type);
    const auto o = view->find(id);
    EXPECT_TRUE(o && *o != kNoOrdinal) << id;
    return view->row_id(*o);
  }

  std::shared_ptr<objectstore::ObjectStore> memory_;
  std::shared_ptr<GraphStore> graph_;
};

}  // namespace omnigraph::graph
