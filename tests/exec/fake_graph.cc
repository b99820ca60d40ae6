#include "tests/exec/fake_graph.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>

#include "base/date_time.h"
#include "base/json_writer.h"
#include "columnar/builder.h"
#include "columnar/scalar.h"
#include "graph/identity.h"
#include "query/compile.h"
#include "query/parameters.h"
#include "schema/parser.h"

namespace omnigraph::exec::testing {
namespace {

using columnar::Scalar;
using graph::kNoOrdinal;
using graph::Ordinal;
using nlohmann::json;
using schema::EntityKind;
using schema::ScalarType;
using schema::TypeRef;

struct Row {
  std::string id, source, destination;
  json data;
};

std::string drawn_id(std::string_view prefix, std::uint64_t number) {
  return std::string(prefix).append(std::to_string(number));
}

Scalar scalar_of_json(const json& value, const schema::PropertyType& type) {
  if (value.is_null()) return {};
  if (type.is_vector()) {
    columnar::FloatVector vector;
    for (const json& item : value) vector.push_back(item.get<float>());
    return {std::move(vector)};
  }
  if (type.list) {
    schema::PropertyType item_type = type;
    item_type.list = false;
    columnar::ScalarList list;
    for (const json& item : value) list.push_back(scalar_of_json(item, item_type));
    return {std::move(list)};
  }
  switch (type.scalar) {
    case ScalarType::kBool: return {value.get<bool>()};
    case ScalarType::kI32:
    case ScalarType::kI64: return {value.get<std::int64_t>()};
    case ScalarType::kU32:
    case ScalarType::kU64: return {value.get<std::uint64_t>()};
    case ScalarType::kF32: return {value.get<float>()};
    case ScalarType::kF64: return {value.get<double>()};
    case ScalarType::kDate: return {columnar::DateValue{base::parse_date(value.get<std::string>()).value()}};
    case ScalarType::kDateTime:
      return {columnar::DateTimeValue{base::parse_date_time(value.get<std::string>()).value()}};
    default: return {value.get<std::string>()};
  }
}

class FakeTable final : public graph::TableView {
 public:
  FakeTable(const schema::Catalog& catalog, TypeRef type, const std::vector<Row>& rows, std::size_t rows_per_fragment)
      : type_(type), physical_(static_cast<Ordinal>(rows.size())), live_(physical_) {
    const auto& properties = catalog.properties_of(type);
    static std::uint64_t file_number = 0;
    for (std::size_t p = 0; p < properties.size(); ++p) {
      lance::SchemaField field;
      field.name = properties[p].name;
      field.id = static_cast<std::int32_t>(p);
      manifest_.fields.push_back(field);
    }
    for (std::size_t begin = 0; begin < rows.size(); begin += rows_per_fragment) {
      lance::Fragment fragment;
      lance::DataFileEntry file;
      file.path = drawn_id("fake-", ++file_number);
      fragment.files.push_back(file);
      fragment.physical_rows = std::min(rows_per_fragment, rows.size() - begin);
      starts_.push_back(static_cast<Ordinal>(begin));
      manifest_.fragments.push_back(std::move(fragment));
    }
    const auto strings = [&](std::string Row::* member) {
      return chunked(columnar::utf8(), rows, rows_per_fragment,
                     [&](columnar::ArrayBuilder& b, const Row& row) { b.append_string(row.*member); });
    };
    ids_ = strings(&Row::id);
    sources_ = strings(&Row::source);
    destinations_ = strings(&Row::destination);
    for (const schema::Property& property : properties) {
      columns_.push_back(chunked(schema::column_type(property.type), rows, rows_per_fragment,
                                 [&](columnar::ArrayBuilder& b, const Row& row) {
                                   const auto it = row.data.find(property.name);
                                   if (it == row.data.end() || property.type.is_blob()) {
                                     b.append_null();
                                   } else {
                                     b.append_scalar(scalar_of_json(*it, property.type));
                                   }
                                 }));
    }
    for (Ordinal o = 0; o < physical_; ++o) by_id_[rows[o].id] = o;
    rows_ = &rows;
  }

