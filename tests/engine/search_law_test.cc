// The law of search (chapter 04): the same rows, scores and order with no index, some or all, before and after
// optimize, in any layout of the data files. OMNIGRAPH_SEARCH_ROUNDS: how many histories (2). Seeds are printed;
// OMNIGRAPH_SEARCH_SEED repeats one.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "base/ulid.h"
#include "base/warning.h"
#include "columnar/scalar.h"
#include "engine/maintenance.h"
#include "objectstore/object_store.h"
#include "tests/engine/changes_support.h"

namespace omnigraph::engine {
namespace {

using testing_support::load;
using testing_support::mutate;

constexpr const char* kLawSchema = R"(
node Doc { slug: String @key  body: String? @index  n: I32  vec: Vector(3)? @index }
edge Near: Doc -> Doc
)";
// Above the size from which a data file gets indexes.
constexpr int kFirstDocs = 4600;

constexpr const char* kQueries = R"(
query best($q: String) { match { $d: Doc } return { $d.slug as slug, bm25($d.body, $q) as score }
                         order { bm25($d.body, $q) } limit 7 }
query best_of_some($q: String) { match { $d: Doc  $d.n < 3 } return { $d.slug as slug, bm25($d.body, $q) as score }
                                 order { bm25($d.body, $q) } limit 20 }
query found($q: String) { match { $d: Doc  search($d.body, $q) } return { count($d) as n, sum($d.n) as total } }
query near_words($q: String) { match { $d: Doc  fuzzy($d.body, $q, 1) } return { count($d) as n } }
query fused($q: String) { match { $d: Doc } return { $d.slug as slug }
                          order { rrf(nearest($d.vec, [0.5, 0.25, 0.125]), bm25($d.body, $q)) } limit 9 }
query hops() { match { $a: Doc  $a near $b  $b near $c } return { count($c) as walks, sum($b.n) as total } }
query back($s: String) { match { $b: Doc { slug: $s }  $a near $b } return { $a.slug as slug } order { $a.slug } }
)";

std::string word(std::mt19937_64& random) {
  std::string text("w");
  text.append(std::to_string(static_cast<int>(300.0 / static_cast<double>(random() % 300 + 1))));
  return random() % 6 == 0 ? text.append("ing") : text;
}

std::string doc_line(std::mt19937_64& random, int i) {
  std::string line = R"({"type":"Doc","data":{"slug":"d)";
  line.append(std::to_string(i)).append(R"(","n":)").append(std::to_string(random() % 10));
  if (random() % 12 != 0) {
    line += R"(,"body":")";
    for (std::uint64_t w = random() % 9; w > 0; --w) line.append(word(random)).append(" ");
    line += '"';
  }
  if (random() % 5 != 0) {
    line.append(",\"vec\":[").append(std::to_string(random() % 4)).append(",0.5,");
    line.append(std::to_string(random() % 3)).append("]");
  }
  return line.append("}}\n");
}

// Two graphs with the same content: one is optimized and has indexes that come, go and break; the other has none.
class LawWorld {
 public:
  explicit LawWorld(std::uint64_t seed) : random_(seed) {
    for (Side& side : sides_) {
      side.folder = std::filesystem::path(::testing::TempDir()) / ("search-law-" + base::new_ulid());
      side.graph = Graph::init(side.folder.string(), kLawSchema, std::nullopt).value();
    }
    std::string lines;
    for (int i = 0; i < kFirstDocs; ++i) lines += doc_line(random_, i);
    load_both(lines);
    load_edges(kFirstDocs);
    docs_ = kFirstDocs;
  }
  ~LawWorld() {
    for (Side& side : sides_) {
      side.graph.reset();
      std::filesystem::remove_all(side.folder);
    }
  }

