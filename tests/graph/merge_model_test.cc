// Merges against a naive model: random histories of branches, forks, writes and merges in all directions; every merge
// must give the state, or the list of conflicts, that a comparison row by row gives.
// OMNIGRAPH_MERGE_HISTORIES: how many histories (300); OMNIGRAPH_MERGE_SEED repeats a run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "graph/merge.h"
#include "tests/graph/ancestors.h"
#include "tests/graph/branched_graph.h"

namespace omnigraph::graph::testing {
namespace {

constexpr std::string_view kModelSchema = R"(
node Note { text: String? }
node Person { name: String @key  age: I32?  mail: String? @unique }
edge About: Note -> Person @card(1..2)
edge Knows: Person -> Person @card(0..2) { since: I32? }
)";

const std::string kNoteTable = "node:Note", kPersonTable = "node:Person", kAboutTable = "edge:About",
                  kKnowsTable = "edge:Knows";

using Rows = std::map<std::string, Row>;         // by id
using ModelState = std::map<std::string, Rows>;  // by type key

const ModelState kNothing = {{kNoteTable, {}}, {kPersonTable, {}}, {kAboutTable, {}}, {kKnowsTable, {}}};

std::string text_of(const Value& value) { return std::get<std::string>(value.value); }
bool is_edge(const std::string& key) { return key.starts_with("edge:"); }
std::string end_type(const std::string& key, int end) {
  return key == kAboutTable && end == 1 ? kNoteTable : kPersonTable;
}

std::string json_of(const Value& value) {
  std::string out;
  columnar::append_json(out, value);
  return out;
}

// As branched_graph.h renders entities.
GraphState rendered(const ModelState& state) {
  GraphState out;
  for (const auto& [key, rows] : state) {
    out[key];
    for (const auto& [id, row] : rows) {
      std::string line;
      std::size_t at = 1;
      if (is_edge(key)) {
        line = text_of(row[1]) + ">" + text_of(row[2]) + ">";
        at = 3;
      }
      for (; at < row.size(); ++at) line.append(json_of(row[at])).append(" ");
      out[key][id] = line;
    }
  }
  return out;
}

struct ModelCommit {
  std::vector<std::string> parents;
  std::uint64_t version = 1;
  ModelState state;
};

// type key, id ("-" for none), kind, message; sorted as the conflicts of a merge are.
struct ModelConflict {
  std::string key, id, kind, message;
  [[nodiscard]] std::string line() const { return kind + " " + key + " " + (id.empty() ? "-" : id) + ": " + message; }
};

struct ModelMerge {
  std::string outcome;
  ModelState state;
  std::vector<std::string> conflicts;
};

const Row* find(const ModelState& state, const std::string& key, const std::string& id) {
  const Rows& rows = state.at(key);
  const auto found = rows.find(id);
  return found == rows.end() ? nullptr : &found->second;
}

bool same(const Row* a, const Row* b) { return a == nullptr || b == nullptr ? a == b : *a == *b; }

// Columns that are one field together: for edges both endpoints.
std::vector<std::vector<std::size_t>> fields_of(const std::string& key, std::size_t columns) {
  std::vector<std::vector<std::size_t>> fields;
  std::size_t at = 1;
  if (is_edge(key)) {
    fields.push_back({1, 2});
    at = 3;
  }
  for (; at < columns; ++at) fields.push_back({at});
  return fields;
}

std::optional<Row> merge_fields(const std::string& key, const Row& base, const Row& source, const Row& target) {
  Row merged = target;
  for (const auto& columns : fields_of(key, base.size())) {
    const auto differs = [&](const Row& a, const Row& b) {
      return std::any_of(columns.begin(), columns.end(), [&](std::size_t c) { return a[c] != b[c]; });
    };
    if (!differs(base, source)) continue;
    if (differs(base, target) && differs(source, target)) return std::nullopt;
    for (const std::size_t c : columns) merged[c] = source[c];
  }
  return merged;
}

class Model {
 public:
  std::map<std::string, ModelCommit> commits;
  std::map<std::string, std::string> heads;  // branch -> commit id

  std::set<std::string> ancestors(const std::string& id) const {
    return ancestors_of(id, [this](const std::string& at) -> const auto& { return commits.at(at).parents; });
  }

  std::string base_of(const std::string& a, const std::string& b) const {
    const std::set<std::string> ours = ancestors(a), theirs = ancestors(b);
    std::map<std::string, std::set<std::string>> common;
    for (const std::string& id : ours) {
      if (theirs.contains(id)) common[id] = ancestors(id);
    }
    std::pair<std::uint64_t, std::string> best;
    for (const auto& [id, unused] : common) {
      const bool covered = std::any_of(common.begin(), common.end(), [&, &id = id](const auto& other) {
        return other.first != id && other.second.contains(id);
      });
      if (!covered) best = std::max(best, {commits.at(id).version, id});
    }
    return best.second;
  }

