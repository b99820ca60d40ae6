// The feed tells exactly a branch's history: random loads, mutations, branches, merges, schema changes and optimize
// runs, replayed from the beginning, give after every commit what an export gave there. OMNIGRAPH_CHANGES_ROUNDS: how
// many histories (3). Seeds are printed; OMNIGRAPH_CHANGES_SEED repeats one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <random>
#include <tuple>

#include "engine/maintenance.h"
#include "engine/merge.h"
#include "engine/schema_change.h"
#include "tests/engine/changes_support.h"

namespace omnigraph::engine {
namespace {

using namespace testing_support;

// kind and type, id -> the record an export would have. Names are those before any rename: a pure rename is no change.
using World = std::map<std::pair<std::string, std::string>, json>;

void put_record(World& world, bool edge, std::string type, json record) {
  if (type == "Sailor") type = "Crew";
  record[edge ? "edge" : "type"] = type;
  if (const auto renamed = record["data"].find("grade"); renamed != record["data"].end()) {
    record["data"]["rank"] = *renamed;
    record["data"].erase("grade");
  }
  const std::pair key{(edge ? "edge:" : "node:") + type, record["data"]["id"].get<std::string>()};
  world[key] = std::move(record);
}

World export_of(Graph& graph, const std::string& branch) {
  std::string text;
  EXPECT_TRUE(graph.export_rows(branch, {}, [&](std::string_view piece) -> Result<void> {
    text.append(piece);
    return {};
  }));
  World world;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    const json record = json::parse(text.substr(begin, end - begin));
    const bool edge = record.contains("edge");
    put_record(world, edge, record[edge ? "edge" : "type"].get<std::string>(), record);
    begin = end + 1;
  }
  return world;
}

World record_of(const Change& change, const std::string& image_text) {
  const json image = json::parse(image_text);
  json record{{"data", image["properties"]}};
  record["data"]["id"] = change.id;
  if (image.contains("endpoints")) record.update(image["endpoints"]);
  World world;
  put_record(world, change.kind == schema::EntityKind::kEdge, change.type_name, std::move(record));
  return world;
}

// Applies a block; every `before` has to be what is there.
void apply(const ChangeBlock& block, World& world) {
  std::tuple<bool, std::string, std::string> last;
  for (const Change& change : block.changes) {
    const std::tuple place{change.kind == schema::EntityKind::kEdge, change.type_id, change.id};
    EXPECT_LT(last, place) << "order, and each entity once";
    last = place;
    const World before = change.before.empty() ? World{} : record_of(change, change.before);
    const World after = change.after.empty() ? World{} : record_of(change, change.after);
    const auto& key = (before.empty() ? after : before).begin()->first;
    const auto found = world.find(key);
    EXPECT_EQ(found != world.end(), change.op != ChangeOp::kInsert) << key.first << " " << key.second;
    EXPECT_EQ(before.empty(), change.op == ChangeOp::kInsert);
    EXPECT_EQ(after.empty(), change.op == ChangeOp::kDelete);
    if (found != world.end()) {
      EXPECT_EQ(found->second, before.begin()->second);
      world.erase(found);
    }
    world.insert(after.begin(), after.end());
    EXPECT_NE(change.before, change.after);
  }
}

// What the random schema changes switch on and off.
struct Shape {
  bool sailor = false, grade = false, extra = false, lamp = false;  // renames, a property more, a type more

  static Shape of(const std::string& source) {
    const auto has = [&](const char* text) { return source.find(text) != std::string::npos; };
    return {has("node Sailor"), has("grade:"), has("extra:"), has("node Lamp")};
  }
  [[nodiscard]] std::string crew() const { return sailor ? "Sailor" : "Crew"; }
  [[nodiscard]] std::string rank() const { return grade ? "grade" : "rank"; }
  // As the next schema after `old`.
  [[nodiscard]] std::string source(const Shape& old) const {
    std::string text = "node " + crew();
    if (sailor != old.sailor) text.append(" @rename_from(\"").append(old.crew()).append("\")");
    text.append(" { tag: String @key  mail: String? @unique  ").append(rank()).append(": I32?");
    if (grade != old.grade) text.append(" @rename_from(\"").append(old.rank()).append("\")");
    text += "  born: Date?  skills: [String]? ";
    if (extra) text += " extra: I64? ";
    text += "}\nnode Dock { name: String  img: Blob?  pos: Vector(2)? }\n";
    if (lamp) text += "node Lamp { code: String @key }\n";
    text.append("edge Mans: ").append(crew()).append(" -> Dock { since: DateTime? }\nedge Near: Dock -> Dock\n");
    return text;
  }
};

class RandomHistory {
 public:
  RandomHistory(Graph& graph, unsigned seed) : graph_(graph), random_(seed) { note("main"); }