  void remove(std::string_view id) {
    const Ordinal o = by_id_.at(std::string(id));
    if (deleted_.empty()) deleted_.assign((std::size_t{physical_} + 63) / 64, 0);
    deleted_[o >> 6] |= std::uint64_t{1} << (o & 63);
    by_id_.erase(std::string(id));
    --live_;
  }

  TypeRef type() const override { return type_; }
  Ordinal physical_rows() const override { return physical_; }
  Ordinal live_rows() const override { return live_; }
  std::span<const std::uint64_t> deleted_words() const override { return deleted_; }
  using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
  Result<ColumnPtr> property(std::size_t index) const override { return columns_.at(index); }
  Result<ColumnPtr> ids() const override { return ids_; }
  Result<ColumnPtr> sources() const override { return sources_; }
  Result<ColumnPtr> destinations() const override { return destinations_; }
  Result<ColumnPtr> source_rows() const override { return std::unexpected(internal_error("not faked")); }
  Result<ColumnPtr> destination_rows() const override { return std::unexpected(internal_error("not faked")); }
  std::uint64_t row_id(Ordinal o) const override { return 1000 + std::uint64_t{o}; }
  Ordinal ordinal_of_row(std::uint64_t row_id) const override { return static_cast<Ordinal>(row_id - 1000); }
  Result<Ordinal> find(std::string_view id) const override {
    const auto it = by_id_.find(std::string(id));
    return it == by_id_.end() ? kNoOrdinal : it->second;
  }
  Result<ColumnPtr> fragment_property(std::size_t, std::size_t) const override {
    return std::unexpected(internal_error("not faked"));
  }
  Result<ColumnPtr> fragment_system(std::size_t, std::size_t) const override {
    return std::unexpected(internal_error("not faked"));
  }
  const lance::Manifest& manifest() const override { return manifest_; }
  Ordinal fragment_start(std::size_t i) const override { return starts_[i]; }
  [[nodiscard]] const std::vector<Row>& rows() const { return *rows_; }

 private:
  template <class Append>
  static ColumnPtr chunked(const columnar::DataType& type, const std::vector<Row>& rows, std::size_t step,
                           Append&& append) {
    std::vector<columnar::ArrayPtr> chunks;
    for (std::size_t begin = 0; begin < rows.size(); begin += step) {
      columnar::ArrayBuilder builder(type);
      for (std::size_t i = begin; i < std::min(begin + step, rows.size()); ++i) append(builder, rows[i]);
      chunks.push_back(builder.finish());
    }
    return std::make_shared<const columnar::ChunkedArray>(type, std::move(chunks));
  }

  const TypeRef type_;
  const Ordinal physical_;
  Ordinal live_;
  std::vector<std::uint64_t> deleted_;
  ColumnPtr ids_, sources_, destinations_;
  std::vector<ColumnPtr> columns_;
  std::unordered_map<std::string, Ordinal> by_id_;
  lance::Manifest manifest_;
  std::vector<Ordinal> starts_;
  const std::vector<Row>* rows_ = nullptr;
};

class FakeSnapshot final : public graph::Snapshot {
 public:
  FakeSnapshot(std::shared_ptr<const schema::Catalog> catalog, std::map<TypeRef, std::vector<Row>> rows,
               std::size_t rows_per_fragment)
      : catalog_(std::move(catalog)), rows_(std::move(rows)) {
    for (std::uint32_t i = 0; i < catalog_->nodes.size(); ++i) make({EntityKind::kNode, i}, rows_per_fragment);
    for (std::uint32_t i = 0; i < catalog_->edges.size(); ++i) make({EntityKind::kEdge, i}, rows_per_fragment);
  }
  void remove(TypeRef type, std::string_view id) { tables_.at(type)->remove(id); }