  ModelMerge merge(const std::string& source_branch, const std::string& target_branch, bool properties) const {
    const std::string source_id = heads.at(source_branch), target_id = heads.at(target_branch);
    const std::string base_id = base_of(source_id, target_id);
    const ModelState& source = commits.at(source_id).state;
    const ModelState& target = commits.at(target_id).state;
    const ModelState& base = commits.at(base_id).state;
    if (base_id == source_id) return {"already_up_to_date", target, {}};
    if (base_id == target_id) return {"fast_forward", source, {}};
    ModelMerge merged{"merged", target, {}};
    std::vector<ModelConflict> conflicts;
    for (const auto& [key, rows] : kNothing) {
      std::set<std::string> ids;
      for (const ModelState* state : {&base, &source, &target}) {
        for (const auto& [id, row] : state->at(key)) ids.insert(id);
      }
      for (const std::string& id : ids) {
        const Row *b = find(base, key, id), *s = find(source, key, id), *t = find(target, key, id);
        if (same(s, b) || same(s, t)) continue;
        if (same(t, b)) {
          if (s == nullptr) {
            merged.state[key].erase(id);
          } else {
            merged.state[key][id] = *s;
          }
          continue;
        }
        if (properties && b != nullptr && s != nullptr && t != nullptr) {
          if (const auto row = merge_fields(key, *b, *s, *t)) {
            merged.state[key][id] = *row;
            continue;
          }
        }
        if (b == nullptr) {
          conflicts.push_back({key, id, "divergent_insert", "divergent insert for id '" + id + "'"});
        } else if (s == nullptr || t == nullptr) {
          conflicts.push_back({key, id, "delete_vs_update", "delete/update conflict for id '" + id + "'"});
        } else {
          conflicts.push_back({key, id, "divergent_update", "divergent update for id '" + id + "'"});
        }
      }
    }
    if (conflicts.empty()) conflicts = violations(target, merged.state);
    for (const ModelConflict& conflict : conflicts) merged.conflicts.push_back(conflict.line());
    if (!conflicts.empty()) merged.outcome = "conflicts";
    return merged;
  }

  static std::vector<ModelConflict> violations(const ModelState& before, const ModelState& after) {
    std::vector<ModelConflict> found;
    unique(before, after, found);
    for (const std::string& key : {kAboutTable, kKnowsTable}) {
      orphans(key, after, found);
      cardinality(key, before, after, found);
    }
    std::sort(found.begin(), found.end(), [](const ModelConflict& a, const ModelConflict& b) {
      return std::tie(a.key, a.id, a.message) < std::tie(b.key, b.id, b.message);
    });
    return found;
  }

 private:
  static std::string held(const std::string& value, std::string a, std::string b) {
    if (b < a) std::swap(a, b);
    return "@unique violation on Person.mail: value '" + value + "' held by '" + a + "' and '" + b + "'";
  }

  // Every changed person against the unchanged ones, and against the changed one before it with the same mail.
  static void unique(const ModelState& before, const ModelState& after, std::vector<ModelConflict>& found) {
    std::map<std::string, std::string> kept, changed;  // mail -> id
    for (const auto& [id, row] : after.at(kPersonTable)) {
      if (!row[3].is_null() && same(find(before, kPersonTable, id), &row)) kept[text_of(row[3])] = id;
    }
    for (const auto& [id, row] : after.at(kPersonTable)) {
      if (row[3].is_null() || same(find(before, kPersonTable, id), &row)) continue;
      const std::string mail = text_of(row[3]);
      if (const auto other = changed.find(mail); other != changed.end()) {
        found.push_back({kPersonTable, id, "unique_violation", held(mail, other->second, id)});
      }
      if (const auto other = kept.find(mail); other != kept.end()) {
        found.push_back({kPersonTable, id, "unique_violation", held(mail, other->second, id)});
      }
      changed[mail] = id;
    }
  }

  static void orphans(const std::string& key, const ModelState& after, std::vector<ModelConflict>& found) {
    for (const auto& [id, row] : after.at(key)) {
      for (const int end : {1, 2}) {
        const std::string node = text_of(row[static_cast<std::size_t>(end)]);
        if (find(after, end_type(key, end), node) != nullptr) continue;
        found.push_back(
            {key, id, "orphan_edge",
             std::string(end == 1 ? "src '" : "dst '") + node + "' not found in " + end_type(key, end).substr(5)});
        break;
      }
    }
  }