  // What the graph refuses (a taken mail, a missing dock, a conflict) is no commit, which is as good.
  void step() {
    const std::string branch = branches[pick(branches.size())];
    shape_ = Shape::of(graph_.schema_source(branch).value());
    const std::size_t what = pick(14);
    doing_ = "operation " + std::to_string(what);
    switch (what) {
      case 0:
      case 1:
      case 2: (void)load(graph_, records(), LoadMode::kMerge, branch); break;
      case 3: (void)load(graph_, records(), LoadMode::kOverwrite, branch); break;
      case 4: (void)load(graph_, records(), LoadMode::kAppend, branch); break;
      case 5: (void)mutate(graph_, "delete " + shape_.crew() + " where tag = \"" + tag() + "\"", branch); break;
      case 6:
        (void)mutate(graph_,
                     "update " + shape_.crew() + " set { " + shape_.rank() + ": " + std::to_string(pick(3)) +
                         " } where " + shape_.rank() + " = " + std::to_string(pick(3)),
                     branch);
        break;
      case 7: (void)mutate(graph_, "delete Mans where from = \"" + tag() + "\"", branch); break;
      case 8:
        if (branches.size() < 5) {
          const std::string name = std::string("b").append(std::to_string(pick(6)));
          if (graph_.create_branch(name, branch)) branches.push_back(name);
        }
        break;
      case 9:
        if (branch != "main" && pick(3) == 0 && graph_.delete_branch(branch)) std::erase(branches, branch);
        return;
      case 10:
      case 11: merge(branches[pick(branches.size())], branch); break;
      case 12: optimizes += optimize(graph_, branch).value().commit ? 1 : 0; break;
      default: change_schema(); return note("main");
    }
    note(branch);
  }

  std::vector<std::string> branches{"main"};
  std::map<std::string, World> at_commit;  // what an export gave while the commit was a head
  std::string log;                         // every commit and what made it
  int merges = 0, optimizes = 0, schema_changes = 0;

  std::size_t pick(std::size_t below) { return random_() % below; }

 private:
  std::string tag() { return std::string("t").append(std::to_string(pick(12))); }
  std::string dock() { return std::string("d").append(std::to_string(pick(6))); }

  void note(const std::string& branch) {
    const std::string id = graph_.commits(branch)->front().graph_commit_id;
    if (at_commit.try_emplace(id, export_of(graph_, branch)).second) {
      log += id + " " + branch + ": " + doing_ + "\n";
    }
  }

  void merge(const std::string& source, const std::string& target) {
    if (source == target) return;
    doing_ = "merge of " + source;
    const auto merged = merge_branches(graph_, {.source = source, .target = target});
    merges += merged && merged->outcome != "already_up_to_date" ? 1 : 0;
  }

  void change_schema() {
    const Shape old = Shape::of(graph_.schema_source("main").value());
    Shape next = old;
    bool* const switches[] = {&next.sailor, &next.grade, &next.extra, &next.lamp};
    bool& one = *switches[pick(4)];
    one = !one;
    doing_ = "schema\n" + next.source(old);
    const auto applied = graph_.apply_schema(next.source(old), {});
    EXPECT_TRUE(applied) << applied.error().render();
    schema_changes += applied && applied->applied ? 1 : 0;
  }

  std::string records() {
    std::string lines;
    for (std::size_t left = pick(6); left-- > 0;) {
      const std::size_t kind = pick(4);
      if (kind <= 1) {
        lines += R"({"type":")" + shape_.crew() + R"(","data":{"tag":")" + tag() + "\"";
        if (pick(2) == 0) lines += ",\"" + shape_.rank() + "\":" + std::to_string(pick(3));
        if (pick(4) == 0) lines += ",\"mail\":\"m" + std::to_string(pick(20)) + "\"";
        if (pick(4) == 0) lines += R"(,"skills":["x","y"])";
        if (shape_.extra && pick(2) == 0) lines += ",\"extra\":" + std::to_string(pick(3));
        lines += "}}\n";
      } else if (kind == 2) {
        lines += R"({"type":"Dock","data":{"id":")" + dock() + R"(","name":"n)" + std::to_string(pick(3)) + "\"";
        if (pick(3) == 0) lines += R"(,"img":"base64:aGk=")";
        if (pick(3) == 0) lines += R"(,"pos":[0.5,)" + std::to_string(pick(3)) + "]";
        lines += "}}\n";
        if (shape_.lamp && pick(3) == 0) lines += R"({"type":"Lamp","data":{"code":")" + dock() + "\"}}\n";
      } else {
        lines += R"({"edge":"Mans","from":")" + tag() + R"(","to":")" + dock() + R"(","data":{"id":"m)" +
                 std::to_string(pick(8)) + "\"}}\n";
      }
    }
    return lines;
  }

  Graph& graph_;
  std::mt19937 random_;
  Shape shape_;
  std::string doing_ = "init";
};

// One commit of the feed: its block, or the word that its changes cannot be told across its schema change.
struct Told {
  std::string commit_id;
  std::optional<ChangeBlock> block;
};

