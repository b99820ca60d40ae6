// Bodies of the HTTP API (chapter 07 sections 5 and 9) as the engine's own results. Members this build does not know
// are ignored. Errors of all decoders: kInternal naming the member that is missing or has another type.
// Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/http.h"
#include "engine/graph.h"
#include "engine/tables.h"

namespace omnigraph::client {

struct GraphEntry {
  std::string graph_id;
  std::string uri;
};

struct BranchChange {  // of branch create and delete
  std::string name;
  std::string from;  // empty for a deletion
  std::optional<std::string> actor_id;
};

[[nodiscard]] Result<std::vector<GraphEntry>> decode_graphs(std::string_view json);
[[nodiscard]] Result<engine::CommitInfo> decode_commit(std::string_view json);
[[nodiscard]] Result<std::vector<engine::CommitInfo>> decode_commits(std::string_view json);
[[nodiscard]] Result<engine::SnapshotInfo> decode_snapshot(std::string_view json);
[[nodiscard]] Result<engine::MutateAnswer> decode_mutate_answer(std::string_view json);
[[nodiscard]] Result<engine::LoadAnswer> decode_load_answer(std::string_view json);
[[nodiscard]] Result<std::vector<engine::TableInfo>> decode_tables(std::string_view json);
[[nodiscard]] Result<std::vector<std::string>> decode_branches(std::string_view json);
[[nodiscard]] Result<BranchChange> decode_branch_change(std::string_view json);
[[nodiscard]] Result<std::string> decode_schema_source(std::string_view json);

// Field name of the detail that remote errors carry: the server's whole body, where that is JSON.
inline constexpr std::string_view kServerBody = "server_body";
// A response that is not 2xx. Message: the body's `error`, else `server returned <status>: <body>`.
[[nodiscard]] Error error_of(const HttpResponse& response);

}  // namespace omnigraph::client
