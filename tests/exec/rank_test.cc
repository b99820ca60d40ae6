// Ranking of random small graphs against the definition (chapter 02 section 8, chapter 04 sections 1.3, 2 and 3).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <sstream>

#include "tests/exec/fake_graph.h"

namespace omnigraph::exec::testing {
namespace {

constexpr std::string_view kRankSchema = R"(
node Note { slug: String @key  body: String?  vec: Vector(2)?  weight: I32? }
node Tag { name: String @key }
edge Has: Note -> Tag
)";

struct Note {
  std::string slug;
  std::vector<std::string> words;
  bool has_body = false;
  bool has_vector = false;
  double x = 0, y = 0;
  int weight = 0;
};

struct RankedRow {
  std::string note, tag;
};

struct World {
  std::map<std::string, Note> notes;
  std::vector<RankedRow> rows;  // of `$n has $t`, or of `$n` alone with empty tags
  std::string ndjson;
};

const std::vector<std::string> kWords{"alpha", "beta", "gamma", "delta"};

World make_world(std::mt19937_64& random, bool traversal) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  World world;
  const int notes = 3 + below(12);
  for (int i = 0; i < notes; ++i) {
    Note note;
    note.slug = "n";
    note.slug += static_cast<char>('a' + (i * 7) % 26);
    note.has_body = below(5) > 0;
    note.has_vector = below(5) > 0;
    for (int w = below(5); w > 0; --w) note.words.push_back(kWords[static_cast<std::size_t>(below(4))]);
    note.x = below(4);
    note.y = below(3);
    note.weight = below(3);
    std::ostringstream line;
    line << R"({"type":"Note","data":{"slug":")" << note.slug << R"(","weight":)" << note.weight;
    if (note.has_body) {
      line << R"(,"body":")";
      for (const std::string& word : note.words) line << word << " ";
      line << "\"";
    }
    if (note.has_vector) line << R"(,"vec":[)" << note.x << "," << note.y << "]";
    line << "}}\n";
    world.ndjson += line.str();
    world.notes[note.slug] = note;
  }
  for (const char* tag : {"t1", "t2", "t3"}) {
    std::ostringstream line;
    line << R"({"type":"Tag","data":{"name":")" << tag << "\"}}\n";
    world.ndjson += line.str();
  }
  for (const auto& [slug, note] : world.notes) {
    if (!traversal) {
      world.rows.push_back({slug, ""});
      continue;
    }
    for (const char* tag : {"t1", "t2", "t3"}) {
      if (below(2) == 0) continue;
      std::ostringstream line;
      line << R"({"edge":"Has","from":")" << slug << R"(","to":")" << tag << "\"}\n";
      world.ndjson += line.str();
      world.rows.push_back({slug, tag});
    }
  }
  return world;
}

// Smaller is better; nullopt: excluded.
using Score = std::optional<double>;

Score distance(const Note& note, double x, double y) {
  if (!note.has_vector) return std::nullopt;
  return (note.x - x) * (note.x - x) + (note.y - y) * (note.y - y);
}

Score text_score(const World& world, const Note& note, const std::vector<std::string>& query) {
  double n = 0;
  double length = 0;
  for (const auto& [slug, other] : world.notes) {
    if (!other.has_body || other.words.empty()) continue;
    ++n;
    length += static_cast<double>(other.words.size());
  }
  double score = 0;
  for (const std::string& token : query) {
    const auto f = static_cast<double>(note.has_body ? std::ranges::count(note.words, token) : 0);
    if (f == 0) continue;
    double holders = 0;
    for (const auto& [slug, other] : world.notes) {
      holders += other.has_body && std::ranges::find(other.words, token) != other.words.end() ? 1 : 0;
    }
    const double idf = std::log(1 + (n - holders + 0.5) / (holders + 0.5));
    const double size = static_cast<double>(note.words.size());
    score += idf * f * (1.2 + 1) / (f + 1.2 * (1 - 0.75 + 0.75 * size / (length / n)));
  }
  if (score == 0) return std::nullopt;
  return -score;
}

