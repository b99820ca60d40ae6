#include "engine/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "base/ulid.h"
#include "engine/graph.h"
#include "graph/commit_log.h"
#include "graph/layout.h"
#include "graph/store_parts.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kSchema = R"(
node Crew { tag: String @key  mail: String? @unique  rank: I32?  born: Date?  skills: [String]? }
node Dock { name: String  img: Blob?  pos: Vector(2)? }
edge Mans: Crew -> Dock { since: DateTime? }
edge Near: Dock -> Dock
)";

std::shared_ptr<Graph> fresh_graph(const std::shared_ptr<objectstore::ObjectStore>& store) {
  auto graph = Graph::init_on(store, "memory", kSchema);
  if (!graph) ADD_FAILURE() << graph.error().render();
  return *graph;
}

ByteSource source_of(const std::string& text) {
  return [text, at = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t count = std::min(out.size(), text.size() - at);
    std::memcpy(out.data(), text.data() + at, count);
    at += count;
    return count;
  };
}

Result<std::string> load(Graph& graph, const std::string& lines, LoadMode mode = LoadMode::kMerge,
                         const std::string& branch = "main") {
  OG_ASSIGN_OR_RETURN(const auto answer, graph.load(source_of(lines), {.mode = mode, .branch = branch, .from = {}, .actor = "ann"}));
  return answer.commit->graph_commit_id;
}

Result<MutateAnswer> mutate(Graph& graph, const std::string& statement, const std::string& branch = "main") {
  return graph.mutate("query q() { " + statement + " }", "", "", {.branch = branch, .actor = {}, .if_commit = {}});
}

std::string crew(const std::string& tag, int rank) {
  return R"({"type":"Crew","data":{"tag":")" + tag + R"(","rank":)" + std::to_string(rank) + "}}\n";
}

// Blocks of one poll with all its pages, each block whole.
struct Polled {
  std::vector<ChangeBlock> blocks;
  std::string cursor;
  bool caught_up = false;
  int pages = 0;
};

Result<Polled> poll(Graph& graph, ChangePollRequest request) {
  Polled polled;
  bool open = false;
  while (true) {
    OG_ASSIGN_OR_RETURN(ChangePollPage page, changes_of(graph).poll(request));
    ++polled.pages;
    EXPECT_NE(page.cursor.has_value(), page.next_page_token.has_value());
    std::size_t changes = 0;
    for (ChangeBlock& block : page.blocks) {
      changes += block.changes.size();
      if (open) {
        EXPECT_EQ(block.cause.graph_commit_id, polled.blocks.back().cause.graph_commit_id);
        auto& into = polled.blocks.back().changes;
        std::ranges::move(block.changes, std::back_inserter(into));
        polled.blocks.back().cursor = block.cursor;
      } else {
        polled.blocks.push_back(std::move(block));
      }
      open = polled.blocks.back().cursor.empty();
    }
    EXPECT_LE(changes, request.limit);
    EXPECT_EQ(open, page.next_page_token.has_value());
    if (page.cursor) {
      polled.cursor = *page.cursor;
      polled.caught_up = page.caught_up;
      EXPECT_LE(polled.cursor.size(), kCursorBytesMax);
      EXPECT_EQ(polled.cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                std::string::npos);
      return polled;
    }
    request.start.reset();
    request.cursor.reset();
    request.page_token = page.next_page_token;
  }
}

ChangePollRequest from(const std::string& start, const std::string& branch = "main") {
  return {.branch = branch, .start = start};
}
ChangePollRequest at(const std::string& cursor, const std::string& branch = "main") {
  return {.branch = branch, .cursor = cursor};
}

std::vector<std::string> ids_of(const std::vector<Change>& changes) {
  std::vector<std::string> ids;
  for (const Change& change : changes) ids.push_back(change.id);
  return ids;
}

