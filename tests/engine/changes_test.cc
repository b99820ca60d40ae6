#include "engine/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ulid.h"
#include "engine/graph.h"
#include "graph/commit_log.h"
#include "graph/layout.h"
#include "graph/store_parts.h"
#include "objectstore/object_store.h"
#include "tests/engine/changes_support.h"

namespace omnigraph::engine {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Changes, InsertUpdateDeleteWithImages) {
  const auto graph = fresh_graph(objectstore::make_memory_store());
  const std::string inserted = load(*graph, R"({"type":"Crew","data":{"tag":"a","rank":3,"born":"1970-01-03"}}
{"type":"Dock","data":{"id":"d","name":"N","img":"base64:aGk="}}
{"edge":"Mans","from":"a","to":"d","data":{"id":"m","since":"1970-01-01T00:00:01Z"}}
)")
                                   .value();
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
  const auto second =
      changes_of(*other).commit_changes({.commit_id = id, .limit = 2, .page_token = first.next_page_token}).value();
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
  refused(
      {.commit_id = id, .filter = {.kinds = {"node"}, .types = {}, .ops = {}}, .page_token = first.next_page_token});
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
  const auto hidden =
      changes_of(*graph).commit_changes({.commit_id = id, .may_read = [](std::string_view) { return false; }});
  ASSERT_FALSE(unknown || hidden);
  EXPECT_EQ(hidden.error().code, Code::kNotFound);
  EXPECT_EQ(hidden.error().message, "commit '" + id + "' not found");
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_THAT(error_of(changes_of(*graph).commit_changes(
                  {.commit_id = id, .filter = {.kinds = {"x"}, .types = {}, .ops = {}}})),
              StartsWith("unknown kind 'x'"));
  EXPECT_THAT(error_of(changes_of(*graph).commit_changes(
                  {.commit_id = id, .filter = {.kinds = {}, .types = {}, .ops = {"x"}}})),
              StartsWith("unknown op 'x'"));
  EXPECT_THAT(changes_of(*graph)
                  .commit_changes({.commit_id = id, .filter = {.kinds = {}, .types = {"Nope"}, .ops = {}}})
                  ->changes,
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
  const std::string id =
      load(*graph, crew("a", 1) + "{\"type\":\"Dock\",\"data\":{\"id\":\"d\",\"name\":\"N\"}}\n").value();
  const BaselineRequest request{.branch = "main", .filter = {{"node"}, {"Crew"}, {"insert"}}};
  const auto capture = changes_of(*graph).capture_baseline(request).value();
  const std::string later = load(*graph, crew("b", 1)).value();  // not in it
  std::string records;
  ASSERT_TRUE(capture->write_records([&](std::string_view piece) -> Result<void> {
    records.append(piece);
    return {};
  }));
  EXPECT_EQ(records, R"({"type":"Crew","data":{"id":"a","born":null,"mail":null,"rank":1,"skills":null,"tag":"a"}})"
                     "\n");
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

}  // namespace
}  // namespace omnigraph::engine