  static void cardinality(const std::string& key, const ModelState& before, const ModelState& after,
                          std::vector<ModelConflict>& found) {
    std::set<std::string> touched, ids;
    for (const ModelState* state : {&before, &after}) {
      for (const auto& [id, row] : state->at(key)) ids.insert(id);
    }
    for (const std::string& id : ids) {
      const Row *was = find(before, key, id), *is = find(after, key, id);
      if (same(was, is)) continue;
      for (const Row* row : {was, is}) {
        if (row != nullptr) touched.insert(text_of((*row)[1]));
      }
    }
    for (const std::string& source : touched) {
      if (find(after, end_type(key, 1), source) == nullptr) continue;
      std::size_t edges = 0;
      for (const auto& [id, row] : after.at(key)) edges += text_of(row[1]) == source ? 1 : 0;
      const std::size_t least = key == kAboutTable ? 1 : 0;
      if (edges >= least && edges <= 2) continue;
      found.push_back({key, "", "cardinality_violation",
                       "@card violation on edge " + key.substr(5) + ": source '" + source + "' has " +
                           std::to_string(edges) + " edges " + (edges < least ? "(min 1)" : "(max 2)")});
    }
  }
};

// One random history.
class RandomHistory {
 public:
  explicit RandomHistory(std::uint64_t seed) : random_(seed), graph_(kModelSchema) {
    const SnapshotPtr head = graph_.head("main");
    model_.commits[head->commit_id()] = {.parents = {}, .version = 1, .state = kNothing};
    model_.heads["main"] = head->commit_id();
  }

  void go() {
    for (int i = 0; i < 3; ++i) write("main");
    const int steps = 12 + static_cast<int>(below(16));
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      switch (below(8)) {
        case 0: fork(); break;
        case 1:
        case 2: merge(); break;
        default: write(any_branch());
      }
    }
    for (int i = 0; i < 2 && !::testing::Test::HasFatalFailure(); ++i) merge();
  }

  std::map<std::string, int> outcomes;  // how often each was met

 private:
  std::uint64_t below(std::uint64_t count) { return random_() % count; }
  std::string any_branch() {
    return std::next(model_.heads.begin(), static_cast<long>(below(model_.heads.size())))->first;
  }
  std::string name(const char* prefix, std::uint64_t count) {
    std::string id(prefix);
    return id.append(std::to_string(below(count)));
  }
  Value maybe(std::uint64_t count) { return below(3) == 0 ? Value{} : number(static_cast<std::int64_t>(below(count))); }

  void fork() {
    if (model_.heads.size() >= 4) return;
    const std::string from = any_branch();
    const std::string branch = std::string("b").append(std::to_string(model_.heads.size()));
    ASSERT_TRUE(graph_->create_branch(branch, from));
    model_.heads[branch] = model_.heads[from];
  }

  Row random_row(const std::string& key, std::string& id) {
    if (key == kNoteTable) {
      id = name("n", 6);
      return {text(id), below(2) == 0 ? Value{} : text(name("t", 2))};
    }
    if (key == kPersonTable) {
      id = name("p", 7);
      return {text(id), text(id), maybe(3), below(3) != 0 ? Value{} : text(name("m", 3))};
    }
    if (key == kAboutTable) {
      id = name("a", 6);
      return {text(id), text(name("n", 6)), text(name("p", 7))};
    }
    id = name("k", 6);
    return {text(id), text(name("p", 7)), text(name("p", 7)), maybe(2)};
  }

  // A few random edits as one commit; what the constraints refuse is not done.
  void write(const std::string& branch) {
    const ModelState before = model_.commits.at(model_.heads[branch]).state;
    ModelState after = before;
    const std::string keys[] = {kNoteTable, kPersonTable, kPersonTable, kAboutTable, kKnowsTable, kKnowsTable};
    for (std::uint64_t edits = 1 + below(3); edits > 0; --edits) {
      const std::string& key = keys[below(6)];
      std::string id;
      const Row row = random_row(key, id);
      if (below(4) == 0) {
        remove(after, key, id);
      } else {
        after[key][id] = row;
      }
    }
    BranchedGraph::Change change;
    for (const auto& [key, rows] : after) {
      BranchedGraph::Put put{key, {}};
      for (const auto& [id, row] : rows) {
        if (!same(find(before, key, id), &row)) put.rows.push_back(row);
      }
      if (!put.rows.empty()) change.puts.push_back(std::move(put));
      for (const auto& [id, row] : before.at(key)) {
        if (!rows.contains(id)) change.removed.emplace_back(key, id);
      }
    }
    if (change.puts.empty() && change.removed.empty()) return;
    const bool valid = Model::violations(before, after).empty();
    const auto written = graph_.write(branch, change);
    ASSERT_EQ(written.has_value(), valid) << (written ? "accepted" : written.error().message);
    if (valid) note(branch, after);
  }