std::string text_of(const ChangeBlock& block) {
  std::string text = block.cause.graph_commit_id + "\n";
  for (const Change& change : block.changes) {
    text += change.type_id + " " + change.id + " " + std::string(change_op_name(change.op)) + " " + change.before + " " +
            change.after + "\n";
  }
  return text;
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

json detail_of(const Error& error) { return error.detail ? json{{error.detail->field, json::parse(error.detail->json)}} : json(); }

TEST(Changes, InsertUpdateDeleteWithImages) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  const std::string inserted = load(*graph, R"({"type":"Crew","data":{"tag":"a","rank":3,"born":"1970-01-03"}}
{"type":"Dock","data":{"id":"d","name":"N","img":"base64:aGk="}}
{"edge":"Mans","from":"a","to":"d","data":{"id":"m","since":"1970-01-01T00:00:01Z"}}
)").value();
  const std::string updated = load(*graph, crew("a", 4)).value();
  const std::string deleted = mutate(*graph, "delete Crew where tag = \"a\"").value().commit->graph_commit_id;
  const Polled all = poll(*graph, from("beginning")).value();
  ASSERT_EQ(all.blocks.size(), 3u);
  EXPECT_TRUE(all.caught_up);
  EXPECT_EQ(all.blocks[0].cause.graph_commit_id, inserted);
  EXPECT_EQ(all.blocks[0].cause.actor_id, "ann");
  EXPECT_EQ(all.blocks[0].cause.authored_branch, "main");
  ASSERT_EQ(all.blocks[0].changes.size(), 3u);
  const Change& edge = all.blocks[0].changes[2];
  EXPECT_EQ(edge.kind, schema::EntityKind::kEdge);
  EXPECT_EQ(edge.before, "");
  EXPECT_EQ(edge.after, R"({"properties":{"since":1000},"endpoints":{"from":"a","to":"d"}})");
  for (const Change& change : all.blocks[0].changes) {
    EXPECT_EQ(change.op, ChangeOp::kInsert);
    if (change.type_name == "Dock") {
      EXPECT_EQ(change.after, R"({"properties":{"img":"base64:aGk=","name":"N","pos":null}})");
    }
  }
  EXPECT_EQ(all.blocks[1].cause.graph_commit_id, updated);
  ASSERT_EQ(all.blocks[1].changes.size(), 1u);
  EXPECT_EQ(all.blocks[1].changes[0].op, ChangeOp::kUpdate);
  EXPECT_EQ(all.blocks[1].changes[0].before,
            R"({"properties":{"born":2,"mail":null,"rank":3,"skills":null,"tag":"a"}})");
  EXPECT_EQ(all.blocks[1].changes[0].after,
            R"({"properties":{"born":null,"mail":null,"rank":4,"skills":null,"tag":"a"}})");
  EXPECT_EQ(all.blocks[2].cause.graph_commit_id, deleted);
  EXPECT_THAT(ids_of(all.blocks[2].changes), ElementsAre("a", "m"));
  EXPECT_EQ(all.blocks[2].changes[0].after, "");
  // The same by commit.
  EXPECT_EQ(ids_of(changes_of(*graph).commit_changes({.commit_id = deleted}).value().changes),
            ids_of(all.blocks[2].changes));
}

TEST(Changes, EqualValuesAndEmptyLoadsAreEmptyBlocks) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  ASSERT_TRUE(load(*graph, crew("a", 1)));
  ASSERT_TRUE(load(*graph, crew("a", 1)));
  ASSERT_TRUE(load(*graph, ""));
  const Polled all = poll(*graph, from("beginning")).value();
  ASSERT_EQ(all.blocks.size(), 3u);
  EXPECT_EQ(all.blocks[0].changes.size(), 1u);
  EXPECT_THAT(all.blocks[1].changes, IsEmpty());
  EXPECT_THAT(all.blocks[2].changes, IsEmpty());
}

