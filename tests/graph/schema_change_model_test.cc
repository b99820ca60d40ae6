// Random schema changes and writes against a model that keeps every row by identity.
// Seed: printed; OMNIGRAPH_TEST_SEED repeats a run, OMNIGRAPH_TEST_ROUNDS lengthens it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <random>

#include "graph/merge.h"
#include "graph/schema_change.h"
#include "tests/graph/schema_change_support.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {
namespace {

enum class CellKind { kString, kInt, kLong, kEnum, kBlob, kList };

struct ModelProperty {
  std::string name;
  std::string renamed_from;  // since the last apply
  CellKind kind = CellKind::kString;
  std::vector<std::string> values;  // kEnum
  bool indexed = false;
  bool fresh = true;  // since the last apply
};

struct ModelType {
  std::string name;
  std::string renamed_from;
  bool edge = false;
  bool fresh = true;
  int source = -1, target = -1;  // identities of node types
  std::map<int, ModelProperty> properties;
  std::map<std::string, std::map<int, std::string>> rows;                // id -> property -> JSON text
  std::map<std::string, std::pair<std::string, std::string>> endpoints;  // edges
};

using Model = std::map<int, ModelType>;  // by identity

class ModelRun {
 public:
  explicit ModelRun(std::uint64_t seed) : random_(seed) {}

  void run(int rounds) {
    add_type(false);
    auto made = GraphStore::init(store_, source(), std::nullopt, {});
    ASSERT_TRUE(made) << made.error().render();
    graph_ = *made;
    settle_names();
    for (int round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      write_rows(model_, "main", "id");
      if (round % 3 == 2) merge_round();
      change_schema();
      const auto outcome = apply_schema_change(graph_->parts(), source(), std::nullopt, {.allow_validated = widened_});
      ASSERT_TRUE(outcome) << outcome.error().render() << "\n" << source();
      settle_names();
      widened_ = false;
      check(head(), model_);
      if (outcome->commit) history_.push_back({outcome->commit->id, model_});
      check_history();
    }
  }

 private:
  void settle_names() {
    for (auto& [id, type] : model_) {
      type.renamed_from.clear();
      type.fresh = false;
      for (auto& [p, property] : type.properties) {
        property.renamed_from.clear();
        property.fresh = false;
      }
    }
  }

  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  bool chance(int percent) { return pick(100) < percent; }

  std::string fresh_name(const char* stem) { return numbered(stem, next_++); }

  // Names come back now and then, so that identities are all that tells old from new.
  std::string property_name(const ModelType& type) {
    for (int i = 0; i < 8; ++i) {
      const std::string name = numbered("p", pick(6));
      bool used = false;
      for (const auto& [id, property] : type.properties)
        used = used || property.name == name || property.renamed_from == name;
      if (!used && !recent_.contains(name)) return name;
    }
    return fresh_name("q");
  }

  void add_type(bool edge) {
    ModelType type;
    type.name = fresh_name(edge ? "E" : "N");
    type.edge = edge;
    if (edge) {
      std::vector<int> nodes;
      for (const auto& [id, other] : model_) {
        if (!other.edge) nodes.push_back(id);
      }
      if (nodes.empty()) return;
      type.source = nodes[static_cast<std::size_t>(pick(static_cast<int>(nodes.size())))];
      type.target = nodes[static_cast<std::size_t>(pick(static_cast<int>(nodes.size())))];
    }
    for (int i = pick(3) + 1; i > 0; --i) add_property(type);
    model_[next_++] = std::move(type);
  }

  void add_property(ModelType& type) {
    ModelProperty property;
    property.name = property_name(type);
    property.kind = static_cast<CellKind>(pick(6));
    if (property.kind == CellKind::kEnum) property.values = {"a"};
    type.properties[next_++] = std::move(property);
  }

  void change_schema() {
    recent_.clear();
    for (int i = pick(4); i >= 0; --i) {
      if (model_.empty() || chance(15)) {
        add_type(!model_.empty() && chance(50));
        continue;
      }
      const auto at = std::next(model_.begin(), pick(static_cast<int>(model_.size())));
      ModelType& type = at->second;
      if (chance(10) && model_.size() > 1) {
        drop_type(at->first);
      } else if (chance(15) && type.renamed_from.empty()) {
        if (!type.fresh) type.renamed_from = type.name;
        type.name = fresh_name(type.edge ? "E" : "N");
      } else if (type.properties.empty() || chance(35)) {
        add_property(type);
      } else {
        change_property(type);
      }
    }
  }

