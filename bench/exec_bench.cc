// Latency of the executor on the benchmark's social graph held in memory: everything after compilation, nothing of
// storage or transport.
//   exec_bench DATA [operation [rows.json]]
// DATA is a folder of the graph generator (schema.pg, graph.jsonl, queries/social.gq, workload.json). With rows.json
// the answers are written there, one JSON line for each parameter set.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "exec/read.h"
#include "query/compile.h"
#include "query/parameters.h"
#include "tests/exec/fake_graph.h"

namespace omnigraph::exec {
namespace {

// Timed for about this long per operation.
double budget_us() {
  const char* given = std::getenv("EXEC_BENCH_BUDGET_MS");
  return 1000.0 * (given != nullptr ? std::atof(given) : 400);
}

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

struct Timing {
  double first_us = 0, total_us = 0, best_us = 1e18;
  int calls = 0;
};

double call_us(const query::BoundQuery& query, const std::vector<columnar::Scalar>& values,
               const graph::Snapshot& snapshot) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = execute_read(query, values, snapshot, {});
  const double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", query.name.c_str(), result.error().render().c_str());
    std::exit(1);
  }
  return us;
}

void measure(const std::string& operation, const std::string& queries, const nlohmann::json& sets,
             const graph::Snapshot& snapshot, std::ostream* answers) {
  const std::string name = operation == "vec_exact10" || operation == "vec_index10" ? "vec_top10" : operation;
  const auto bound = query::compile(queries, name, snapshot.catalog());
  if (!bound) {
    std::fprintf(stderr, "%s\n", bound.error().render().c_str());
    std::exit(1);
  }
  std::vector<std::vector<columnar::Scalar>> values;
  for (const auto& set : sets) values.push_back(query::read_parameters(**bound, set.dump()).value());
  Timing t;
  t.first_us = call_us(**bound, values[0], snapshot);
  double best_sum_us = 1e18;  // of one pass over all parameter sets
  for (int pass = 0; t.total_us < budget_us(); ++pass) {
    double sum_us = 0;
    for (const auto& set : values) sum_us += call_us(**bound, set, snapshot);
    t.total_us += sum_us;
    t.calls += static_cast<int>(values.size());
    best_sum_us = std::min(best_sum_us, sum_us);
  }
  std::printf("%-14s first %10.1f us   mean %9.1f us   best pass %9.1f us\n", operation.c_str(), t.first_us,
              t.total_us / t.calls, best_sum_us / static_cast<double>(values.size()));
  std::fflush(stdout);
  if (answers == nullptr) return;
  for (const auto& set : values) {
    const auto result = execute_read(**bound, set, snapshot, {}).value();
    std::string line = "{\"op\":\"" + operation + "\",\"rows\":[";
    for (std::int64_t r = 0; r < result.rows.length; ++r) {
      line += r > 0 ? ",[" : "[";
      for (std::size_t c = 0; c < result.rows.columns.size(); ++c) {
        if (c > 0) line += ",";
        columnar::append_json(line, *result.rows.columns[c], r);
      }
      line += "]";
    }
    *answers << line << "]}\n";
  }
}

int run(const std::string& data, const std::string& only, const std::string& answers_path) {
  testing::FakeGraph graph(file_text(data + "/schema.pg"), 1 << 20);
  graph.add(file_text(data + "/graph.jsonl"));
  const graph::SnapshotPtr snapshot = graph.snapshot();
  const std::string queries = file_text(data + "/queries/social.gq");
  const auto workload = nlohmann::json::parse(file_text(data + "/workload.json"));
  std::ofstream answers;
  if (!answers_path.empty()) answers.open(answers_path);
  for (const auto& [operation, sets] : workload["params"].items()) {
    if (only.empty() || only == "all" || only == operation) {
      measure(operation, queries, sets, *snapshot, answers_path.empty() ? nullptr : &answers);
    }
  }
  return 0;
}

}  // namespace
}  // namespace omnigraph::exec

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: exec_bench DATA [operation|all [rows.json]]\n");
    return 2;
  }
  return omnigraph::exec::run(argv[1], argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "");
}