TEST(Changes, CommitPagesFollowTheirTokens) {
  const auto store = objectstore::make_memory_store();
  const auto graph = fresh_graph(store);
  const std::string id = load(*graph, crew("c", 1) + crew("a", 1) + crew("b", 1)).value();
  const auto first = changes_of(*graph).commit_changes({.commit_id = id, .limit = 2}).value();
  EXPECT_THAT(ids_of(first.changes), ElementsAre("a", "b"));
  ASSERT_TRUE(first.next_page_token);
  // Another process goes on.
  const auto other = Graph::open_on(store, "memory").value();
  const auto second = changes_of(*other).commit_changes({.commit_id = id, .limit = 2, .page_token = first.next_page_token}).value();
  EXPECT_THAT(ids_of(second.changes), ElementsAre("c"));
  EXPECT_FALSE(second.next_page_token);
  EXPECT_FALSE(changes_of(*graph).commit_changes({.commit_id = id, .limit = 3}).value().next_page_token);

  const std::string later = load(*graph, crew("d", 1)).value();
  const auto refused = [&](const CommitChangesRequest& request) {
    const auto answer = changes_of(*graph).commit_changes(request);
    EXPECT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kBadRequest);
    EXPECT_THAT(answer.error().message, StartsWith("change cursor rejected: "));
  };
  refused({.commit_id = later, .page_token = first.next_page_token});
  refused({.commit_id = id, .filter = {.kinds = {"node"}, .types = {}, .ops = {}}, .page_token = first.next_page_token});
  refused({.commit_id = id, .page_token = poll(*graph, from("now"))->cursor});
  refused({.commit_id = id, .page_token = ""});
  refused({.commit_id = id, .page_token = "%%%"});
  for (std::size_t i = 0; i < first.next_page_token->size(); ++i) {
    std::string altered = *first.next_page_token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    refused({.commit_id = id, .page_token = altered});
  }
  refused({.commit_id = id, .page_token = *first.next_page_token + "="});
  const auto foreign = fresh_graph(objectstore::make_memory_store());
  const std::string foreign_id = load(*foreign, crew("a", 1) + crew("b", 1)).value();
  const auto foreign_page = changes_of(*foreign).commit_changes({.commit_id = foreign_id, .limit = 1}).value();
  refused({.commit_id = id, .page_token = foreign_page.next_page_token});
}

TEST(Changes, CommitErrors) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  const std::string id = load(*graph, crew("a", 1)).value();
  const std::string genesis = graph->commits("main").value().back().graph_commit_id;
  const auto parentless = changes_of(*graph).commit_changes({.commit_id = genesis});
  ASSERT_FALSE(parentless);
  EXPECT_EQ(parentless.error().code, Code::kConflict);
  EXPECT_EQ(detail_of(parentless.error()),
            (json{{"change_diff_refusal", {{"reason", "parentless_commit"}, {"graph_commit_id", genesis}}}}));
  // Who may not read the branch learns no more than about an id that does not exist.
  const auto unknown = changes_of(*graph).commit_changes({.commit_id = base::new_ulid()});
  const auto hidden = changes_of(*graph).commit_changes({.commit_id = id, .may_read = [](std::string_view) { return false; }});
  ASSERT_FALSE(unknown || hidden);
  EXPECT_EQ(hidden.error().code, Code::kNotFound);
  EXPECT_EQ(hidden.error().message, "commit '" + id + "' not found");
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_THAT(error_of(changes_of(*graph).commit_changes({.commit_id = id, .filter = {.kinds = {"x"}, .types = {}, .ops = {}}})),
              StartsWith("unknown kind 'x'"));
  EXPECT_THAT(error_of(changes_of(*graph).commit_changes({.commit_id = id, .filter = {.kinds = {}, .types = {}, .ops = {"x"}}})),
              StartsWith("unknown op 'x'"));
  EXPECT_THAT(changes_of(*graph).commit_changes({.commit_id = id, .filter = {.kinds = {}, .types = {"Nope"}, .ops = {}}})->changes,
              IsEmpty());
}

TEST(Changes, LimitsAsText) {
  EXPECT_EQ(change_limit_of("8192").value(), 8192u);
  for (const char* text : {"", "x", "-1", "1.5", "+3", " 3"}) {
    EXPECT_EQ(error_of(change_limit_of(text)), "limit must be a non-negative integer") << text;
  }
  EXPECT_EQ(error_of(change_limit_of("0")), "change page limit must be greater than zero");
  for (const char* text : {"8193", "99999999999999999999999"}) {
    const auto limit = change_limit_of(text);
    ASSERT_FALSE(limit) << text;
    EXPECT_EQ(limit.error().code, Code::kResourceLimit);
    EXPECT_EQ(detail_of(limit.error())["resource_limit"]["resource"], "commit_changes_page_changes");
  }
}

TEST(Changes, PagesAimAtFourMebibytes) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  std::string lines;
  const std::map<std::string, std::size_t> sizes{{"a", 3}, {"b", 3}, {"c", 9}, {"d", 1}, {"e", 1}};
  for (const auto& [id, size] : sizes) {
    lines += R"({"type":"Dock","data":{"id":")" + id + R"(","name":")" + std::string(size << 20, 'x') + "\"}}\n";
  }
  const std::string commit = load(*graph, lines).value();
  std::vector<std::vector<std::string>> pages;
  for (std::optional<std::string> token; pages.empty() || token;) {
    const auto page = changes_of(*graph).commit_changes({.commit_id = commit, .page_token = token}).value();
    pages.push_back(ids_of(page.changes));
    token = page.next_page_token;
  }
  EXPECT_THAT(pages, ElementsAre(ElementsAre("a"), ElementsAre("b"), ElementsAre("c"), ElementsAre("d", "e")));
}

