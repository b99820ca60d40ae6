// Scans whose rows are never listed one by one, against the same queries written so that every row is evaluated: with a
// zero added, a column is an expression and no kernel knows it.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

struct Field {
  const char* name;
  const char* zero;  // of its family
  const char* literals[4];
};
constexpr Field kFields[] = {{"i", "0", {"-3", "0", "2", "2147483647"}},
                             {"l", "0", {"-4000000000", "-1", "3", "7.5"}},
                             {"u", "0", {"0", "1", "4000000000", "2"}},
                             {"f", "0.0", {"-1.5", "0.0", "0.25", "1e20"}},
                             {"d", "0.0", {"-1e300", "0.5", "2", "-0.25"}}};

struct ScanTest : ::testing::Test {
  ScanTest()
      : seed(std::random_device{}()),
        random(seed),
        trace("", 0, ::testing::Message() << "seed " << seed),
        graph("node P { key: I32 @key  i: I32?  l: I64?  u: U32?  f: F32?  d: F64?  c: String? }",
              1 + static_cast<std::size_t>(random() % 1500)) {
    // More than one batch, several chunks, nulls, ties, removed rows.
    std::ostringstream rows;
    const int count = 4000 + static_cast<int>(random() % 5000);
    for (int n = 0; n < count; ++n) {
      rows << R"({"type":"P","data":{"key":)" << n;
      const auto some = [&] { return random() % 7 != 0; };
      if (some()) rows << ",\"i\":" << static_cast<int>(random() % 11) - 5;
      if (some()) rows << ",\"l\":" << (static_cast<std::int64_t>(random() % 9) - 4) * 1'000'000'000;
      if (some()) rows << ",\"u\":" << random() % 5 * 1'000'000'000;
      if (some()) rows << ",\"f\":" << static_cast<double>(random() % 17) / 4 - 2;
      if (some()) rows << ",\"d\":" << static_cast<double>(random() % 5000) / 8 - 300;
      if (some()) rows << ",\"c\":\"" << "xyz"[random() % 3] << "\"";
      rows << "}}\n";
    }
    graph.add(rows.str());
    std::set<int> removed;
    for (std::uint64_t n = random() % 300; n > 0; --n) removed.insert(static_cast<int>(random() % 4000));
    for (const int n : removed) graph.remove("P", std::to_string(n));
  }

  std::size_t below(std::size_t bound) { return random() % bound; }
  const Field& field() { return kFields[below(std::size(kFields))]; }
  static std::string plain(const Field& f) { return std::string("$p.").append(f.name); }
  static std::string made(const Field& f) {
    return std::string("($p.").append(f.name).append(" + ").append(f.zero).append(")");
  }

  // The same text twice, with columns and with expressions.
  struct Text {
    std::string fast, slow;
    void both(const std::string& text) { fast += text, slow += text; }
    void column(const Field& f) { fast += plain(f), slow += made(f); }
  };

  Text match() {
    Text text;
    text.both("query q() { match { $p: P ");
    for (std::size_t n = below(3); n > 0; --n) {
      const Field& f = field();
      text.column(f);
      const char* const operators[] = {"<", "<=", ">", ">=", "=", "!="};
      text.both(std::string(" ").append(operators[below(6)]).append(" ").append(f.literals[below(4)]).append(" "));
    }
    if (below(4) == 0) text.both("$p.c >= \"y\" ");
    text.both("} ");
    return text;
  }

  void expect_same(const Text& text) {
    const auto fast = read(*graph.snapshot(), text.fast);
    const auto slow = read(*graph.snapshot(), text.slow);
    EXPECT_EQ(fast.rows, slow.rows) << text.fast << "\n" << text.slow;
    for (const std::string& row : fast.rows) ASSERT_FALSE(row.starts_with("error")) << row << " " << text.fast;
  }

  const std::uint64_t seed;
  std::mt19937_64 random;
  const ::testing::ScopedTrace trace;
  FakeGraph graph;
};

// Goal: any filters, any aggregates, with nulls and removed rows. The sums are exact in F64, so that they must be
// equal.
TEST_F(ScanTest, AggregatesOfColumnsEqualThoseOfExpressions) {
  for (int round = 0; round < 60; ++round) {
    Text text = match();
    text.both("return { count($p) as n");
    const std::size_t count = below(4);
    for (std::size_t a = 0; a < count; ++a) {
      const char* const functions[] = {"sum", "avg", "min", "max", "count"};
      text.both(std::string(", ").append(functions[below(5)]).append("("));
      text.column(field());
      text.both(std::string(") as a").append(std::to_string(a)));
    }
    text.both(" } }");
    expect_same(text);
  }
}

// Goal: the first rows of any order, ties broken by id, wherever nulls come.
TEST_F(ScanTest, FirstRowsByColumnEqualThoseByExpression) {
  for (int round = 0; round < 60; ++round) {
    Text text = match();
    text.both("return { $p.key } order { ");
    text.column(field());
    text.both(below(2) == 0 ? " desc" : " asc");
    if (below(2) == 0) {
      text.both(", ");
      text.column(field());
    }
    text.both(" } limit " + std::to_string(1 + below(below(3) == 0 ? 3000 : 30)) + " }");
    expect_same(text);
  }
}

}  // namespace
}  // namespace omnigraph::exec::testing