  const std::string& commit_id() const override { return commit_id_; }
  std::uint64_t version() const override { return 1; }
  const graph::CommitRecord& record() const override { return record_; }
  const std::shared_ptr<const schema::Catalog>& catalog() const override { return catalog_; }
  const std::string& schema_source() const override { return commit_id_; }
  Result<graph::TableViewPtr> table(TypeRef type) const override { return tables_.at(type); }

  Result<std::shared_ptr<const index::Adjacency>> adjacency(std::uint32_t edge_index,
                                                            graph::AdjacencyDirection direction) const override {
    const std::lock_guard lock(mutex_);
    auto& known = adjacency_[{edge_index, direction}];
    if (known != nullptr) return known;
    const schema::EdgeType& type = catalog_->edges[edge_index];
    const FakeTable& edges = *tables_.at({EntityKind::kEdge, edge_index});
    const FakeTable& sources = *tables_.at({EntityKind::kNode, type.source_index});
    const FakeTable& targets = *tables_.at({EntityKind::kNode, type.target_index});
    std::vector<std::uint32_t> from, to, edge;
    for (Ordinal o = 0; o < edges.physical_rows(); ++o) {
      if (edges.is_deleted(o)) continue;
      from.push_back(*sources.find(edges.rows()[o].source));
      to.push_back(*targets.find(edges.rows()[o].destination));
      edge.push_back(o);
    }
    const bool out = direction == graph::AdjacencyDirection::kOut;
    known = std::make_shared<const index::Adjacency>(
        out ? index::Adjacency::build(from, to, edge, sources.physical_rows(), targets.physical_rows())
            : index::Adjacency::build(to, from, edge, targets.physical_rows(), sources.physical_rows()));
    return known;
  }

 private:
  void make(TypeRef type, std::size_t rows_per_fragment) {
    tables_[type] = std::make_shared<FakeTable>(*catalog_, type, rows_[type], rows_per_fragment);
  }
  std::shared_ptr<const schema::Catalog> catalog_;
  std::map<TypeRef, std::vector<Row>> rows_;
  std::map<TypeRef, std::shared_ptr<FakeTable>> tables_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::uint32_t, graph::AdjacencyDirection>, std::shared_ptr<const index::Adjacency>>
      adjacency_;
  std::string commit_id_ = "01FAKE";
  graph::CommitRecord record_;
};

class RecordingTransaction final : public graph::WriteTransaction {
 public:
  explicit RecordingTransaction(graph::SnapshotPtr base) : base_(std::move(base)) {}
  const graph::SnapshotPtr& base() const override { return base_; }
  void put(std::shared_ptr<const graph::StagedRows> rows, graph::PutMode, bool generated) override {
    puts.push_back({std::move(rows), generated});
  }
  void replace_all(TypeRef) override {}
  void remove(TypeRef type, std::span<const Ordinal> ordinals) override {
    removed[type].insert(ordinals.begin(), ordinals.end());
  }
  void note_read(TypeRef type) override { reads.insert(type); }

  struct Put {
    std::shared_ptr<const graph::StagedRows> rows;
    bool generated;
  };
  std::vector<Put> puts;
  std::map<TypeRef, std::set<Ordinal>> removed;
  std::set<TypeRef> reads;