TEST(Changes, PollStartsAndCuts) {
  const auto store = objectstore::make_memory_store();
  const auto graph = fresh_graph(store);
  const Polled now = poll(*graph, {}).value();
  EXPECT_THAT(now.blocks, IsEmpty());
  EXPECT_TRUE(now.caught_up);
  const std::string first = load(*graph, crew("a", 1) + crew("b", 1)).value();
  const Polled one = poll(*graph, at(now.cursor)).value();
  ASSERT_EQ(one.blocks.size(), 1u);
  EXPECT_EQ(one.blocks[0].cause.graph_commit_id, first);
  const std::string second = load(*graph, crew("c", 1)).value();
  ASSERT_EQ(poll(*graph, from("after:" + first))->blocks.size(), 1u);

  // What lands between the pages of a poll waits for the next one.
  ChangePollRequest request = from("beginning");
  request.limit = 1;
  const auto page = changes_of(*graph).poll(request).value();
  ASSERT_TRUE(page.next_page_token);
  EXPECT_EQ(page.blocks.at(0).cursor, "");
  ASSERT_TRUE(load(*graph, crew("d", 1)));
  ChangePollRequest next{.page_token = page.next_page_token, .limit = 8192};
  const auto rest = changes_of(*graph).poll(next).value();
  ASSERT_EQ(rest.blocks.size(), 2u);
  EXPECT_EQ(rest.blocks[0].cause.graph_commit_id, first);
  EXPECT_EQ(rest.blocks[1].cause.graph_commit_id, second);
  EXPECT_FALSE(rest.caught_up);
  // The place is every process's.
  const Polled last = poll(*Graph::open_on(store, "memory").value(), at(*rest.cursor)).value();
  ASSERT_EQ(last.blocks.size(), 1u);
  EXPECT_TRUE(last.caught_up);
}

TEST(Changes, AtMost128CommitsInAPoll) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  for (int i = 0; i < 130; ++i) ASSERT_TRUE(load(*graph, crew("a", i)));
  const Polled first = poll(*graph, from("beginning")).value();
  EXPECT_EQ(first.blocks.size(), 128u);
  EXPECT_FALSE(first.caught_up);
  const Polled second = poll(*graph, at(first.cursor)).value();
  EXPECT_EQ(second.blocks.size(), 2u);
  EXPECT_TRUE(second.caught_up);
}

TEST(Changes, CursorsAreBound) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  ASSERT_TRUE(load(*graph, crew("a", 1)));
  ASSERT_TRUE(graph->create_branch("w", "main"));
  const std::string cursor = poll(*graph, from("now", "w"))->cursor;
  const auto rejected = [&](ChangePollRequest request) {
    const auto answer = changes_of(*graph).poll(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kBadRequest);
    EXPECT_THAT(answer.error().message, StartsWith("change cursor rejected: "));
  };
  rejected(at(cursor));  // another branch
  ChangePollRequest filtered = at(cursor, "w");
  filtered.filter.ops = {"insert"};
  rejected(filtered);
  filtered.filter = {{"edge", "node", "node"}, {}, {"delete", "insert", "update"}};  // the same as none
  EXPECT_TRUE(changes_of(*graph).poll(filtered));
  rejected({.branch = "w", .page_token = cursor});
  rejected(from("after:" + base::new_ulid()));
  ASSERT_TRUE(graph->delete_branch("w"));
  const auto gone = changes_of(*graph).poll(at(cursor, "w"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::kNotFound);
  ASSERT_TRUE(graph->create_branch("w", "main"));
  rejected(at(cursor, "w"));

  ChangePollRequest both = from("now");
  both.cursor = cursor;
  EXPECT_EQ(error_of(changes_of(*graph).poll(both)), "cursor, start, and page_token are mutually exclusive");
  EXPECT_THAT(error_of(changes_of(*graph).poll(from("then"))), StartsWith("unknown start 'then'"));
  EXPECT_THAT(error_of(changes_of(*graph).poll(from("now", " "))), HasSubstr("branch name cannot be empty"));
}

