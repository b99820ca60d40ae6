// Random small graphs and random queries against the naive evaluator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "columnar/scalar.h"
#include "query/compile.h"
#include "query/parameters.h"
#include "tests/exec/fake_graph.h"
#include "tests/exec/naive_evaluator.h"

namespace omnigraph::exec::testing {
namespace {

constexpr std::string_view kSchema = R"(
node A { key: String @key  x: I32?  y: F64?  f: F32?  t: String?  b: Bool?  l: [String]?  u: U64?  d: Date? }
node B { x: I64?  t: String? }
edge Likes: A -> A { w: I32? }
edge Owns: A -> B { w: I32? }
edge Near: B -> B
)";
constexpr std::string_view kParameters = "$pi: I64, $pf: F64, $pg: F32, $ps: String?, $pn: String?";
constexpr std::string_view kValues = R"({"pi":-1,"pf":0.5,"pg":0.1,"ps":"a"})";

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }

  std::string rows() {
    std::string out;
    const int a_count = 1 + below(6);
    const int b_count = 1 + below(4);
    for (int i = 0; i < a_count; ++i) {
      out += R"({"type":"A","data":{"key":"k)" + std::to_string(i) + "\"";
      const auto add = [&](const std::string& name, const std::vector<std::string>& values) {
        if (chance(75)) out += ",\"" + name + "\":" + pick(values);
      };
      add("x", {"-1", "0", "1", "2", "2147483647"});
      add("y", {"-0.0", "0.0", "0.5", "1.0", "9007199254740992.0"});
      add("f", {"0.1", "0.5", "-0.0", "0.0", "16777216"});
      add("t", {"\"\"", "\"a\"", "\"ab\"", "\"k1\""});
      add("b", {"true", "false"});
      add("l", {"[]", R"(["a"])", R"(["ab","a"])"});
      add("u", {"0", "1", "9223372036854775808", "18446744073709551615"});
      add("d", {"\"2020-01-01\"", "\"2021-05-05\""});
      out += "}}\n";
    }
    for (int i = 0; i < b_count; ++i) {
      out += "{\"type\":\"B\",\"data\":{\"x\":" + pick<std::string>({"0", "1", "9007199254740993", "null"}) +
             ",\"t\":" + pick<std::string>({"\"a\"", "\"ab\"", "null"}) + "}}\n";
    }
    const auto node = [&](bool a) {
      return a ? "k" + std::to_string(below(a_count)) : "n" + std::to_string(1 + below(b_count));
    };
    const auto edges = [&](const std::string& type, bool from_a, bool to_a, int count) {
      for (int i = 0; i < count; ++i) {
        out += R"({"edge":")" + type + R"(","from":")" + node(from_a) + R"(","to":")" + node(to_a) +
               R"(","data":{"w":)" + std::to_string(below(3)) + "}}\n";
      }
    };
    edges("Likes", true, true, below(10));
    edges("Owns", true, false, below(6));
    edges("Near", false, false, below(6));
    return out;
  }

  std::string query() {
    variables_.clear();
    edges_.clear();
    next_ = 0;
    optional_.clear();
    paths_.clear();
    extended_ = chance(60);
    std::string match = binding();
    const int clauses = below(4);
    for (int i = 0; i < clauses; ++i) {
      const int kind = below(extended_ ? 14 : 10);
      match += kind < 5    ? traversal()
               : kind < 6  ? (variables_.size() < 3 ? binding() : filter())
               : kind < 8  ? filter()
               : kind < 10 ? negation(2)
               : kind < 12 ? optional(2)
                           : condition(2);
    }
    return "query q(" + std::string(kParameters) + ") { match { " + match + " } " + result() + " }";
  }

 private:
  struct Variable {
    std::string name;
    bool a;
  };

  std::string fresh() { return "$v" + std::to_string(next_++); }

  std::string binding() {
    const bool a = chance(75);
    const std::string name = fresh();
    variables_.push_back({name, a});
    std::string map;
    if (a && chance(25))
      map = " { " +
            pick<std::string>({"key: \"k1\"", "key: $ps", "x: 1", "l: \"a\"", "t: $pn", "y: 0.0", "u: 1", "f: 0.1"}) +
            " }";
    return name + ": " + (a ? "A" : "B") + map + " ";
  }

  // Any variable a condition may read: those of optional blocks too.
  Variable readable() {
    if (!optional_.empty() && chance(40)) return pick(optional_);
    return pick(variables_);
  }

  std::string traversal() { return traversal_from(pick(variables_)); }

  std::string traversal_from(Variable from) {  // a copy: the list grows below
    const std::string word =
        from.a ? pick<std::string>({"likes", "likes", "owns"}) : pick<std::string>({"near", "owns"});
    const bool same = word != "owns";
    const bool to_a = word == "likes" || (word == "owns" && !from.a);
    std::string to;
    std::vector<std::string> others;
    for (const Variable& v : variables_) {
      if (v.a == to_a) others.push_back(v.name);
    }
    if (chance(25) && !others.empty()) {
      to = pick(others);
    } else if (chance(15)) {
      to = "$_";
    } else if (variables_.size() < 4) {
      to = fresh();
      variables_.push_back({to, to_a});
    } else {
      to = others.empty() ? "$_" : pick(others);
    }
    std::string edge;
    std::string bounds;
    if (chance(25)) {
      edge = "$w" + std::to_string(next_++);
      if (word != "near") edges_.push_back(edge);
      edge += ":";
    } else if (chance(35)) {
      const int m = 1 + below(3);
      bounds = "{" + std::to_string(m) + "," + std::to_string(m + below(3)) + "}";
    }
    const bool undirected = same && chance(30);
    if (extended_ && !bounds.empty() && chance(50)) {
      paths_.push_back("$p" + std::to_string(next_++));
      return paths_.back() + " = shortest " + from.name + " " + (undirected ? "<" + word + ">" : word) + bounds + " " +
             to + " ";
    }
    return from.name + " " + edge + (undirected ? "<" + word + ">" : word) + bounds + " " + to + " ";
  }

  std::string number_operand() {
    return pick<std::string>({"0", "1", "2", "0.5", "0.1", "9007199254740993", "5000000000", "$pi", "$pf", "$pg"});
  }

  std::string filter() {
    const std::string op = pick<std::string>({"=", "!=", "<", "<=", ">", ">="});
    if (!edges_.empty() && chance(20))
      return pick(edges_) + ".w " + op + " " + pick<std::string>({"0", "1", "2"}) + " ";
    const Variable v = readable();
    const Variable other = readable();
    const std::vector<std::string> a_numbers{"x", "y", "f", "u"};
    const std::string number = v.a ? pick(a_numbers) : "x";
    switch (below(v.a ? 8 : 4)) {
      case 0: return v.name + ".t " + op + " " + pick<std::string>({"\"a\"", "\"k1\"", "$ps", "$pn"}) + " ";
      case 1:
        return v.name + ".t " + pick<std::string>({"contains", "starts_with"}) + " " +
               pick<std::string>({"\"a\"", "\"\"", "\"b\""}) + " ";
      case 2:
        return v.name + "." + number + " " + op + " " + other.name + "." + (other.a ? pick(a_numbers) : "x") + " ";
      case 4: return v.name + ".b " + op + " " + pick<std::string>({"true", "false"}) + " ";
      case 5: return v.name + ".l contains " + pick<std::string>({"\"a\"", "\"z\"", "$pn"}) + " ";
      case 6: return v.name + ".d " + op + " date(\"2020-01-01\") ";
      case 7: return number_operand() + " " + op + " " + v.name + "." + number + " ";
      default: return v.name + "." + number + " " + op + " " + number_operand() + " ";
    }
  }

  std::string operand() {
    const Variable v = readable();
    const std::string field = v.name + "." + (v.a ? pick<std::string>({"x", "y", "f", "u"}) : "x");
    const std::string other = chance(50) ? number_operand() : v.name + "." + (v.a ? "x" : "x");
    switch (below(6)) {
      case 0: return field + " + " + other;
      case 1: return field + " * -2";
      case 2: return "(" + other + " - " + field + ") / (" + field + " - 1)";
      case 3: return "-" + field + " % 3";
      case 4: return other + " / " + field;
      default: return field;
    }
  }

  // A condition without blank clauses around it, from the whole grammar.
  std::string test(int depth) {
    const Variable v = readable();
    switch (below(depth > 0 ? 10 : 6)) {
      case 0:
        return v.name + "." + (v.a ? pick<std::string>({"x", "y", "t", "l", "b"}) : "t") + " is " +
               pick<std::string>({"null", "not null"});
      case 1: return v.name + "." + (v.a ? "x" : "x") + pick<std::string>({" in [1, 2.0]", " in [-1]", " in []"});
      case 2: return v.a ? "\"a\" in " + v.name + ".l" : v.name + ".t in [\"a\", \"ab\"]";
      case 3: return operand() + pick<std::string>({" = ", " < ", " >= ", " != "}) + operand();
      case 4: return v.name + ".t + \"b\" " + pick<std::string>({"= ", "> "}) + "\"ab\"";
      case 5:
        if (!paths_.empty()) {
          return pick<std::string>({"length(", "1 + length("}) + pick(paths_) + ")" +
                 pick<std::string>({" > 1", " is null", " < 3"});
        }
        return v.name + ".id " + pick<std::string>({"= ", "!= ", "> "}) + "\"k1\"";
      case 6:
      case 7: return "(" + test(depth - 1) + " or " + test(depth - 1) + ")";
      case 8: return "(" + test(depth - 1) + " and " + test(depth - 1) + ")";
      default: return "not " + test(depth - 1);
    }
  }

  std::string condition(int depth) { return test(depth) + " "; }

  std::string optional(int depth) {
    const auto variables = variables_;
    // Starts from what is there: also from an earlier block's variable.
    std::string inside = chance(70)
                             ? traversal_from(optional_.empty() || chance(70) ? pick(variables_) : pick(optional_))
                             : condition(1);
    const int more = below(3);
    for (int i = 0; i < more; ++i) {
      const int kind = below(10);
      inside += kind < 4                 ? traversal()
                : kind < 7 || depth == 1 ? condition(1)
                : kind < 9               ? optional(depth - 1)
                                         : negation(1);
    }
    std::vector<Variable> introduced;
    for (std::size_t i = variables.size(); i < variables_.size(); ++i) introduced.push_back(variables_[i]);
    variables_ = variables;
    optional_.insert(optional_.end(), introduced.begin(), introduced.end());
    return "optional { " + inside + "} ";
  }

  std::string negation(int depth) {
    const auto variables = variables_;
    const auto edges = edges_;
    const auto paths = paths_;
    std::string inside =
        chance(70) ? traversal_from(optional_.empty() || chance(60) ? pick(variables_) : pick(optional_)) : filter();
    const int more = below(3);
    for (int i = 0; i < more; ++i) {
      const int kind = below(10);
      inside += kind < 4 ? traversal() : kind < 8 || depth == 1 ? filter() : kind < 9 ? binding() : negation(depth - 1);
    }
    variables_ = variables;
    edges_ = edges;
    paths_ = paths;
    return "not { " + inside + "} ";
  }

  std::string key() {
    const Variable v = readable();
    if (extended_ && chance(10)) return v.name + ".id";
    if (!edges_.empty() && chance(20)) return pick(edges_) + ".w";
    return chance(40) ? v.name
                      : v.name + "." +
                            (v.a ? pick<std::string>({"x", "y", "f", "t", "b", "u", "d", "key"})
                                 : pick<std::string>({"x", "t"}));
  }

  std::string result() {
    std::string out;
    std::vector<std::string> names;
    const bool aggregates = chance(50);
    const bool distinct = extended_ && chance(25);
    const int keys = aggregates ? below(3) : 1 + below(3);
    for (int i = 0; i < keys; ++i) {
      names.push_back("c" + std::to_string(i));
      out += key() + " as " + names.back() + " ";
    }
    if (extended_ && !aggregates && chance(40)) {
      const Variable v = readable();
      out += pick<std::string>({v.name + ".x + 1", "2.5 * " + v.name + ".x", v.name + ".t + \"!\""}) + " as e ";
      names.push_back("e");
    }
    if (!paths_.empty() && !aggregates && chance(60)) {
      names.push_back("n");
      out += "length(" + pick(paths_) + ") as n ";
      if (chance(60)) out += pick<std::string>({"nodes(", "edges("}) + pick(paths_) + ") as w ";
    }
    const int computed = aggregates ? 1 + below(3) : 0;
    for (int i = 0; i < computed; ++i) {
      const Variable v = readable();
      const std::string number = v.name + "." + (v.a ? pick<std::string>({"x", "y", "u"}) : "x");
      names.push_back("m" + std::to_string(i));
      const int kind = below(extended_ ? 11 : 6);
      if (kind > 5) {
        out += (kind == 6   ? "count(distinct " + v.name + ")"
                : kind == 7 ? "count(distinct " + v.name + (v.a ? ".y)" : ".t)")
                : kind == 8 ? "count(" + v.name + ") * 2 - count(distinct " + v.name + ".t)"
                : kind == 9 ? "sum(" + v.name + ".x + 1)"
                            : "max(" + v.name + ".t + \"z\")") +
               " as " + names.back() + " ";
        continue;
      }
      out += (kind == 0   ? "count(" + v.name + ")"
              : kind == 1 ? "count(" + v.name + ".t)"
              : kind == 2 ? "sum(" + v.name + ".x)"
              : kind == 3 ? "avg(" + v.name + ".x)"
              : kind == 4 ? "min(" + number + ")"
                          : "max(" + v.name + ".t)") +
             " as " + names.back() + " ";
    }
    std::string text = std::string("return ") + (distinct ? "distinct " : "") + "{ " + out + "}";
    if (chance(50)) {
      text += " order { " + pick(names) + pick<std::string>({"", " asc", " desc"});
      if (chance(40)) text += ", " + pick(names) + pick<std::string>({"", " desc"});
      text += " }";
      if (chance(40)) text += " limit " + std::to_string(below(6));
      if (extended_ && chance(30)) text += " offset " + std::to_string(below(4));
    }
    return text;
  }

  std::mt19937_64 random_;
  std::vector<Variable> variables_;
  std::vector<Variable> optional_;  // of optional blocks
  std::vector<std::string> edges_;
  std::vector<std::string> paths_;
  bool extended_ = false;  // chapter 14 too
  int next_ = 0;
};