 private:
  graph::SnapshotPtr base_;
};

std::string row_text(const schema::Catalog& catalog, TypeRef type, const std::string& id, const std::string& ends,
                     const std::function<const columnar::Array*(std::size_t, std::int64_t&)>& cell) {
  std::string text = id;
  text.append(ends).append(" {");
  const auto& properties = catalog.properties_of(type);
  for (std::size_t p = 0; p < properties.size(); ++p) {
    if (p > 0) text += ",";
    text.append(1, '"').append(properties[p].name).append("\":");
    std::int64_t i = 0;
    const columnar::Array* array = cell(p, i);
    if (properties[p].type.is_blob()) {
      text.append(array->is_null(i) ? "null" : "blob ");
      if (array->is_valid(i)) text.append(std::to_string(array->child(1)->value<std::uint64_t>(i)));
    } else {
      columnar::append_json(text, *array, i);
    }
  }
  text += "}";
  return text;
}

std::string edge_ends(TypeRef type, std::string_view source, std::string_view destination) {
  if (type.kind != EntityKind::kEdge) return "";
  std::string text(1, ' ');
  text.append(source).append(1, ' ').append(destination);
  return text;
}

// The final rows of one type.
std::vector<std::string> dump_type(const schema::Catalog& catalog, const graph::Snapshot& base, TypeRef type,
                                   const RecordingTransaction& transaction) {
  std::map<std::string, std::string> rows;  // by id
  const auto view = base.table(type).value();
  const auto ids = view->ids().value();
  const auto sources = view->sources().value();
  const auto destinations = view->destinations().value();
  const auto removed = transaction.removed.find(type);
  for (Ordinal o = 0; o < view->physical_rows(); ++o) {
    if (view->is_deleted(o) || (removed != transaction.removed.end() && removed->second.contains(o))) continue;
    const auto at = ids->locate(o);
    const std::string id(ids->chunk(at.chunk)->string_value(at.index));
    rows[id] = row_text(catalog, type, id,
                        edge_ends(type, sources->chunk(at.chunk)->string_value(at.index),
                                  destinations->chunk(at.chunk)->string_value(at.index)),
                        [&](std::size_t p, std::int64_t& i) {
                          i = at.index;
                          return view->property(p).value()->chunk(at.chunk).get();
                        });
  }
  for (const auto& put : transaction.puts) {
    if (put.rows->type() != type) continue;
    for (std::size_t b = 0; b < put.rows->batch_count(); ++b) {
      const columnar::Batch batch = put.rows->batch(b).value();
      const std::size_t system = type.kind == EntityKind::kEdge ? 3 : 1;
      for (std::int64_t r = 0; r < batch.length; ++r) {
        const std::string id(batch.columns[0]->string_value(r));
        const std::string ends =
            system == 3 ? edge_ends(type, batch.columns[1]->string_value(r), batch.columns[2]->string_value(r)) : "";
        rows[id] = row_text(catalog, type, put.generated ? "*" : id, ends, [&](std::size_t p, std::int64_t& i) {
          i = r;
          return batch.columns[system + p].get();
        });
      }
    }
  }
  std::vector<std::string> out;
  for (const auto& [id, text] : rows) out.push_back(text);
  std::ranges::sort(out);
  return out;
}

}  // namespace

struct FakeGraph::State {
  std::shared_ptr<const schema::Catalog> catalog;
  std::size_t rows_per_fragment;
  std::map<TypeRef, std::vector<Row>> rows;
  std::vector<std::pair<TypeRef, std::string>> removed;
  std::shared_ptr<FakeSnapshot> snapshot;
  std::uint64_t next_node = 0;
  std::uint64_t next_edge = 0;
};

FakeGraph::FakeGraph(std::string_view schema_source, std::size_t rows_per_fragment)
    : state_(std::make_unique<State>()) {
  auto catalog = schema::parse_schema(schema_source);
  if (!catalog) {
    std::fprintf(stderr, "%s\n", catalog.error().render().c_str());
    std::abort();
  }
  state_->catalog = *catalog;
  state_->rows_per_fragment = rows_per_fragment;
}
FakeGraph::~FakeGraph() = default;

const std::shared_ptr<const schema::Catalog>& FakeGraph::catalog() const { return state_->catalog; }

void FakeGraph::add(std::string_view ndjson) {
  std::istringstream lines{std::string(ndjson)};
  const schema::Catalog& catalog = *state_->catalog;
  for (std::string line; std::getline(lines, line);) {
    if (line.find('{') == std::string::npos) continue;
    const json record = json::parse(line);
    Row row;
    row.data = record.value("data", json::object());
    if (record.contains("edge")) {
      const TypeRef type{EntityKind::kEdge, catalog.find_edge(record["edge"].get<std::string>()).value()};
      row.id = row.data.contains("id") ? row.data["id"].get<std::string>() : drawn_id("e", ++state_->next_edge);
      row.source = record["from"].get<std::string>();
      row.destination = record["to"].get<std::string>();
      state_->rows[type].push_back(std::move(row));
      continue;
    }
    const TypeRef type{EntityKind::kNode, catalog.find_node(record["type"].get<std::string>()).value()};
    const schema::NodeType& node = catalog.nodes[type.index];
    std::vector<std::string> texts;
    for (const std::string& member : node.constraints.key) {
      const schema::PropertyType& member_type = node.find(member)->type;
      columnar::ArrayBuilder builder(schema::column_type(member_type));
      builder.append_scalar(scalar_of_json(row.data.at(member), member_type));
      texts.push_back(graph::canonical_key_text(*builder.finish(), 0, member_type).value());
    }
    row.id = !texts.empty()            ? graph::id_of_key(texts)
             : row.data.contains("id") ? row.data["id"].get<std::string>()
                                       : drawn_id("n", ++state_->next_node);
    state_->rows[type].push_back(std::move(row));
  }
  state_->snapshot = nullptr;
}

void FakeGraph::remove(std::string_view type, std::string_view id) {
  const auto node = state_->catalog->find_node(type);
  const TypeRef ref =
      node ? TypeRef{EntityKind::kNode, *node} : TypeRef{EntityKind::kEdge, state_->catalog->find_edge(type).value()};
  state_->removed.emplace_back(ref, id);
  state_->snapshot = nullptr;
}

graph::SnapshotPtr FakeGraph::snapshot() {
  if (state_->snapshot == nullptr) {
    state_->snapshot = std::make_shared<FakeSnapshot>(state_->catalog, state_->rows, state_->rows_per_fragment);
    for (const auto& [type, id] : state_->removed) state_->snapshot->remove(type, id);
  }
  return state_->snapshot;
}

ReadAnswer read(const graph::Snapshot& snapshot, std::string_view query, std::string_view parameters,
                const ReadContext& context) {
  ReadAnswer answer;
  const auto fail = [&](const Error& error) {
    answer.rows = {"error: " + error.message};
    return answer;
  };
  const auto bound = query::compile(query, "", snapshot.catalog());
  if (!bound) return fail(bound.error());
  const auto values = query::read_parameters(**bound, parameters);
  if (!values) return fail(values.error());
  const auto result = execute_read(**bound, *values, snapshot, context);
  if (!result) return fail(result.error());
  answer.columns = result->columns;
  for (std::int64_t r = 0; r < result->rows.length; ++r) {
    std::string row = "[";
    for (std::size_t c = 0; c < result->rows.columns.size(); ++c) {
      if (c > 0) row += ",";
      columnar::append_json(row, *result->rows.columns[c], r);
    }
    row += "]";
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

MutationAnswer mutate(const graph::SnapshotPtr& snapshot, std::string_view query, std::string_view parameters,
                      const MutateContext& context) {
  MutationAnswer answer;
  const schema::Catalog& catalog = *snapshot->catalog();
  RecordingTransaction transaction(snapshot);
  const auto run = [&]() -> Result<void> {
    OG_ASSIGN_OR_RETURN(const auto bound, query::compile(query, "", snapshot->catalog()));
    OG_ASSIGN_OR_RETURN(const auto values, query::read_parameters(*bound, parameters));
    OG_ASSIGN_OR_RETURN(answer.counts, execute_mutation(*bound, values, transaction, context));
    return {};
  };
  if (const auto done = run(); !done) answer.error = done.error().message;
  answer.untouched = transaction.puts.empty() && transaction.removed.empty() && transaction.reads.empty();
  for (const TypeRef& type : transaction.reads) answer.reads.insert(catalog.table_key(type));
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) {
    answer.dump[catalog.nodes[i].name] = dump_type(catalog, *snapshot, {EntityKind::kNode, i}, transaction);
  }
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
    answer.dump[catalog.edges[i].name] = dump_type(catalog, *snapshot, {EntityKind::kEdge, i}, transaction);
  }
  return answer;
}

}  // namespace omnigraph::exec::testing