TEST(Changes, FiltersHideNoBlock) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  ASSERT_TRUE(load(*graph, crew("a", 1) + "{\"type\":\"Dock\",\"data\":{\"id\":\"d\",\"name\":\"N\"}}\n" +
                               "{\"edge\":\"Mans\",\"from\":\"a\",\"to\":\"d\",\"data\":{\"id\":\"m\"}}\n"));
  ASSERT_TRUE(load(*graph, crew("a", 2) + crew("b", 1)));
  const auto seen = [&](const ChangeFilter& filter) {
    ChangePollRequest request = from("beginning");
    request.filter = filter;
    std::vector<std::string> ids;
    const Polled polled = poll(*graph, request).value();
    EXPECT_EQ(polled.blocks.size(), 2u);
    for (const auto& block : polled.blocks) std::ranges::copy(ids_of(block.changes), std::back_inserter(ids));
    return ids;
  };
  EXPECT_THAT(seen({{"edge"}, {}, {}}), ElementsAre("m"));
  EXPECT_THAT(seen({{}, {"Crew"}, {}}), ElementsAre("a", "a", "b"));
  EXPECT_THAT(seen({{}, {"Crew", "Mans"}, {"insert"}}), testing::UnorderedElementsAre("a", "m", "b"));
  EXPECT_THAT(seen({{}, {}, {"update"}}), ElementsAre("a"));
  EXPECT_THAT(seen({{"edge"}, {"Crew"}, {}}), IsEmpty());
  EXPECT_THAT(seen({{}, {"Nope"}, {}}), IsEmpty());
}

// Goal: what cleanup took is told as a gap, with the cursor that met it.
TEST(Changes, Gaps) {
  const auto store = objectstore::make_memory_store();
  std::string cursor, removed, kept;
  {
    const auto graph = fresh_graph(store);
    cursor = poll(*graph, {})->cursor;
    removed = load(*graph, crew("a", 1)).value();
    kept = load(*graph, crew("a", 2)).value();
    graph->storage().drain();
    const std::uint64_t first = graph->storage().parts().log->first_seq();
    ASSERT_TRUE(store->remove(graph::record_key("main", first)));
    ASSERT_TRUE(store->remove(graph::record_key("main", first + 1)));
  }
  const auto graph = Graph::open_on(store, "memory").value();
  const auto behind = changes_of(*graph).poll(at(cursor));
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code, Code::kGone);
  EXPECT_EQ(detail_of(behind.error()),
            (json{{"change_feed_gap", {{"cursor", cursor}, {"first_unreadable_commit_id", removed}}}}));
  EXPECT_THAT(behind.error().message, StartsWith("change feed gap at commit '" + removed + "'"));
  const auto beginning = changes_of(*graph).poll(from("beginning"));
  ASSERT_FALSE(beginning);
  EXPECT_EQ(detail_of(beginning.error()), (json{{"change_feed_gap", {{"first_unreadable_commit_id", removed}}}}));
  // The commit that is there has lost the state to compare with.
  for (const std::string& id : {removed, kept}) {
    const auto answer = changes_of(*graph).commit_changes({.commit_id = id});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kGone) << answer.error().message;
    EXPECT_EQ(detail_of(answer.error()), (json{{"change_feed_gap", {{"first_unreadable_commit_id", id}}}}));
  }
  const auto capture = changes_of(*graph).capture_baseline({}).value();
  ASSERT_TRUE(load(*graph, crew("a", 3)));
  EXPECT_EQ(poll(*graph, at(capture->baseline().resume_cursor))->blocks.size(), 1u);
}