// Entities of the rows in the order of their scores; equal ones by the entity's first row in tie-break order.
std::vector<std::string> ranked(const World& world, const std::vector<RankedRow>& sorted_rows,
                                const std::function<Score(const Note&)>& score) {
  std::vector<std::string> entities;
  for (const RankedRow& row : sorted_rows) {
    if (!score(world.notes.at(row.note))) continue;
    if (std::ranges::find(entities, row.note) == entities.end()) entities.push_back(row.note);
  }
  std::ranges::stable_sort(entities, [&](const std::string& a, const std::string& b) {
    const double x = *score(world.notes.at(a));
    const double y = *score(world.notes.at(b));
    // Both sides compute the same formula, but not with the same association.
    return x < y && std::abs(x - y) > 1e-12;
  });
  return entities;
}

std::vector<std::string> expected_rows(const std::vector<std::string>& entities,
                                       const std::vector<RankedRow>& sorted_rows, std::size_t limit) {
  std::vector<std::string> out;
  for (const std::string& entity : entities) {
    for (const RankedRow& row : sorted_rows) {
      if (row.note != entity || out.size() == limit) continue;
      std::ostringstream text;
      text << "[\"" << row.note << "\"";
      if (!row.tag.empty()) text << ",\"" << row.tag << "\"";
      text << "]";
      out.push_back(text.str());
    }
  }
  return out;
}

// Goal: nearest, bm25 and rrf rank as defined, with ties, several rows an entity, nulls and small limits.
TEST(RandomRanking, AgreesWithTheDefinition) {
  const char* given = std::getenv("OMNIGRAPH_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const bool traversal = round % 2 == 1;
    const World world = make_world(random, traversal);
    FakeGraph graph(kRankSchema, 1 + static_cast<std::size_t>(round % 5));
    graph.add(world.ndjson);
    const std::size_t limit = 1 + random() % 6;
    const bool by_weight = random() % 2 == 0;
    std::vector<RankedRow> rows = world.rows;
    std::ranges::sort(rows, [&](const RankedRow& a, const RankedRow& b) {
      const int x = world.notes.at(a.note).weight;
      const int y = world.notes.at(b.note).weight;
      if (by_weight && x != y) return x > y;
      return std::pair(a.note, a.tag) < std::pair(b.note, b.tag);
    });
    const double x = static_cast<double>(random() % 4);
    const auto near = [&](const Note& note) { return distance(note, x, 1); };
    const std::vector<std::string> words{kWords[random() % 4], kWords[random() % 4]};
    const auto text = [&](const Note& note) { return text_score(world, note, words); };
    std::ostringstream near_text;
    near_text << "nearest($n.vec, [" << x << ", 1])";
    const std::string bm25_text = "bm25($n.body, \"" + words[0] + " " + words[1] + "\")";

    const auto check = [&](const std::string& function, const std::vector<std::string>& entities) {
      std::string query = "query q() { match { $n: Note ";
      query += traversal ? "$n has $t } return { $n, $t }" : "} return { $n }";
      query +=
          " order { " + function + (by_weight ? ", $n.weight desc" : "") + " } limit " + std::to_string(limit) + " }";
      const ReadAnswer answer = read(*graph.snapshot(), query);
      ASSERT_EQ(answer.rows, expected_rows(entities, rows, limit)) << "seed " << seed << "\n"
                                                                   << query << "\n"
                                                                   << world.ndjson;
    };
    check(near_text.str(), ranked(world, rows, near));
    check(bm25_text, ranked(world, rows, text));
    for (const bool near_first : {true, false}) {
      std::vector<std::string> a = ranked(world, rows, near);
      std::vector<std::string> b = ranked(world, rows, text);
      if (a.size() > limit) a.resize(limit);
      if (!near_first) std::swap(a, b);
      std::map<std::string, double> score;
      std::vector<std::string> entities;
      for (const auto* list : {&a, &b}) {
        for (std::size_t r = 0; r < list->size(); ++r) {
          if (!score.contains((*list)[r])) entities.push_back((*list)[r]);
          score[(*list)[r]] += 1.0 / (60.0 + static_cast<double>(r + 1));
        }
      }
      std::ranges::stable_sort(entities, [&](const auto& p, const auto& q) { return score[p] > score[q]; });
      if (entities.size() > limit) entities.resize(limit);
      check(near_first ? "rrf(" + near_text.str() + ", " + bm25_text + ")"
                       : "rrf(" + bm25_text + ", " + near_text.str() + ")",
            entities);
    }
  }
}

}  // namespace
}  // namespace omnigraph::exec::testing
