// One served graph: the engine's data operations spoken over HTTP (chapter 07). Requests and answers have the shapes
// of engine::Graph, so a front end renders both the same way; the actor is the token's, never a request's.
//
// Errors are the server's: its text, a code from the status, and the whole body as detail `kServerBody` (decode.h).
// Writes are sent once. Thread safety: none; one object a thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/decode.h"
#include "client/http.h"
#include "client/remote_read.h"
#include "engine/graph.h"

namespace omnigraph::client {

struct Endpoint {
  std::string base_url;  // `BASE/graphs/ID` of a graph, or a server's bare BASE; without trailing '/'
  std::optional<std::string> token;
};

// What has no method of its own below.
struct RemoteCall {
  std::string method = "GET";
  std::vector<std::string> path{};                           // segments below the base, not encoded
  std::vector<std::pair<std::string, std::string>> query{};  // not encoded
  std::string json{};                                        // request body; empty: none
  std::vector<std::pair<std::string, std::string>> headers{};
};

// A query or mutation, ad hoc (`source`, in which `name` picks) or stored (`source` empty, `name` called).
struct RemoteQuery {
  std::string_view source;
  std::string_view name;
  std::string_view parameters;  // a JSON object or empty
};

class RemoteGraph {
 public:
  explicit RemoteGraph(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  [[nodiscard]] const std::string& base_url() const { return endpoint_.base_url; }

  // The 2xx body as compact JSON.
  [[nodiscard]] Result<std::string> call(const RemoteCall& call);
  // The 2xx body piece by piece; an answer that breaks off is an error.
  [[nodiscard]] Result<void> stream(const RemoteCall& call, const TextSink& sink);

  // The answer whatever its status, for calls whose headers count.
  [[nodiscard]] Result<HttpResponse> exchange(const RemoteCall& call, const TextSink& sink = {},
                                              const HeadSink& head = {});

  [[nodiscard]] Result<RemoteRead> query(const RemoteQuery& query, const engine::ReadTarget& target);
  // The plan of an ad hoc read (`explain`), or the read with its profile (POST x/profile), as compact JSON. kBadRequest
  // for a stored query, whose text the route does not know.
  [[nodiscard]] Result<std::string> profile(const RemoteQuery& query, const engine::ReadTarget& target, bool explain);
  [[nodiscard]] Result<engine::MutateAnswer> mutate(const RemoteQuery& query, const engine::MutateRequest& request);
  // Streams `source` as it is read.
  [[nodiscard]] Result<engine::LoadAnswer> load(const ByteSource& source, const engine::LoadRequest& request);
  // The older, buffered load with the permissive parser.
  [[nodiscard]] Result<engine::LoadAnswer> ingest(std::string_view data, const engine::LoadRequest& request);
  [[nodiscard]] Result<void> export_rows(std::string_view branch, const std::vector<std::string>& types,
                                         const TextSink& sink);
  [[nodiscard]] Result<engine::SnapshotInfo> snapshot(std::string_view branch);
  [[nodiscard]] Result<std::vector<engine::TableInfo>> tables(const engine::ReadTarget& target);
  [[nodiscard]] Result<std::string> schema_source();
  [[nodiscard]] Result<std::vector<engine::CommitInfo>> commits(std::string_view branch);
  [[nodiscard]] Result<engine::CommitInfo> commit(std::string_view id);
  [[nodiscard]] Result<std::vector<std::string>> branches();
  [[nodiscard]] Result<BranchChange> create_branch(std::string_view name, std::string_view from);
  [[nodiscard]] Result<BranchChange> delete_branch(std::string_view name);

 private:
  [[nodiscard]] Result<HttpRequest> request_of(const RemoteCall& call) const;

  Endpoint endpoint_;
  HttpSession session_;
};

// GET graphs on a server's bare BASE: the graphs the caller may see, by id.
[[nodiscard]] Result<std::vector<GraphEntry>> list_graphs(const Endpoint& server);

}  // namespace omnigraph::client