  void change_property(ModelType& type) {
    const auto at = std::next(type.properties.begin(), pick(static_cast<int>(type.properties.size())));
    ModelProperty& property = at->second;
    if (chance(30)) {
      recent_.insert(property.name);
      if (!property.renamed_from.empty()) recent_.insert(property.renamed_from);
      for (auto& [id, cells] : type.rows) cells.erase(at->first);
      type.properties.erase(at);
    } else if (chance(40) && property.renamed_from.empty()) {
      if (!property.fresh) property.renamed_from = property.name;
      property.name = fresh_name("r");
    } else if (property.kind == CellKind::kEnum) {
      property.values.push_back(fresh_name("v"));
    } else if (property.kind == CellKind::kInt) {
      property.kind = CellKind::kLong;
      widened_ = true;
    } else if (property.kind == CellKind::kString) {
      property.indexed = true;
    }
  }

  void drop_type(int id) {
    std::erase_if(model_, [&](const auto& entry) {
      return entry.first == id || (entry.second.edge && (entry.second.source == id || entry.second.target == id));
    });
  }

  static std::string type_text(const ModelProperty& property) {
    switch (property.kind) {
      case CellKind::kString: return "String?";
      case CellKind::kInt: return "I32?";
      case CellKind::kLong: return "I64?";
      case CellKind::kBlob: return "Blob?";
      case CellKind::kList: return "[I32]?";
      case CellKind::kEnum: break;
    }
    std::string text = "enum(";
    for (std::size_t i = 0; i < property.values.size(); ++i) text.append(i > 0 ? ", " : "").append(property.values[i]);
    return text + ")?";
  }

  std::string source() const {
    std::string text;
    for (const auto& [id, type] : model_) {
      text.append(type.edge ? "edge " : "node ").append(type.name);
      if (type.edge) {
        text.append(": ").append(model_.at(type.source).name).append(" -> ").append(model_.at(type.target).name);
      }
      if (!type.renamed_from.empty()) text.append(" @rename_from(\"").append(type.renamed_from).append("\")");
      text += " {\n";
      for (const auto& [p, property] : type.properties) {
        text.append("  ").append(property.name).append(": ").append(type_text(property));
        if (property.indexed) text += " @index";
        if (!property.renamed_from.empty()) text.append(" @rename_from(\"").append(property.renamed_from).append("\")");
        text += "\n";
      }
      text += "}\n";
    }
    return text;
  }

