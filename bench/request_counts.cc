// How many storage requests each operation makes, and how many of them wait for one another, at several lengths of
// history: the table of docs/requests.md. The store is a map in memory that answers after a pause, so that requests
// made together overlap as they do against a bucket.
//   request_counts [--trace] [HISTORY..]        default 10 1000 10000
// --trace prints every request with its hop, bytes and key.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/must.h"
#include "engine/changes.h"
#include "engine/graph.h"
#include "engine/merge.h"
#include "engine/open_once.h"
#include "graph/optimize.h"
#include "objectstore/metered_store.h"
#include "tests/graph/forwarding_store.h"

namespace omnigraph::engine {

bool trace = false;  // set by main

namespace {

using bench::must;

using objectstore::MeteredStore;
using StorePtr = std::shared_ptr<objectstore::ObjectStore>;

constexpr int kBaseRows = 100'000;
// Long beside what is computed between requests, so that only requests that wait for one another count as hops.
constexpr auto kAnswerTime = std::chrono::milliseconds(100);
constexpr std::string_view kSchema = "node Ship { name: String @key  tons: I64 }\n";
constexpr std::string_view kQueries = R"(
query find($n: String) { match { $s: Ship { name: $n } } return { $s.tons } }
query add($n: String, $t: I64) { insert Ship { name: $n, tons: $t } }
query set($n: String, $t: I64) { update Ship set { tons: $t } where name = $n }
)";

// As far away as a bucket.
class DistantStore final : public graph::testing::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<Buffer> get(std::string_view key, std::optional<objectstore::ByteRange> range) override {
    std::this_thread::sleep_for(kAnswerTime);
    return inner_->get(key, range);
  }
  Result<objectstore::Listing> list(std::string_view prefix, const objectstore::ListOptions& options) override {
    std::this_thread::sleep_for(kAnswerTime);
    return inner_->list(prefix, options);
  }
  Result<void> put(std::string_view key, std::span<const std::byte> body, objectstore::Durability durability) override {
    std::this_thread::sleep_for(kAnswerTime);
    return inner_->put(key, body, durability);
  }
  Result<objectstore::PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                                          const BeforeEffect& before_effect) override {
    std::this_thread::sleep_for(kAnswerTime);
    return inner_->publish(key, body, before_effect);
  }
};

struct Cost {
  std::uint64_t requests = 0, hops = 0;
};

struct Row {
  std::string operation;
  std::vector<Cost> costs;  // by history length
};

OpenOptions quiet() {
  OpenOptions options;
  options.store.background_settle = false;  // only what the caller waits for
  return options;
}

std::string ship(const std::string& name, int tons) {
  return "{\"n\":\"" + name + "\",\"t\":" + std::to_string(tons) + "}";
}

void load_ships(Graph& graph, const std::string& branch, const std::string& prefix, int count, LoadMode mode) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += "{\"type\":\"Ship\",\"data\":{\"name\":\"" + prefix + std::to_string(i) +
             "\",\"tons\":" + std::to_string(i) + "}}\n";
  }
  std::size_t done = 0;
  const ByteSource source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t size = std::min(out.size(), lines.size() - done);
    std::copy_n(reinterpret_cast<const std::byte*>(lines.data()) + done, size, out.begin());
    done += size;
    return size;
  };
  LoadRequest request;
  request.mode = mode;
  request.branch = branch;
  must(graph.load(source, request));
}

void add(Graph& graph, const std::string& branch, const std::string& name, int tons) {
  MutateRequest request;
  request.branch = branch;
  must(graph.mutate(kQueries, "add", ship(name, tons), request));
}

void set(Graph& graph, const std::string& branch, const std::string& name, int tons) {
  MutateRequest request;
  request.branch = branch;
  must(graph.mutate(kQueries, "set", ship(name, tons), request));
}

void find(Graph& graph, const std::string& name) {
  const ReadAnswer answer = must(graph.query(kQueries, "find", "{\"n\":\"" + name + "\"}", {}));
  if (answer.result.rows.length != 1) {
    std::fprintf(stderr, "'%s' was not found\n", name.c_str());
    std::exit(1);
  }
}

// One graph with a base load and `history` one-row commits on main.
class World {
 public:
  explicit World(int history)
      : memory_(objectstore::make_memory_store()),
        metered_(objectstore::make_metered_store(std::make_shared<DistantStore>(memory_))) {
    const auto graph = must(Graph::init_on(memory_, "memory", kSchema));
    load_ships(*graph, "main", "base", kBaseRows, LoadMode::kAppend);
    for (int i = 0; i < history; ++i) add(*graph, "main", "h" + std::to_string(i), i);
    graph->storage().drain();
  }

  std::shared_ptr<Graph> open() { return must(Graph::open_on(metered_, "memory", quiet())); }
  // As a command does that works on one branch.
  std::shared_ptr<Graph> open_for(const std::string& branch) {
    return must(open_once_on(metered_, "memory", branch, quiet()));
  }