// Which of the two zeros stands for their group is open.
void join_zeros(std::vector<std::string>& rows) {
  for (std::string& row : rows) {
    for (std::size_t at = row.find("-0.0"); at != std::string::npos; at = row.find("-0.0")) row.erase(at, 1);
  }
}

// The rows that offset and limit leave.
std::vector<std::string> window_of(const std::vector<std::string>& rows, const query::ReadQuery& read) {
  const auto count = [](const std::optional<query::Expr>& expr, std::size_t otherwise) {
    return expr.has_value() ? static_cast<std::size_t>(std::get<std::int64_t>(expr->literal.value)) : otherwise;
  };
  const std::size_t begin = std::min(count(read.offset, 0), rows.size());
  const std::size_t length = std::min(count(read.limit, rows.size()), rows.size() - begin);
  const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin);
  return {first, first + static_cast<std::ptrdiff_t>(length)};
}

// Goal: the planner and all operators agree with the definition.
// Method: many queries on many graphs; OMNIGRAPH_TEST_SEED repeats one run.
TEST(RandomQueries, AgreeWithTheNaiveEvaluator) {
  const char* given = std::getenv("OMNIGRAPH_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const char* rounds_given = std::getenv("OMNIGRAPH_TEST_ROUNDS");
  const int rounds = rounds_given != nullptr ? std::atoi(rounds_given) : 100;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Generator generator(seed);
  int compiled = 0;
  int tried = 0;
  const std::vector<std::string> words{"optional {", "shortest", "distinct", "offset", " or ",
                                       " in [",      "is null",  "not (",    "edges("};
  std::map<std::string, int> used;
  for (int round = 0; round < rounds; ++round) {
    FakeGraph graph(kSchema, 1 + static_cast<std::size_t>(round % 4));
    const std::string rows = generator.rows();
    graph.add(rows);
    if (generator.chance(30)) {  // A deleted node takes its edges out of the adjacency.
      graph.remove("B", "n1");
    }
    const graph::SnapshotPtr snapshot = graph.snapshot();
    for (int i = 0; i < 20; ++i) {
      const std::string text = generator.query();
      ++tried;
      const auto bound = query::compile(text, "", graph.catalog());
      if (!bound) continue;
      ++compiled;
      for (const std::string& word : words) used[word] += text.find(word) != std::string::npos ? 1 : 0;
      const auto values = query::read_parameters(**bound, kValues);
      ASSERT_TRUE(values) << values.error().message << "\n" << text;
      std::vector<std::string> expected = naive_rows(**bound, *values, *snapshot);
      std::vector<std::string> actual = read(*snapshot, text, kValues).rows;
      const query::ReadQuery& read_query = *(*bound)->read;
      if (read_query.aggregates || read_query.distinct) {
        join_zeros(expected);
        join_zeros(actual);
      }
      if (read_query.order.empty()) {
        std::ranges::sort(expected);
        std::ranges::sort(actual);
      }
      expected = window_of(expected, read_query);
      ASSERT_EQ(actual, expected) << "seed " << seed << "\n" << text << "\n" << rows;
    }
  }
  for (const std::string& word : words) EXPECT_GT(used[word] * 1000, compiled) << word << " in " << used[word];
  EXPECT_GT(compiled * 10, tried * 6) << "the generator makes too many invalid queries";
}

}  // namespace
}  // namespace omnigraph::exec::testing