  std::string cell(const ModelProperty& property) {
    if (chance(25)) return "null";
    switch (property.kind) {
      case CellKind::kString: return "\"" + fresh_name("s") + "\"";
      case CellKind::kInt: return std::to_string(pick(1000) - 500);
      case CellKind::kLong: return std::to_string(std::int64_t{5'000'000'000} + pick(1000));
      case CellKind::kBlob: return fresh_name("bytes");
      case CellKind::kList: return numbered("[", pick(10)) + "," + std::to_string(pick(10)) + "]";
      case CellKind::kEnum: break;
    }
    return "\"" + property.values[static_cast<std::size_t>(pick(static_cast<int>(property.values.size())))] + "\"";
  }

  // Rows of the branch that `model` is of. Ids start with `prefix`.
  void write_rows(Model& model, const std::string& branch, const char* prefix) {
    for (int i = pick(4); i >= 0; --i) {
      if (model.empty()) return;
      auto& [identity, type] = *std::next(model.begin(), pick(static_cast<int>(model.size())));
      Rows rows;
      for (int r = pick(4); r >= 0; --r) {
        const std::string id = numbered(prefix, pick(12));
        std::pair<std::string, std::string> ends;
        if (type.edge && !pick_ends(model, type, ends)) return;
        auto& kept = type.rows[id];
        kept.clear();
        Cells& cells = rows[id];
        cells.clear();
        for (const auto& [p, property] : type.properties) {
          kept[p] = cell(property);
          cells[property.name] = kept[p];
        }
        if (!type.edge) continue;
        type.endpoints[id] = ends;
        cells["src"] = ends.first;
        cells["dst"] = ends.second;
      }
      const auto done = put(*graph_, type.name, rows, {.branch = branch});
      ASSERT_TRUE(done) << done.error().render();
    }
  }

  bool pick_ends(const Model& model, const ModelType& edge, std::pair<std::string, std::string>& ends) {
    const auto pick_id = [&](int node) -> std::string {
      const auto& rows = model.at(node).rows;
      return rows.empty() ? std::string() : std::next(rows.begin(), pick(static_cast<int>(rows.size())))->first;
    };
    ends = {pick_id(edge.source), pick_id(edge.target)};
    return !ends.first.empty() && !ends.second.empty();
  }

  // A branch writes under the schema it was made with while main goes on; then one is merged into the other. What comes
  // out is what migrating the branch first and merging then would give.
  void merge_round() {
    const std::string branch = fresh_name("work");
    ASSERT_TRUE(graph_->create_branch(branch, "main"));
    Model theirs = model_;
    for (int i = pick(2); i >= 0; --i) {
      change_schema();
      const auto applied = apply_schema_change(graph_->parts(), source(), std::nullopt, {.allow_validated = widened_});
      ASSERT_TRUE(applied) << applied.error().render() << "\n" << source();
      settle_names();
      widened_ = false;
      write_rows(model_, "main", "main");
      write_rows(theirs, branch, chance(50) ? "id" : "work");
    }
    for (auto& [identity, type] : model_) {
      const auto found = theirs.find(identity);
      if (found == theirs.end()) continue;
      for (const auto& [id, cells] : found->second.rows) {
        if (id.starts_with("main") && type.rows.contains(id)) continue;  // only main changed these
        auto& row = type.rows[id];
        row.clear();
        for (const auto& [p, text] : cells) {
          if (type.properties.contains(p)) row[p] = text;
        }
        if (type.edge) type.endpoints[id] = found->second.endpoints.at(id);
      }
    }
    const bool into_branch = chance(50);
    const auto first = merge_branches(graph_->parts(), into_branch ? MergeRequest{.source = "main", .target = branch}
                                                                   : MergeRequest{.source = branch});
    ASSERT_TRUE(first) << first.error().render();
    ASSERT_NE(first->outcome, MergeOutcome::kConflicts);
    check(*graph_->head(into_branch ? branch : "main"), model_);
    const auto second = merge_branches(graph_->parts(), into_branch ? MergeRequest{.source = branch}
                                                                    : MergeRequest{.source = "main", .target = branch});
    ASSERT_TRUE(second) << second.error().render();
    check(*graph_->head("main"), model_);
    check(*graph_->head(branch), model_);
    ASSERT_TRUE(graph_->delete_branch(branch));
  }

  SnapshotPtr head() {
    if (chance(50)) graph_->drain();
    if (chance(30)) {
      graph_->drain();
      graph_ = *GraphStore::open(store_, {});
    }
    return *graph_->head("main");
  }

  static void check(const SnapshotPtr& snapshot, const Model& model) {
    EXPECT_EQ(snapshot->record().tables.size(), model.size());
    for (const auto& [identity, type] : model) {
      Rows expected;
      for (const auto& [id, cells] : type.rows) {
        Cells& row = expected[id];
        for (const auto& [p, property] : type.properties) {
          const auto found = cells.find(p);
          row[property.name] = found == cells.end() ? "null" : found->second;
        }
        if (!type.edge) continue;
        row["src"] = type.endpoints.at(id).first;
        row["dst"] = type.endpoints.at(id).second;
      }
      const auto found = rows_of(*snapshot, type.name);
      ASSERT_TRUE(found) << found.error().render();
      EXPECT_EQ(*found, expected) << type.name << "\n" << snapshot->schema_source();
      if (!type.edge) continue;
      const std::uint32_t index = *snapshot->catalog()->find_edge(type.name);
      const auto out = snapshot->adjacency(index, AdjacencyDirection::kOut);
      ASSERT_TRUE(out) << out.error().render();
      const auto sources = snapshot->node_table(snapshot->catalog()->edges[index].source_index);
      std::size_t edges = 0;
      for (Ordinal o = 0; o < (*sources)->physical_rows(); ++o) edges += (*out)->neighbors(o).size();
      EXPECT_EQ(edges, type.rows.size()) << type.name;
    }
  }

  void check_history() {
    if (history_.empty()) return;
    const auto& [commit, model] = history_[static_cast<std::size_t>(pick(static_cast<int>(history_.size())))];
    const auto old = graph_->at_commit(commit);
    ASSERT_TRUE(old) << old.error().render();
    check(*old, model);
  }

  std::mt19937_64 random_;
  StorePtr store_ = objectstore::make_memory_store();
  GraphPtr graph_;
  Model model_;
  int next_ = 0;
  bool widened_ = false;
  std::set<std::string> recent_;  // names that the schema before this change still has
  std::vector<std::pair<std::string, Model>> history_;
};

TEST(SchemaChangeModel, RowsFollowTheirIdentities) {
  const char* given = std::getenv("OMNIGRAPH_TEST_SEED");
  const char* rounds = std::getenv("OMNIGRAPH_TEST_ROUNDS");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const int runs = rounds != nullptr ? std::atoi(rounds) : 4;
  for (int i = 0; i < runs && !::testing::Test::HasFailure(); ++i) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(i);
    SCOPED_TRACE("OMNIGRAPH_TEST_SEED=" + std::to_string(seed));
    ModelRun(seed).run(15);
  }
}

}  // namespace
}  // namespace omnigraph::graph::testing