TEST(Changes, BaselineGoesOnWithItsCursor) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  const std::string id = load(*graph, crew("a", 1) + "{\"type\":\"Dock\",\"data\":{\"id\":\"d\",\"name\":\"N\"}}\n").value();
  const BaselineRequest request{.branch = "main", .filter = {{"node"}, {"Crew"}, {"insert"}}};
  const auto capture = changes_of(*graph).capture_baseline(request).value();
  const std::string later = load(*graph, crew("b", 1)).value();  // not in it
  std::string records;
  ASSERT_TRUE(capture->write_records([&](std::string_view piece) -> Result<void> {
    records.append(piece);
    return {};
  }));
  EXPECT_EQ(records, R"({"type":"Crew","data":{"id":"a","born":null,"mail":null,"rank":1,"skills":null,"tag":"a"}})" "\n");
  EXPECT_EQ(capture->baseline().snapshot_commit_id, id);
  ChangePollRequest resumed = at(capture->baseline().resume_cursor);
  EXPECT_THAT(error_of(changes_of(*graph).poll(resumed)), StartsWith("change cursor rejected: "));
  resumed.filter = request.filter;
  const Polled polled = poll(*graph, resumed).value();
  ASSERT_EQ(polled.blocks.size(), 1u);
  EXPECT_EQ(polled.blocks[0].cause.graph_commit_id, later);
  EXPECT_THAT(error_of(changes_of(*graph).capture_baseline({.branch = "main", .filter = {{}, {"Nope"}, {}}})),
              HasSubstr("unknown export type 'Nope'"));
}

TEST(Changes, HeadMarksChangeWithTheHead) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  const auto never = std::chrono::milliseconds(0);
  const std::string mark = changes_of(*graph).head_mark("main", never).value();
  EXPECT_EQ(changes_of(*graph).head_mark("main", never).value(), mark);
  ASSERT_TRUE(load(*graph, crew("a", 1)));
  EXPECT_EQ(changes_of(*graph).head_mark("main", std::chrono::hours(1)).value(), mark) << "asked within the hour";
  EXPECT_NE(changes_of(*graph).head_mark("main", never).value(), mark);
  EXPECT_FALSE(changes_of(*graph).head_mark("nope", never));
}

// --- Replay ----------------------------------------------------------------------------------------------------------

// kind and type, id -> the record an export would have.
using World = std::map<std::pair<std::string, std::string>, json>;

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
    const std::string type = record.contains("type") ? "node:" + record["type"].get<std::string>()
                                                     : "edge:" + record["edge"].get<std::string>();
    world[{type, record["data"]["id"].get<std::string>()}] = record;
    begin = end + 1;
  }
  return world;
}

json record_of(const Change& change, const std::string& image_text) {
  const json image = json::parse(image_text);
  json record{{"data", image["properties"]}};
  record["data"]["id"] = change.id;
  record[change.kind == schema::EntityKind::kNode ? "type" : "edge"] = change.type_name;
  if (image.contains("endpoints")) record.update(image["endpoints"]);
  return record;
}

// Applies a block; every `before` has to be what is there.
void apply(const ChangeBlock& block, World& world) {
  std::tuple<bool, std::string, std::string> last;
  for (const Change& change : block.changes) {
    const bool edge = change.kind == schema::EntityKind::kEdge;
    const std::tuple place{edge, change.type_id, change.id};
    EXPECT_LT(last, place) << "order, and each entity once";
    last = place;
    const std::pair key{std::string(edge ? "edge:" : "node:") + change.type_name, change.id};
    const auto found = world.find(key);
    EXPECT_EQ(found != world.end(), change.op != ChangeOp::kInsert) << key.first << " " << key.second;
    if (found != world.end()) {
      EXPECT_EQ(found->second, record_of(change, change.before));
      world.erase(found);
    }
    if (change.op != ChangeOp::kDelete) world[key] = record_of(change, change.after);
    if (change.op == ChangeOp::kUpdate) {
      EXPECT_NE(change.before, change.after);
    }
  }
}

class RandomHistory {
 public:
  RandomHistory(Graph& graph, unsigned seed) : graph_(graph), random_(seed) {}

  // What the graph refuses (a taken mail, a missing dock) is no commit, which is as good.
  void step() {
    const std::string branch = branches[pick(branches.size())];
    switch (pick(10)) {
      case 0: case 1: case 2:
        (void)load(graph_, records(), LoadMode::kMerge, branch);
        break;
      case 3:
        (void)load(graph_, records(), LoadMode::kOverwrite, branch);
        break;
      case 4:
        (void)load(graph_, records(), LoadMode::kAppend, branch);
        break;
      case 5:
        (void)mutate(graph_, "delete Crew where tag = \"" + tag() + "\"", branch);
        break;
      case 6:
        (void)mutate(graph_, "update Crew set { rank: " + std::to_string(pick(3)) + " } where rank = " + std::to_string(pick(3)), branch);
        break;
      case 7:
        (void)mutate(graph_, "delete Mans where from = \"" + tag() + "\"", branch);
        break;
      case 8:
        if (branches.size() < 5) {
          const std::string name = std::string("b").append(std::to_string(pick(6)));
          if (graph_.create_branch(name, branch)) branches.push_back(name);
        }
        break;
      default:
        if (branch != "main" && pick(3) == 0 && graph_.delete_branch(branch)) std::erase(branches, branch);
        break;
    }
  }

