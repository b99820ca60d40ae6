// Merging 1,000 changed rows into a table of 1,000,000, beside comparing both whole tables row by row.
//   merge_bench [rows [changed]]
// One line a step: milliseconds, the best of three. In memory, so that only the work is measured.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "bench/must.h"
#include "columnar/builder.h"
#include "graph/merge.h"
#include "graph/row_equal.h"
#include "graph/store.h"
#include "graph/table_diff.h"

namespace omnigraph::graph {
namespace {

using bench::must;

using Clock = std::chrono::steady_clock;
constexpr int kRuns = 3;
constexpr schema::TypeRef kItem{schema::EntityKind::kNode, 0};

std::string name_of(std::int64_t i) {
  char name[16];
  std::snprintf(name, sizeof(name), "item%08ld", static_cast<long>(i));
  return name;
}

// `count` rows from `first` on, `step` apart, with this value.
void put(GraphStore& graph, const std::string& branch, std::int64_t first, std::int64_t count, std::int64_t step,
         std::int32_t value) {
  WriteOptions options;
  options.branch = branch;
  must(graph.write(options, [&](WriteTransaction& transaction) -> Result<void> {
    auto rows = std::make_shared<StagedRows>(*transaction.base()->catalog(), kItem);
    columnar::ArrayBuilder id(columnar::utf8()), name(columnar::utf8()), text(columnar::utf8()),
        number(columnar::primitive(columnar::TypeId::kInt32));
    for (std::int64_t i = 0; i < count; ++i) {
      id.append_string(name_of(first + i * step));
      name.append_string(name_of(first + i * step));
      text.append_string("some text that is not very long");
      number.append_value(value);
    }
    OG_RETURN_IF_ERROR(
        rows->append({rows->fields(), {id.finish(), name.finish(), text.finish(), number.finish()}, count}));
    transaction.put(std::move(rows), PutMode::kMerge, false);
    return {};
  }));
}

// Every row of one state with its counterpart in the other.
std::uint64_t compare_all(const Snapshot& before, const Snapshot& after) {
  RowComparer rows = must(RowComparer::open(before, kItem, after, kItem));
  std::uint64_t changed = 0;
  std::map<std::string_view, Ordinal> others;
  const TableView& old_rows = *rows.a().view();
  for (Ordinal o = 0; o < old_rows.physical_rows(); ++o) {
    if (!old_rows.is_deleted(o)) others.emplace_hint(others.end(), must(rows.a().text(RowReader::kId, o)), o);
  }
  const TableView& new_rows = *rows.b().view();
  for (Ordinal o = 0; o < new_rows.physical_rows(); ++o) {
    if (new_rows.is_deleted(o)) continue;
    const auto found = others.find(must(rows.b().text(RowReader::kId, o)));
    if (found == others.end() || !must(rows.equal(found->second, o))) ++changed;
  }
  return changed;
}

template <class Body>
void measure(const char* what, const Body& body) {
  double best = 1e300;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    body(run);
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::printf("%-28s %10.2f ms\n", what, best);
  std::fflush(stdout);
}

int run(std::int64_t rows, std::int64_t changed) {
  const auto graph = must(GraphStore::init(objectstore::make_memory_store(),
                                           "node Item { name: String @key  text: String  number: I32 }", std::nullopt,
                                           {.background_settle = false}));
  put(*graph, "main", 0, rows, 1, 0);
  for (int i = 0; i < kRuns; ++i) {
    const std::string branch = "w" + std::to_string(i);
    must(graph->create_branch(branch, "main"));
    put(*graph, branch, 0, changed, rows / changed, i + 1);
  }
  const SnapshotPtr before = must(graph->head("main"));
  const SnapshotPtr after = must(graph->head("w0"));
  measure("compare both tables whole",
          [&](int) { OG_CHECK(compare_all(*before, *after) == static_cast<std::uint64_t>(changed)); });
  measure("diff by files", [&](int) {
    const auto pairs = pair_types(*before, *after, true);
    OG_CHECK(must(diff_type(*before, *after, pairs.at(0))).size() == static_cast<std::size_t>(changed));
  });
  // Each run has a target of its own, which moved too: no merge is a fast-forward.
  for (int i = 0; i < kRuns; ++i) {
    const std::string target = "t" + std::to_string(i);
    must(graph->create_branch(target, "main"));
    put(*graph, target, 1, 1, 1, -1);
  }
  measure("three-way merge", [&](int run) {
    const std::string number = std::to_string(run);
    MergeRequest request;
    request.source = "w" + number;
    request.target = "t" + number;
    const MergeResult result = must(merge_branches(graph->parts(), request));
    OG_CHECK(result.outcome == MergeOutcome::kMerged);
  });
  return 0;
}

}  // namespace
}  // namespace omnigraph::graph

int main(int argc, char** argv) {
  const long rows = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  const long changed = argc > 2 ? std::atol(argv[2]) : 1'000;
  return omnigraph::graph::run(rows, changed);
}
