// A small graph for tests of the store: people with an age who know each other, and notes without a key.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ulid.h"
#include "columnar/builder.h"
#include "graph/staged_rows.h"
#include "graph/store.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph::testing {

inline constexpr std::string_view kPeopleSchema = R"(
node Person { name: String @key  age: I32? }
node Note { text: String }
edge Knows: Person -> Person
)";

inline constexpr schema::TypeRef kNote{schema::EntityKind::kNode, 0};
inline constexpr schema::TypeRef kPerson{schema::EntityKind::kNode, 1};
inline constexpr schema::TypeRef kKnows{schema::EntityKind::kEdge, 0};

using StorePtr = std::shared_ptr<objectstore::ObjectStore>;
using GraphPtr = std::shared_ptr<GraphStore>;
using People = std::map<std::string, std::int32_t>;  // name -> age

// prefix0, prefix1, .. (GCC 12 warns falsely about `"p" + std::to_string(n)`.)
inline std::string numbered(std::string_view prefix, std::int64_t number) {
  std::string name(prefix);
  name += std::to_string(number);
  return name;
}

// A fresh directory below the tests' temporary one.
inline std::filesystem::path fresh_directory(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / (name + "-" + base::new_ulid());
  std::filesystem::create_directories(path);
  return path;
}

// Keys that start with `prefix`, ascending.
inline std::vector<std::string> keys_under(const StorePtr& store, std::string_view prefix) {
  std::vector<std::string> keys;
  auto listing = store->list(prefix, {.start_after = {}, .limit = 100'000, .delimited = false});
  if (!listing) {
    ADD_FAILURE() << listing.error().render();
    return keys;
  }
  for (const objectstore::ObjectInfo& object : listing->objects) keys.push_back(object.key);
  return keys;
}

inline void remove_under(const StorePtr& store, std::string_view prefix, std::string_view suffix = "") {
  for (const std::string& key : keys_under(store, prefix)) {
    if (!key.ends_with(suffix)) continue;
    EXPECT_TRUE(store->remove(key));
  }
}

inline GraphPtr init_people(const StorePtr& store, const StoreOptions& options = {}) {
  auto graph = GraphStore::init(store, kPeopleSchema, std::nullopt, options);
  if (!graph) {
    ADD_FAILURE() << graph.error().render();
    return nullptr;
  }
  return *graph;
}

inline GraphPtr open_people(const StorePtr& store, const StoreOptions& options = {}) {
  auto graph = GraphStore::open(store, options);
  if (!graph) {
    ADD_FAILURE() << graph.error().render();
    return nullptr;
  }
  return *graph;
}

inline std::shared_ptr<const StagedRows> people_rows(const schema::Catalog& catalog, const People& people) {
  auto rows = std::make_shared<StagedRows>(catalog, kPerson);
  columnar::ArrayBuilder id(columnar::utf8()), name(columnar::utf8()),
      age(columnar::primitive(columnar::TypeId::kInt32));
  for (const auto& [who, years] : people) {
    id.append_string(who);
    name.append_string(who);
    age.append_value(years);
  }
  const auto appended = rows->append(
      {rows->fields(), {id.finish(), name.finish(), age.finish()}, static_cast<std::int64_t>(people.size())});
  EXPECT_TRUE(appended.has_value());
  return rows;
}

inline std::shared_ptr<const StagedRows> note_rows(const schema::Catalog& catalog,
                                                   const std::vector<std::string>& texts) {
  auto rows = std::make_shared<StagedRows>(catalog, kNote);
  columnar::ArrayBuilder id(columnar::utf8()), text(columnar::utf8());
  for (const std::string& each : texts) {
    id.append_string(base::new_ulid());
    text.append_string(each);
  }
  EXPECT_TRUE(rows->append({rows->fields(), {id.finish(), text.finish()}, static_cast<std::int64_t>(texts.size())}));
  return rows;
}

inline std::shared_ptr<const StagedRows> knows_rows(const schema::Catalog& catalog,
                                                    const std::vector<std::pair<std::string, std::string>>& pairs) {
  auto rows = std::make_shared<StagedRows>(catalog, kKnows);
  columnar::ArrayBuilder id(columnar::utf8()), src(columnar::utf8()), dst(columnar::utf8());
  for (const auto& [from, to] : pairs) {
    id.append_string(base::new_ulid());
    src.append_string(from);
    dst.append_string(to);
  }
  EXPECT_TRUE(rows->append(
      {rows->fields(), {id.finish(), src.finish(), dst.finish()}, static_cast<std::int64_t>(pairs.size())}));
  return rows;
}

inline Result<WriteOutcome> put_people(GraphStore& graph, const People& people, WriteOptions options = {},
                                       PutMode mode = PutMode::kMerge) {
  return graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(people_rows(*transaction.base()->catalog(), people), mode, false);
    return {};
  });
}

inline Result<WriteOutcome> insert_person(GraphStore& graph, const std::string& name, std::int32_t age = 1,
                                          WriteOptions options = {}) {
  return put_people(graph, {{name, age}}, std::move(options), PutMode::kAppend);
}

