// The engine on a stored graph of the benchmark's social data, in process: opening, every read operation, one-row
// commits (insert) and updates of a thousand rows (update) beside the bare cost of making a file of that size durable,
// commits of many threads (threads).
//   engine_bench DATA GRAPH [operation[,operation..]]
// DATA is a folder of the graph generator (queries/social.gq, workload.json), GRAPH a loaded graph of its data.
// One line an operation: first call, median and minimum of the passes, microseconds a call.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "bench/must.h"
#include "engine/graph.h"

namespace omnigraph::engine {
namespace {

using bench::must;

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kBudgetUs = 400'000;  // spent on each operation
constexpr int kCommits = 200;
constexpr int kUpdates = 40;
constexpr int kThreads = 16;
constexpr std::size_t kSmallRecordBytes = 16 << 10;  // of a one-row commit
constexpr std::size_t kBucketBytes = 300 << 10;      // a thousand posts
constexpr int kOpens = 11;

double since_us(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

std::string file_text(const std::string& path) { return must(base::read_file(path)); }

void print(const std::string& name, double first_us, std::vector<double> passes) {
  std::ranges::sort(passes);
  std::printf("%-22s first %10.1f us   median %10.1f us   min %10.1f us\n", name.c_str(), first_us,
              passes[passes.size() / 2], passes.front());
  std::fflush(stdout);
}

struct Workload {
  std::string queries;
  nlohmann::json params;
};

void open_to_first_row(const std::string& root, const Workload& work) {
  const std::string params = work.params["point_lookup"][0].dump();
  std::vector<double> times;
  for (int i = 0; i < kOpens; ++i) {
    const auto start = Clock::now();
    const auto graph = must(Graph::open(root));
    must(graph->query(work.queries, "point_lookup", params, {}));
    times.push_back(since_us(start));
  }
  print("open to first row", times.front(), times);
}

void read_operation(Graph& graph, const Workload& work, const std::string& operation) {
  const std::string name = operation == "vec_exact10" || operation == "vec_index10" ? "vec_top10" : operation;
  std::vector<std::string> sets;
  for (const auto& set : work.params[operation]) sets.push_back(set.dump());
  const auto call = [&](const std::string& params) {
    const auto start = Clock::now();
    must(graph.query(work.queries, name, params, {}));
    return since_us(start);
  };
  const double first = call(sets.front());
  std::vector<double> passes;
  for (double spent = 0; spent < kBudgetUs || passes.size() < 3;) {
    double sum = 0;
    for (const std::string& params : sets) sum += call(params);
    spent += sum;
    passes.push_back(sum / static_cast<double>(sets.size()));
  }
  print(operation, first, passes);
}

// What a durable commit cannot be faster than here: one new file of `bytes` and its folder on disk.
double bare_durable_file(const fs::path& folder, std::size_t bytes) {
  static int made = 0;
  const std::string content(bytes, 'x');
  const fs::path path = folder / ("bench-" + std::to_string(made++));
  const auto start = Clock::now();
  must(base::write_new_file_durably(path, std::as_bytes(std::span(content))));
  must(base::sync_folder(folder));
  const double spent = since_us(start);
  fs::remove(path);
  return spent;
}

// Each call of `commit` is followed by a bare file of `bytes`, so that a busy disk slows both.
template <class Commit>
void commits_beside_files(const std::string& name, const fs::path& root, std::size_t bytes, int count,
                          Commit&& commit) {
  std::vector<double> commits, files, ratios;
  for (int i = 0; i < count; ++i) {
    const auto start = Clock::now();
    commit(i);
    commits.push_back(since_us(start));
    files.push_back(bare_durable_file(root, bytes));
    ratios.push_back(commits.back() / files.back());
  }
  print(name, commits.front(), commits);
  print("bare durable file", files.front(), files);
  std::ranges::sort(ratios);
  std::printf("%-22s commit / file, median of pairs %.2f\n", name.c_str(), ratios[ratios.size() / 2]);
}

std::string post_params(const std::string& tag) {
  return "{\"slug\":\"bench-" + tag +
         R"(","title":"a title","body":"a body of some words","createdAt":"2026-01-01T00:00:00Z","score":1.5,"bucket":1})";
}

void one_row_commits(Graph& graph, const Workload& work, const fs::path& root) {
  const std::string tag = std::to_string(Clock::now().time_since_epoch().count());
  commits_beside_files("one-row insert", root, kSmallRecordBytes, kCommits, [&](int i) {
    must(graph.mutate(work.queries, "insert_post", post_params(tag + "-" + std::to_string(i)), {}));
  });
  std::vector<double> times;  // and without files in between: what follows a commit meets the next
  for (int i = 0; i < kCommits; ++i) {
    const std::string params = post_params(tag + "-again-" + std::to_string(i));
    const auto start = Clock::now();
    must(graph.mutate(work.queries, "insert_post", params, {}));
    times.push_back(since_us(start));
  }
  print("inserts in a row", times.front(), times);
}

// The rows of one bucket, 1,000 of them, get another score.
void bucket_updates(Graph& graph, const Workload& work, const fs::path& root) {
  commits_beside_files("1,000-row update", root, kBucketBytes, kUpdates, [&](int i) {
    const std::string params = "{\"bucket\":" + std::to_string(i) + ",\"score\":" + std::to_string(1000 + i) + ".0}";
    const auto answer = must(graph.mutate(work.queries, "update_bucket", params, {}));
    if (answer.affected_nodes == 0) std::printf("bucket %d is empty\n", i);
  });
}

// Commits a second of `threads` callers that insert one row each, again and again.
double commits_per_second(Graph& graph, const Workload& work, int threads) {
  const std::string tag = std::to_string(Clock::now().time_since_epoch().count());
  const auto start = Clock::now();
  std::vector<std::jthread> callers;
  for (int t = 0; t < threads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        must(graph.mutate(work.queries, "insert_post",
                          post_params(tag + "-" + std::to_string(t) + "-" + std::to_string(i)), {}));
      }
    });
  }
  callers.clear();
  return threads * kCommits / (since_us(start) / 1e6);
}

void concurrent_commits(Graph& graph, const Workload& work) {
  const double alone = commits_per_second(graph, work, 1);
  const double together = commits_per_second(graph, work, kThreads);
  std::printf("commits a second: 1 thread %.0f, %d threads %.0f (%.1fx)\n", alone, kThreads, together,
              together / alone);
}

int run(const std::string& data, const std::string& root, const std::string& only) {
  const Workload work{file_text(data + "/queries/social.gq"),
                      nlohmann::json::parse(file_text(data + "/workload.json"))["params"]};
  const auto wanted = [&](const std::string& name) {
    return only.empty() || ("," + only + ",").find("," + name + ",") != std::string::npos;
  };
  if (wanted("open")) open_to_first_row(root, work);
  const auto graph = must(Graph::open(root));
  for (const auto& [operation, sets] : work.params.items()) {
    if (wanted(operation)) read_operation(*graph, work, operation);
  }
  if (wanted("insert")) one_row_commits(*graph, work, root);
  if (wanted("update")) bucket_updates(*graph, work, root);
  if (wanted("threads")) concurrent_commits(*graph, work);
  return 0;
}

}  // namespace
}  // namespace omnigraph::engine

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: engine_bench DATA GRAPH [operation[,operation..]]\n");
    return 2;
  }
  return omnigraph::engine::run(argv[1], argv[2], argc > 3 ? argv[3] : "");
}