  std::vector<std::string> branches{"main"};

  std::size_t pick(std::size_t below) { return random_() % below; }

 private:
  std::string tag() { return std::string("t").append(std::to_string(pick(12))); }
  std::string dock() { return std::string("d").append(std::to_string(pick(6))); }

  std::string records() {
    std::string lines;
    for (std::size_t left = pick(6); left-- > 0;) {
      const std::size_t kind = pick(4);
      if (kind <= 1) {
        lines += R"({"type":"Crew","data":{"tag":")" + tag() + "\"";
        if (pick(2) == 0) lines += ",\"rank\":" + std::to_string(pick(3));
        if (pick(4) == 0) lines += ",\"mail\":\"m" + std::to_string(pick(20)) + "\"";
        if (pick(4) == 0) lines += R"(,"skills":["x","y"])";
        lines += "}}\n";
      } else if (kind == 2) {
        lines += R"({"type":"Dock","data":{"id":")" + dock() + R"(","name":"n)" + std::to_string(pick(3)) + "\"";
        if (pick(3) == 0) lines += R"(,"img":"base64:aGk=")";
        if (pick(3) == 0) lines += R"(,"pos":[0.5,)" + std::to_string(pick(3)) + "]";
        lines += "}}\n";
      } else {
        lines += R"({"edge":"Mans","from":")" + tag() + R"(","to":")" + dock() + R"(","data":{"id":"m)" +
                 std::to_string(pick(8)) + "\"}}\n";
      }
    }
    return lines;
  }

  Graph& graph_;
  std::mt19937 random_;
};

// Goal: the feed of a branch tells exactly its history.
// Method: random loads, mutations, deletions and branches; all blocks from the beginning, applied to nothing, are the
// branch's export. Random page limits, stopping anywhere and going on in another process give the same blocks.
TEST(Changes, ReplayIsTheExport) {
  const char* rounds_text = std::getenv("OMNIGRAPH_CHANGES_ROUNDS");
  const int rounds = rounds_text == nullptr ? 3 : std::atoi(rounds_text);
  for (int round = 0; round < rounds; ++round) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const auto store = objectstore::make_memory_store();
    const auto graph = fresh_graph(store);
    RandomHistory history(*graph, seed);
    for (int i = 0; i < 60; ++i) history.step();
    const auto other = Graph::open_on(store, "memory").value();
    for (const std::string& branch : history.branches) {
      SCOPED_TRACE(branch);
      World world;
      std::vector<ChangeBlock> blocks;
      for (Polled polled = poll(*graph, from("beginning", branch)).value();; polled = poll(*other, at(polled.cursor, branch)).value()) {
        for (ChangeBlock& block : polled.blocks) blocks.push_back(std::move(block));
        if (polled.caught_up) break;
      }
      for (const ChangeBlock& block : blocks) {
        apply(block, world);
        const auto alone = changes_of(*graph).commit_changes({.commit_id = block.cause.graph_commit_id}).value();
        EXPECT_EQ(text_of({alone.cause, alone.changes, {}}), text_of(block));
      }
      EXPECT_EQ(world, export_of(*other, branch));
      EXPECT_EQ(blocks.size() + 1, graph->commits(branch)->size());

      std::string paged, whole;
      ChangePollRequest request = from("beginning", branch);
      for (bool caught_up = false; !caught_up;) {
        request.limit = 1 + history.pick(5);
        const Polled polled = poll(history.pick(2) == 0 ? *graph : *other, request).value();
        for (const ChangeBlock& block : polled.blocks) paged += text_of(block);
        caught_up = polled.caught_up;
        // Sometimes from the middle of what was read: a block's own cursor is as good as the poll's.
        request = at(polled.cursor, branch);
        if (!polled.blocks.empty() && history.pick(2) == 0) request = at(polled.blocks.back().cursor, branch);
      }
      for (const ChangeBlock& block : blocks) whole += text_of(block);
      EXPECT_EQ(paged, whole);
    }
  }
}

}  // namespace
}  // namespace omnigraph::engine