  static void remove(ModelState& state, const std::string& key, const std::string& id) {
    state[key].erase(id);
    if (is_edge(key)) return;
    for (const std::string& edge : {kAboutTable, kKnowsTable}) {
      std::erase_if(state[edge], [&](const auto& entry) {
        return (end_type(edge, 1) == key && text_of(entry.second[1]) == id) ||
               (end_type(edge, 2) == key && text_of(entry.second[2]) == id);
      });
    }
  }

  void note(const std::string& branch, ModelState state) {
    const SnapshotPtr head = graph_.head(branch);
    const Commit& commit = head->record().commits.back();
    model_.commits[commit.id] = {.parents = commit.parents, .version = commit.version, .state = std::move(state)};
    model_.heads[branch] = commit.id;
  }

  void merge() {
    const std::string source = any_branch(), target = any_branch();
    if (source == target) return;
    const bool properties = below(3) == 0;
    const ModelMerge expected = model_.merge(source, target, properties);
    if (below(3) == 0) check_preview(source, target, properties, expected);
    const auto result = merge_branches(
        graph_->parts(), {.source = source, .target = target, .actor = {}, .merge_properties = properties});
    ASSERT_TRUE(result) << result.error().render();
    ASSERT_EQ(merge_outcome_name(result->outcome), expected.outcome) << lines(*result) << "expected\n"
                                                                     << joined(expected.conflicts);
    ++outcomes[expected.outcome];
    ASSERT_EQ(lines(*result), joined(expected.conflicts));
    const SnapshotPtr head = graph_.head(target);
    if (expected.outcome == "merged" || expected.outcome == "fast_forward") {
      const std::vector<std::string> parents{model_.heads[target], model_.heads[source]};
      ASSERT_EQ(head->record().commits.back().parents, parents);
      ASSERT_EQ(graph_state(*head), rendered(expected.state));
      note(target, expected.state);
    } else {
      ASSERT_EQ(head->commit_id(), model_.heads[target]);
    }
    ASSERT_EQ(graph_.head(source)->commit_id(), model_.heads[source]);
  }

  void check_preview(const std::string& source, const std::string& target, bool properties,
                     const ModelMerge& expected) {
    const auto heads = merge_heads(graph_->parts(), {.source = source, .target = target});
    ASSERT_TRUE(heads);
    const auto preview = preview_merge(graph_->parts(), *heads, properties);
    ASSERT_TRUE(preview) << preview.error().render();
    ASSERT_EQ(merge_outcome_name(preview->outcome), expected.outcome);
    ASSERT_EQ(lines(*preview), joined(expected.conflicts));
    if (expected.outcome == "conflicts") return;
    // Exactly the entities that differ between the target and the result.
    const ModelState& before = model_.commits.at(model_.heads[target]).state;
    std::multiset<std::string> told, wanted;
    for (const MergedType& type : preview->types) {
      const std::string key = preview->states.target->catalog()->table_key(*type.target);
      for (const MergeAction& action : type.actions) told.insert(key + " " + action.id);
    }
    for (const auto& [key, rows] : kNothing) {
      for (const auto& [id, row] : expected.state.at(key)) {
        if (!same(find(before, key, id), &row)) wanted.insert(key + " " + id);
      }
      for (const auto& [id, row] : before.at(key)) {
        if (find(expected.state, key, id) == nullptr) wanted.insert(key + " " + id);
      }
    }
    ASSERT_EQ(told, wanted);
  }

  static std::string lines(const MergeResult& result) {
    std::vector<std::string> told;
    for (const MergeConflict& conflict : result.conflicts) {
      told.push_back(ModelConflict{result.states.target->catalog()->table_key(conflict.type),
                                   conflict.entity_id.value_or(""), std::string(conflict_kind_name(conflict.kind)),
                                   conflict.message}
                         .line());
    }
    return joined(told);
  }
  static std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out.append(part).append("\n");
    return out;
  }

  std::mt19937_64 random_;
  BranchedGraph graph_;
  Model model_;
};

TEST(MergeModelTest, RandomHistories) {
  const char* given = std::getenv("OMNIGRAPH_MERGE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const char* wanted = std::getenv("OMNIGRAPH_MERGE_HISTORIES");
  const std::uint64_t histories = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 300;
  std::map<std::string, int> outcomes;
  for (std::uint64_t i = 0; i < histories; ++i) {
    SCOPED_TRACE("OMNIGRAPH_MERGE_SEED=" + std::to_string(seed + i) + " OMNIGRAPH_MERGE_HISTORIES=1");
    RandomHistory run(seed + i);
    run.go();
    if (::testing::Test::HasFailure()) return;
    for (const auto& [outcome, count] : run.outcomes) outcomes[outcome] += count;
  }
  if (histories < 100) return;
  for (const char* outcome : {"already_up_to_date", "fast_forward", "merged", "conflicts"}) {
    EXPECT_GT(outcomes[outcome], 0) << outcome << " was never met";
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