inline Result<WriteOutcome> insert_knows(GraphStore& graph, const std::string& from, const std::string& to,
                                         WriteOptions options = {}) {
  return graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(knows_rows(*transaction.base()->catalog(), {{from, to}}), PutMode::kAppend, true);
    return {};
  });
}

inline Result<WriteOutcome> insert_note(GraphStore& graph, const std::string& text, WriteOptions options = {}) {
  return graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    transaction.put(note_rows(*transaction.base()->catalog(), {text}), PutMode::kAppend, true);
    return {};
  });
}

inline Result<std::int32_t> age_of(const Snapshot& snapshot, const std::string& name) {
  OG_ASSIGN_OR_RETURN(const TableViewPtr people, snapshot.table(kPerson));
  OG_ASSIGN_OR_RETURN(const Ordinal at, people->find(name));
  if (at == kNoOrdinal) return std::unexpected(not_found("person '" + name + "'"));
  OG_ASSIGN_OR_RETURN(const auto ages, people->property(1));
  const auto place = ages->locate(at);
  return ages->chunk(place.chunk)->value<std::int32_t>(place.index);
}

// Adds one to a person's age, as a read-modify-write.
inline Result<WriteOutcome> birthday(GraphStore& graph, const std::string& name, WriteOptions options = {}) {
  return graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    OG_ASSIGN_OR_RETURN(const std::int32_t age, age_of(*transaction.base(), name));
    transaction.note_read(kPerson);
    transaction.put(people_rows(*transaction.base()->catalog(), {{name, age + 1}}), PutMode::kMerge, false);
    return {};
  });
}

inline Result<WriteOutcome> remove_person(GraphStore& graph, const std::string& name, WriteOptions options = {}) {
  return graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    OG_ASSIGN_OR_RETURN(const TableViewPtr people, transaction.base()->table(kPerson));
    OG_ASSIGN_OR_RETURN(const Ordinal at, people->find(name));
    if (at == kNoOrdinal) return {};
    transaction.remove(kPerson, std::vector<Ordinal>{at});
    return {};
  });
}

inline Result<People> people_in(const Snapshot& snapshot) {
  OG_ASSIGN_OR_RETURN(const TableViewPtr table, snapshot.table(kPerson));
  OG_ASSIGN_OR_RETURN(const auto ids, table->ids());
  OG_ASSIGN_OR_RETURN(const auto ages, table->property(1));
  People people;
  for (Ordinal o = 0; o < table->physical_rows(); ++o) {
    if (table->is_deleted(o)) continue;
    const auto id = ids->locate(o);
    const auto age = ages->locate(o);
    people[std::string(ids->chunk(id.chunk)->string_value(id.index))] =
        ages->chunk(age.chunk)->value<std::int32_t>(age.index);
  }
  if (people.size() != table->live_rows())
    return std::unexpected(internal_error("live_rows() is wrong, or an id occurs twice"));
  return people;
}

// Everything of one state, read as a new process would; fails the test when something cannot be read.
struct State {
  People people;
  std::multiset<std::string> notes;
  std::multiset<std::pair<std::string, std::string>> knows;  // by way of the adjacency
  friend bool operator==(const State&, const State&) = default;
};

inline Result<State> state_of(const Snapshot& snapshot) {
  State state;
  OG_ASSIGN_OR_RETURN(state.people, people_in(snapshot));
  OG_ASSIGN_OR_RETURN(const TableViewPtr notes, snapshot.table(kNote));
  OG_ASSIGN_OR_RETURN(const auto texts, notes->property(0));
  for (Ordinal o = 0; o < notes->physical_rows(); ++o) {
    if (notes->is_deleted(o)) continue;
    const auto place = texts->locate(o);
    state.notes.insert(std::string(texts->chunk(place.chunk)->string_value(place.index)));
  }
  OG_ASSIGN_OR_RETURN(const TableViewPtr people, snapshot.table(kPerson));
  OG_ASSIGN_OR_RETURN(const auto ids, people->ids());
  OG_ASSIGN_OR_RETURN(const auto out, snapshot.adjacency(0, AdjacencyDirection::kOut));
  const auto name = [&](Ordinal o) {
    const auto place = ids->locate(o);
    return std::string(ids->chunk(place.chunk)->string_value(place.index));
  };
  for (Ordinal o = 0; o < people->physical_rows(); ++o) {
    for (const std::uint32_t to : out->neighbors(o)) state.knows.emplace(name(o), name(to));
  }
  return state;
}

inline Result<State> read_state(const StorePtr& store, std::string_view branch = "main") {
  OG_ASSIGN_OR_RETURN(const GraphPtr graph, GraphStore::open(store, {.background_settle = false}));
  OG_ASSIGN_OR_RETURN(const SnapshotPtr snapshot, graph->head(branch));
  return state_of(*snapshot);
}

}  // namespace omnigraph::graph::testing
