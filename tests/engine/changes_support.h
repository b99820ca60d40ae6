// Shared by the tests of the change feed: a small graph of crews and docks, and polls with all their pages.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/changes.h"
#include "engine/graph.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine::testing_support {

using nlohmann::json;

inline constexpr const char* kSchema = R"(
node Crew { tag: String @key  mail: String? @unique  rank: I32?  born: Date?  skills: [String]? }
node Dock { name: String  img: Blob?  pos: Vector(2)? }
edge Mans: Crew -> Dock { since: DateTime? }
edge Near: Dock -> Dock
)";

inline std::shared_ptr<Graph> fresh_graph(const std::shared_ptr<objectstore::ObjectStore>& store,
                                          const char* schema = kSchema) {
  auto graph = Graph::init_on(store, "memory", schema);
  if (!graph) ADD_FAILURE() << graph.error().render();
  return *graph;
}

inline ByteSource source_of(const std::string& text) {
  return [text, at = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t count = std::min(out.size(), text.size() - at);
    std::memcpy(out.data(), text.data() + at, count);
    at += count;
    return count;
  };
}

inline Result<std::string> load(Graph& graph, const std::string& lines, LoadMode mode = LoadMode::kMerge,
                                const std::string& branch = "main") {
  OG_ASSIGN_OR_RETURN(const auto answer,
                      graph.load(source_of(lines), {.mode = mode, .branch = branch, .from = {}, .actor = "ann"}));
  return answer.commit->graph_commit_id;
}

inline Result<MutateAnswer> mutate(Graph& graph, const std::string& statement, const std::string& branch = "main") {
  return graph.mutate("query q() { " + statement + " }", "", "", {.branch = branch, .actor = {}, .if_commit = {}});
}

inline std::string crew(const std::string& tag, int rank) {
  return R"({"type":"Crew","data":{"tag":")" + tag + R"(","rank":)" + std::to_string(rank) + "}}\n";
}

// Blocks of one poll with all its pages, each block whole.
struct Polled {
  std::vector<ChangeBlock> blocks;
  std::string cursor;
  bool caught_up = false;
  int pages = 0;
};

inline Result<Polled> poll(Graph& graph, ChangePollRequest request) {
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

inline ChangePollRequest from(const std::string& start, const std::string& branch = "main") {
  return {.branch = branch, .start = start};
}
inline ChangePollRequest at(const std::string& cursor, const std::string& branch = "main") {
  return {.branch = branch, .cursor = cursor};
}

inline std::vector<std::string> ids_of(const std::vector<Change>& changes) {
  std::vector<std::string> ids;
  for (const Change& change : changes) ids.push_back(change.id);
  return ids;
}

inline std::string text_of(const ChangeBlock& block) {
  std::string text = block.cause.graph_commit_id + "\n";
  for (const Change& change : block.changes) {
    text += change.type_id + " " + change.id + " " + std::string(change_op_name(change.op)) + " " + change.before +
            " " + change.after + "\n";
  }
  return text;
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

inline nlohmann::json detail_of(const Error& error) {
  return error.detail ? json{{error.detail->field, json::parse(error.detail->json)}} : json();
}

}  // namespace omnigraph::engine::testing_support
