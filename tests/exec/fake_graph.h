// A graph in memory behind graph::Snapshot, made of NDJSON rows; and a write transaction that only records.
// Each node and edge type is split into fragments (and column chunks) of a few rows, as after several loads.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exec/mutate.h"
#include "exec/read.h"
#include "graph/snapshot.h"
#include "graph/store.h"

namespace omnigraph::exec::testing {

class FakeGraph {
 public:
  explicit FakeGraph(std::string_view schema_source, std::size_t rows_per_fragment = 3);
  ~FakeGraph();
  FakeGraph(const FakeGraph&) = delete;
  FakeGraph& operator=(const FakeGraph&) = delete;

  // Lines as in a load: {"type":T,"data":{..}} and {"edge":E,"from":id,"to":id,"data":{..}}. Ids of keyed nodes follow
  // from the key, others are `data.id` or drawn in order (n1, n2 .., e1, e2 ..).
  void add(std::string_view ndjson);
  // Marks a node or edge of the built snapshot as deleted.
  void remove(std::string_view type, std::string_view id);

  [[nodiscard]] const std::shared_ptr<const schema::Catalog>& catalog() const;
  [[nodiscard]] graph::SnapshotPtr snapshot();  // a new one if rows were added

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Rows as JSON arrays, e.g. `["ada",10]`; on failure one line `error: ..`.
struct ReadAnswer {
  std::vector<std::string> columns;
  std::vector<std::string> rows;
};
[[nodiscard]] ReadAnswer read(const graph::Snapshot& snapshot, std::string_view query,
                              std::string_view parameters = "{}", const ReadContext& context = {});

// Runs a mutation and applies what it handed over. `dump` lists the final rows of a type as JSON, sorted.
class MutationAnswer {
 public:
  std::string error;
  MutationCounts counts;
  bool untouched = true;  // nothing was handed over
  std::set<std::string> reads;
  std::map<std::string, std::vector<std::string>>
      dump;  // by type name: `id {"p":v,..}`, edges `id src dst {..}` with id `*` if drawn
};
[[nodiscard]] MutationAnswer mutate(const graph::SnapshotPtr& snapshot, std::string_view query,
                                    std::string_view parameters = "{}", const MutateContext& context = {});

}  // namespace omnigraph::exec::testing