// The feed's answer at a schema boundary names the commit; a consumer goes on after it with a baseline.
std::string boundary_of(const Error& error) {
  EXPECT_EQ(error.code, Code::kConflict) << error.render();
  const json detail = detail_of(error);
  if (!detail.contains("change_diff_refusal")) {
    ADD_FAILURE() << error.render();
    return {};
  }
  const json& refusal = detail["change_diff_refusal"];
  EXPECT_EQ(refusal["reason"], "schema_boundary");
  EXPECT_TRUE(refusal["type_name"].is_string());
  return refusal["graph_commit_id"];
}

// The whole feed of a branch in polls of `limit()` changes; `somebody()` asks, `resume` picks where to go on.
std::vector<Told> read_feed(const std::string& branch, const std::function<Graph&()>& somebody,
                            const std::function<std::size_t()>& limit,
                            const std::function<std::string(const Polled&)>& resume) {
  std::vector<Told> told;
  ChangePollRequest request = from("beginning", branch);
  for (int polls = 0; polls < 1'000; ++polls) {
    request.limit = limit();
    const auto polled = poll(somebody(), request);
    if (!polled) {
      told.push_back({boundary_of(polled.error()), std::nullopt});
      if (told.back().commit_id.empty()) return told;
      request = from("after:" + told.back().commit_id, branch);
      continue;
    }
    for (const ChangeBlock& block : polled->blocks) told.push_back({block.cause.graph_commit_id, block});
    if (polled->caught_up) return told;
    request = at(resume(*polled), branch);
  }
  ADD_FAILURE() << "the feed of " << branch << " has no end";
  return told;
}

std::string feed_text(const std::vector<Told>& feed) {
  std::string text;
  for (const Told& told : feed) text += told.block ? text_of(*told.block) : told.commit_id + " boundary\n";
  return text;
}

void expect_replay(RandomHistory& history, Graph& graph, Graph& other, const std::string& branch, int& boundaries) {
  const auto first = [&]() -> Graph& { return graph; };
  const auto cursor = [](const Polled& polled) { return polled.cursor; };
  const std::vector<Told> feed = read_feed(branch, first, [] { return kChangesPerPage; }, cursor);
  World world;
  for (const Told& told : feed) {
    SCOPED_TRACE(told.commit_id + " in\n" + history.log);
    ASSERT_TRUE(history.at_commit.contains(told.commit_id));
    const World& there = history.at_commit.at(told.commit_id);
    const auto alone = changes_of(graph).commit_changes({.commit_id = told.commit_id});
    if (told.block) {
      apply(*told.block, world);
      EXPECT_EQ(world, there);
      ASSERT_TRUE(alone) << alone.error().render();
      EXPECT_EQ(text_of(ChangeBlock{alone->cause, alone->changes, {}}), text_of(*told.block));
    } else {
      ++boundaries;
      ASSERT_FALSE(alone);
      EXPECT_EQ(boundary_of(alone.error()), told.commit_id);
      world = there;
    }
  }
  EXPECT_EQ(world, export_of(other, branch));
  EXPECT_EQ(feed.size() + 1, graph.commits(branch)->size());

  const auto paged = read_feed(
      branch, [&]() -> Graph& { return history.pick(2) == 0 ? graph : other; }, [&] { return 1 + history.pick(5); },
      [&](const Polled& polled) {
        // Sometimes from the middle of what was read: a block's own cursor is as good as the poll's.
        const bool from_block = !polled.blocks.empty() && history.pick(2) == 0;
        return from_block ? polled.blocks.back().cursor : polled.cursor;
      });
  EXPECT_EQ(feed_text(paged), feed_text(feed));
}

TEST(Replay, IsTheExportAfterEveryCommit) {
  const char* rounds_text = std::getenv("OMNIGRAPH_CHANGES_ROUNDS");
  const char* seed_text = std::getenv("OMNIGRAPH_CHANGES_SEED");
  const int rounds = rounds_text == nullptr ? 3 : std::atoi(rounds_text);
  std::string log;  // every commit and what made it
  int merges = 0, optimizes = 0, schema_changes = 0, boundaries = 0;
  for (int round = 0; round < rounds; ++round) {
    const unsigned seed =
        seed_text == nullptr ? std::random_device{}() : static_cast<unsigned>(std::strtoul(seed_text, nullptr, 10));
    SCOPED_TRACE(testing::Message() << "OMNIGRAPH_CHANGES_SEED=" << seed << " OMNIGRAPH_CHANGES_ROUNDS=1");
    const auto store = objectstore::make_memory_store();
    const auto graph = fresh_graph(store);
    RandomHistory history(*graph, seed);
    for (int i = 0; i < 80; ++i) history.step();
    const auto other = Graph::open_on(store, "memory").value();
    for (const std::string& branch : history.branches) {
      SCOPED_TRACE(branch);
      expect_replay(history, *graph, *other, branch, boundaries);
    }
    merges += history.merges;
    optimizes += history.optimizes;
    schema_changes += history.schema_changes;
    if (testing::Test::HasFailure()) return;
  }
  std::printf("%d histories: %d merges, %d optimize runs, %d schema changes, %d boundaries\n", rounds, merges,
              optimizes, schema_changes, boundaries);
}

}  // namespace
}  // namespace omnigraph::engine