  Cost cost_of(const std::string& name, const std::function<void()>& operation) {
    metered_->reset();
    operation();
    const objectstore::StoreMeter meter = metered_->meter();
    if (trace) {
      std::printf("%s\n", name.c_str());
      for (const objectstore::StoreRequest& request : meter.log) {
        std::printf("  %llu %-13s %8llu %s\n", static_cast<unsigned long long>(request.hop), request.operation.c_str(),
                    static_cast<unsigned long long>(request.bytes), request.key.c_str());
      }
    }
    return {meter.requests, meter.dependent_hops};
  }

 private:
  const StorePtr memory_;
  const std::shared_ptr<MeteredStore> metered_;
};

class Table {
 public:
  void measure(World& world, const std::string& operation, const std::function<void()>& body) {
    add(operation, world.cost_of(operation, body));
  }

  void print(const std::vector<int>& histories) const {
    std::printf("| Operation |");
    for (const int history : histories) std::printf(" %d commits |", history);
    std::printf("\n|---|");
    for (std::size_t i = 0; i < histories.size(); ++i) std::printf("---|");
    std::printf("\n");
    for (const Row& row : rows_) {
      std::printf("| %s |", row.operation.c_str());
      for (const Cost& cost : row.costs) {
        std::printf(" %llu / %llu |", static_cast<unsigned long long>(cost.requests),
                    static_cast<unsigned long long>(cost.hops));
      }
      std::printf("\n");
    }
  }

 private:
  void add(const std::string& operation, const Cost& cost) {
    for (Row& row : rows_) {
      if (row.operation == operation) return row.costs.push_back(cost);
    }
    rows_.push_back({operation, {cost}});
  }

  std::vector<Row> rows_;
};

void count_reads(World& world, Table& table) {
  const auto cold = [&](const std::string& name, const std::function<void(Graph&)>& operation) {
    std::shared_ptr<Graph> graph;
    table.measure(world, name, [&] {
      graph = world.open();
      operation(*graph);
    });
  };
  cold("cold open to the first row", [](Graph& graph) { find(graph, "base7"); });
  const auto graph = world.open();
  find(*graph, "base7");
  table.measure(world, "point query, warm", [&] { find(*graph, "base8"); });
  const std::string commit = must(graph->snapshot("main")).graph_commit_id;
  cold("commit show, cold", [&](Graph& other) { must(other.commit(commit)); });
  const std::string cursor = *must(changes_of(*graph).poll({})).cursor;
  add(*graph, "main", "polled" + commit, 1);
  ChangePollRequest poll;
  poll.cursor = cursor;
  cold("changes poll of one commit, cold", [&](Graph& other) { must(changes_of(other).poll(poll)); });
}

void count_writes(World& world, Table& table, const std::string& tag) {
  std::shared_ptr<Graph> graph;
  table.measure(world, "one-row write, cold", [&] {
    graph = world.open();
    add(*graph, "main", "cold" + tag, 1);
  });
  table.measure(world, "one-row write, warm", [&] { add(*graph, "main", "warm" + tag, 1); });
  table.measure(world, "1000-row write, warm", [&] { load_ships(*graph, "main", "k" + tag, 1000, LoadMode::kAppend); });
  table.measure(world, "100,000-row write, warm",
                [&] { load_ships(*graph, "main", "m" + tag, kBaseRows, LoadMode::kAppend); });
}

void count_branches(World& world, Table& table) {
  const auto graph = world.open();
  find(*graph, "base7");
  table.measure(world, "branch create, warm", [&] { must(graph->create_branch("side", "main")); });
  table.measure(world, "first write on a new branch", [&] { set(*graph, "side", "base1", -1); });
  table.measure(world, "fast-forward merge", [&] { must(merge_branches(*graph, {.source = "side"})); });
  for (int i = 10; i < 20; ++i) set(*graph, "side", "base" + std::to_string(i), -i);
  set(*graph, "main", "base30", -30);
  table.measure(world, "three-way merge of 10 changes, warm",
                [&] { must(merge_branches(*graph, {.source = "side"})); });
  for (int i = 40; i < 50; ++i) set(*graph, "side", "base" + std::to_string(i), -i);
  set(*graph, "main", "base60", -60);
  table.measure(world, "three-way merge of 10 changes, cold",
                [&] { must(merge_branches(*world.open_for("side"), {.source = "side"})); });
  table.measure(world, "branch delete, warm", [&] { must(graph->delete_branch("side")); });
}

void count_maintenance(World& world, Table& table) {
  const auto graph = world.open();
  find(*graph, "base7");
  table.measure(world, "optimize", [&] { must(graph::optimize(graph->storage().parts(), "main")); });
}

int run(const std::vector<int>& histories) {
  Table table;
  for (const int history : histories) {
    World world(history);
    count_reads(world, table);
    count_writes(world, table, "-" + std::to_string(history));
    count_branches(world, table);
    count_maintenance(world, table);
  }
  table.print(histories);
  return 0;
}

}  // namespace
}  // namespace omnigraph::engine

int main(int argc, char** argv) {
  std::vector<int> histories;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--trace") {
      omnigraph::engine::trace = true;
    } else {
      histories.push_back(std::atoi(argv[i]));
    }
  }
  if (histories.empty()) histories = {10, 1000, 10'000};
  return omnigraph::engine::run(histories);
}