  void step() {
    switch (random_() % 8) {
      case 0: return optimize_one();
      case 1: return damage_some();
      case 2: {
        std::string lines;
        for (int i = 0; i < 200; ++i) lines += doc_line(random_, docs_++);
        return load_both(lines);
      }
      case 3: return load_edges(100);
      case 4: {  // new content for some that are there, or were
        std::string lines;
        const int first = static_cast<int>(random_() % 80);
        for (int i = 0; i < 60; ++i) lines += doc_line(random_, first + 81 * i);
        docs_ = std::max(docs_, 5000);
        return load_both(lines);
      }
      case 5:
        return mutate_both("delete Doc where n = " + std::to_string(random_() % 10) + " and slug > \"d" +
                           std::to_string(random_() % 90) + "\" and slug < \"d9\"");
      case 6:
        return mutate_both("update Doc set { body: \"" + word(random_) + " " + word(random_) +
                           "\" } where n = " + std::to_string(random_() % 10));
      default: return branch_off();
    }
  }

  void expect_same_answers() {
    for (int i = 0; i < 4; ++i) {
      std::string q = word(random_);
      for (std::uint64_t more = random_() % 4; more > 0; --more) q.append(" ").append(word(random_));
      for (const char* name : {"best", "best_of_some", "found", "near_words", "fused"}) {
        expect_same(name, R"({"q":")" + q + "\"}");
      }
      expect_same("back", R"({"s":"d)" + std::to_string(random_() % 200) + "\"}");
    }
    expect_same("hops", "{}");
  }

 private:
  struct Side {
    std::filesystem::path folder;
    std::shared_ptr<Graph> graph;
  };

  void load_both(const std::string& lines) {
    for (Side& side : sides_) {
      const auto done = load(*side.graph, lines, LoadMode::kMerge, branch_);
      ASSERT_TRUE(done) << done.error().render();
    }
  }

  // Between documents that are there.
  void load_edges(int count) {
    std::set<std::string> there;
    const auto slugs = answer(*sides_[1].graph, "query all() { match { $d: Doc } return { $d.slug as slug } }", "", "");
    for (std::size_t at = slugs.find("\"d"); at != std::string::npos; at = slugs.find("\"d", at + 1)) {
      there.insert(slugs.substr(at + 1, slugs.find('"', at + 1) - at - 1));
    }
    const std::vector<std::string> list(there.begin(), there.end());
    std::string lines;
    for (int i = 0; i < count && !list.empty(); ++i) {
      lines.append(R"({"edge":"Near","from":")").append(list[random_() % list.size()]).append(R"(","to":")");
      lines.append(list[random_() % list.size()]).append("\"}\n");
    }
    load_both(lines);
  }

  void mutate_both(const std::string& statement) {
    for (Side& side : sides_) {
      const auto done = mutate(*side.graph, statement, branch_);
      ASSERT_TRUE(done) << statement << ": " << done.error().render();
    }
  }

  void optimize_one() {
    const auto done = optimize(*sides_[0].graph, branch_);
    ASSERT_TRUE(done) << done.error().render();
    reopen();
  }

  void branch_off() {
    const std::string name = "b" + std::to_string(branches_++);
    for (Side& side : sides_) ASSERT_TRUE(side.graph->create_branch(name, branch_));
    branch_ = name;
  }

  // Removes some objects below index/ and flips bits in others; then a new process, as it were.
  void damage_some() {
    std::error_code none;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sides_[0].folder / "index", none)) {
      if (!entry.is_regular_file() || random_() % 3 != 0) continue;
      if (random_() % 2 == 0) {
        std::filesystem::remove(entry.path());
        continue;
      }
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto at = static_cast<std::streamoff>(random_() % entry.file_size());
      file.seekg(at);
      const int byte = file.get();
      file.seekp(at);
      file.put(static_cast<char>(byte ^ 8));
    }
    reopen();
  }

  void reopen() {
    sides_[0].graph.reset();
    sides_[0].graph = Graph::open(sides_[0].folder.string()).value();
  }

  std::string answer(Graph& graph, const std::string& source, const std::string& name, const std::string& parameters) {
    const auto got = graph.query(source, name, parameters, {.branch = branch_, .snapshot = {}});
    if (!got) return got.error().render();
    std::string text;
    for (std::int64_t i = 0; i < got->result.rows.length; ++i) {
      for (const auto& column : got->result.rows.columns) {
        columnar::append_json(text, *column, i);
        text += ' ';
      }
      text += '\n';
    }
    return text;
  }

  void expect_same(const std::string& name, const std::string& parameters) {
    ASSERT_EQ(answer(*sides_[0].graph, kQueries, name, parameters),
              answer(*sides_[1].graph, kQueries, name, parameters))
        << name << " " << parameters << " on " << branch_;
  }

  std::mt19937_64 random_;
  std::array<Side, 2> sides_;
  std::string branch_ = "main";
  int docs_ = 0;
  int branches_ = 0;
};

