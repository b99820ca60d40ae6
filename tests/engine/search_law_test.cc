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
#include "engine/profile.h"
#include "objectstore/object_store.h"
#include "tests/engine/changes_support.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::engine {
namespace {

using testing_support::load;
using testing_support::mutate;

constexpr const char* kLawSchema = R"(
node Doc { slug: String @key  body: String? @index  n: I32  vec: Vector(3)? @index
           m: I32? @index  ratio: F64? @index  day: Date? @index  state: enum(open, shut, lost)? @index }
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
query within($a: I32, $b: I32) { match { $d: Doc  $d.m >= $a  $d.m < $b  $d.n != 4 }
                                 return { $d.slug as slug, $d.m as m, $d.n as n } order { $d.slug } }
query exactly($a: I32) { match { $d: Doc { m: $a } } return { $d.slug as slug } order { $d.slug } }
query above($x: F64) { match { $d: Doc  $x < $d.ratio } return { count($d) as n, max($d.ratio) as most } }
query since($d: Date) { match { $e: Doc  $e.day >= $d  $e.state = "lost" } return { $e.slug as slug } order { $e.slug } }
query begins($p: String) { match { $d: Doc  $d.slug starts_with $p } return { $d.slug as slug } order { $d.slug } }
query text_of($p: String) { match { $d: Doc  $d.body >= $p  $d.body <= "w2 w" } return { count($d) as n } }
query next_to($a: I32) { match { $d: Doc  $d.m = $a  $d near $e } return { $d.slug as slug, $e.slug as other }
                         order { $d.slug, $e.slug } }
query first_by_m($k: I64) { match { $d: Doc  $d.n != 3 } return { $d.slug as slug, $d.m as m }
                            order { $d.m desc, $d.n } limit $k }
query last_by_text($k: I64) { match { $d: Doc  search($d.body, "w1 w2") } return { $d.slug as slug }
                              order { $d.body desc } offset 3 limit $k }
query by_key($k: I64) { match { $d: Doc } return { $d.slug as slug, $d.day as day } order { $d.slug } offset $k limit 5 }
query by_ratio($k: I64) { match { $d: Doc } return { $d.slug as slug, $d.ratio as ratio } order { $d.ratio } limit $k }
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
  if (random() % 7 != 0) line.append(",\"m\":").append(std::to_string(random() % 900));
  if (random() % 7 != 0) {
    constexpr std::array<const char*, 4> kRatios{"0.0", "-0.0", "1e300", "0.125"};
    const bool odd = random() % 40 == 0;
    line.append(",\"ratio\":").append(odd ? kRatios[random() % 4] : std::to_string(random() % 1000));
  }
  if (random() % 7 != 0) {
    line.append(",\"day\":\"20").append(std::to_string(10 + random() % 80)).append("-01-1");
    line.append(std::to_string(random() % 10)).append("\"");
  }
  if (random() % 7 != 0) {
    constexpr std::array<const char*, 3> kStates{"open", "shut", "lost"};
    line.append(",\"state\":\"").append(kStates[random() % 50 == 0 ? 2 : random() % 2]).append("\"");
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
        mutate_both("update Doc set { m: " + std::to_string(random_() % 900) +
                    " ratio: 7.25 } where n = " + std::to_string(random_() % 10) + " and m < 100");
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
      const std::string m = std::to_string(random_() % 900);
      expect_same("within", R"({"a":)" + m + R"(,"b":)" + std::to_string(random_() % 900) + "}");
      expect_same("exactly", R"({"a":)" + m + "}");
      expect_same("next_to", R"({"a":)" + m + "}");
      expect_same("above", R"({"x":)" + std::to_string(random_() % 1000) + ".5}");
      expect_same("since", R"({"d":"20)" + std::to_string(10 + random_() % 80) + "-01-15\"}");
      expect_same("begins", R"({"p":"d)" + std::to_string(random_() % 100) + "\"}");
      expect_same("text_of", R"({"p":")" + word(random_) + "\"}");
      for (const char* name : {"first_by_m", "last_by_text", "by_key", "by_ratio"}) {
        expect_same(name, R"({"k":)" + std::to_string(1 + random_() % 60) + "}");
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

// Goal: comparisons that few rows pass start at these rows once there is an index, and only then.
TEST(SearchLaw, OrderedIndexesLeadToFewRows) {
  const objectstore::testing::TemporaryFolder folder{"ordered_indexes"};  // indexes in a bucket are not looked at
  const auto store = objectstore::open_local_store(folder.path()).value();
  auto graph = testing_support::fresh_graph(
      store, "node Spot { code: String @key  m: I32? @index  x: F64 @index  n: I32 }\nedge By: Spot -> Spot");
  std::string lines;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i);
    lines.append(R"({"type":"Spot","data":{"code":"s)")
        .append(text)
        .append(R"(","m":)")
        .append(std::to_string(i % 500));
    lines.append(R"(,"x":)").append(text).append(R"(.5,"n":)").append(text).append("}}\n");
  }
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i);
    lines.append(R"({"edge":"By","from":"s)").append(text).append(R"(","to":"s)").append(text).append("\"}\n");
  }
  ASSERT_TRUE(load(*graph, lines));
  const auto source_of = [&](const std::string& clauses, const std::string& rest = "") {
    const auto planned =
        profile_query(*graph, "query q() { match { $s: Spot " + clauses + " } return { $s.code } " + rest + " }", "",
                      "", {}, exec::ProfileScope::Mode::kExplain);
    EXPECT_TRUE(planned) << planned.error().render();
    const exec::OperatorProfile* at = &planned->profile.operators.at(0);
    while (!at->children.empty()) at = &at->children[0];
    return at->name + " " + std::to_string(static_cast<int>(at->estimated_rows.value_or(-1)));
  };
  EXPECT_EQ(source_of("$s.m = 7").substr(0, 5), "scan ");
  ASSERT_TRUE(optimize(*graph, "main"));
  graph = Graph::open_on(store, "memory").value();
  EXPECT_EQ(source_of("$s.m = 7"), "look-up 10");
  EXPECT_EQ(source_of("$s.m = 7 $s.x >= 4998"), "look-up 2") << "the property that leaves fewest";
  EXPECT_EQ(source_of("$s.x > 4950 $s.x < 4960.5"), "look-up 10");
  EXPECT_EQ(source_of("$s.code starts_with \"s49\" $s.n > 3").substr(0, 5), "scan ") << "111 are too many";
  EXPECT_EQ(source_of("$s.code starts_with \"s499\""), "look-up 11");
  EXPECT_EQ(source_of("$s.m = 501"), "look-up 0");
  EXPECT_EQ(source_of("$t: Spot $s by $t $t.m = 7"), "look-up 10") << "the start that has fewest rows";
  EXPECT_EQ(source_of("$s.n = 7").substr(0, 5), "scan ") << "not declared";
  EXPECT_EQ(source_of("", "order { $s.x desc } limit 7"), "look-up 7");
  EXPECT_EQ(source_of("", "order { $s.code } offset 2 limit 7"), "look-up 9");
  EXPECT_EQ(source_of("", "order { $s.m, $s.x } limit 7"), "look-up 10") << "those equal to the last, too";
  EXPECT_EQ(source_of("$s.n > 1000", "order { $s.x } limit 7").substr(0, 5), "scan ") << "the first 1000 do not pass";
  EXPECT_EQ(source_of("", "order { $s.x } limit 700").substr(0, 5), "scan ") << "too many";
  EXPECT_EQ(source_of("", "order { $s.n } limit 7").substr(0, 5), "scan ") << "not declared";
}

}  // namespace
}  // namespace omnigraph::engine