std::uint64_t number_option(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(SearchLaw, IndexesNeverChangeAnAnswer) {
  base::set_warning_sink([](std::string_view, std::string_view) {});
  std::uint64_t seed = number_option("OMNIGRAPH_SEARCH_SEED", std::random_device{}());
  for (std::uint64_t round = number_option("OMNIGRAPH_SEARCH_ROUNDS", 2); round > 0; --round, ++seed) {
    SCOPED_TRACE(::testing::Message() << "OMNIGRAPH_SEARCH_SEED=" << seed);
    LawWorld world(seed);
    for (int i = 0; i < 12 && !::testing::Test::HasFailure(); ++i) {
      world.step();
      world.expect_same_answers();
    }
    if (::testing::Test::HasFailure()) break;
  }
  base::set_warning_sink({});
}

// Goal: a nearest search through lists and codes finds exactly what a scan finds.
// Method: enough rows for a search, before and after optimize, then with changed and deleted rows.
TEST(SearchLaw, VectorSegmentsNeverChangeAnAnswer) {
  const std::uint64_t seed = number_option("OMNIGRAPH_SEARCH_SEED", std::random_device{}());
  SCOPED_TRACE(::testing::Message() << "OMNIGRAPH_SEARCH_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto store = objectstore::make_memory_store();
  auto graph = testing_support::fresh_graph(store, "node Spot { code: String @key  n: I32  place: Vector(3)? @index }");
  std::string lines;
  const auto add_spots = [&](int begin, int end) {
    for (int i = begin; i < end; ++i) {
      lines.append(R"({"type":"Spot","data":{"code":"s)").append(std::to_string(i)).append(R"(","n":)");
      lines.append(std::to_string(random() % 10));
      if (random() % 8 != 0) {
        const double cluster = static_cast<double>(random() % 30);
        const auto near = [&] { return std::to_string(cluster + static_cast<double>(random() % 64) / 64); };
        lines.append(",\"place\":[").append(near()).append(",").append(near()).append(",").append(near()).append("]");
      }
      lines += "}}\n";
    }
  };
  const auto answers = [&] {
    std::string text;
    for (int q = 0; q < 8; ++q) {
      const std::string at = std::to_string(q * 3.7);
      for (const char* filter : {"", "  $s.n < 9"}) {
        const std::string source =
            std::string("query q($v: Vector(3)) { match { $s: Spot")
                .append(filter)
                .append(" } return { $s.code, nearest($s.place, $v) } order { nearest($s.place, $v) } limit 12 }");
        const auto got = graph->query(source, "", "{\"v\":[" + at + ",2," + at + "]}", {});
        EXPECT_TRUE(got) << got.error().render();
        for (std::int64_t i = 0; got && i < got->result.rows.length; ++i) {
          for (const auto& column : got->result.rows.columns) columnar::append_json(text.append(" "), *column, i);
        }
        text += '\n';
      }
    }
    return text;
  };
  const auto segments = [&] { return store->list("index/vector/").value().objects; };
  add_spots(0, 24'000);
  ASSERT_TRUE(load(*graph, lines));
  for (int state = 0; state < 3; ++state) {
    for (const objectstore::ObjectInfo& object : segments()) ASSERT_TRUE(store->remove(object.key));
    graph = Graph::open_on(store, "memory").value();
    const std::string scanned = answers();
    ASSERT_TRUE(optimize(*graph, "main"));
    ASSERT_EQ(segments().size(), 1u);
    graph = Graph::open_on(store, "memory").value();
    ASSERT_EQ(answers(), scanned) << "state " << state;
    lines.clear();
    add_spots(state * 1000, state * 1000 + 600);
    ASSERT_TRUE(load(*graph, lines));
    ASSERT_TRUE(mutate(*graph, "delete Spot where n = 4 and code > \"s2\" and code < \"s21\""));
  }
}

}  // namespace
}  // namespace omnigraph::engine
