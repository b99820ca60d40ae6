#include "client/remote_profile.h"

#include "base/json_writer.h"
#include "client/raw_json.h"

namespace omnigraph::client {

Result<std::string> profile_query(RemoteGraph& graph, const RemoteQuery& query, const engine::ReadTarget& target,
                                  bool explain) {
  if (query.source.empty()) {
    return std::unexpected(bad_request("the plan of a stored query is not served: pass its text with --query or -e"));
  }
  RemoteCall call{.method = "POST", .path = {"x", "profile"}};
  if (explain) call.query = {{"explain", "true"}};
  base::JsonWriter json(call.json);
  json.begin_object().key("query").string(query.source);
  if (!query.name.empty()) json.key("name").string(query.name);
  if (!query.parameters.empty()) {
    const auto compact = compact_json(query.parameters);
    if (!compact) return std::unexpected(bad_request("params must be a JSON object"));
    json.key("params").raw(*compact);
  }
  if (target.branch) json.key("branch").string(*target.branch);
  if (target.snapshot) json.key("snapshot").string(*target.snapshot);
  json.end_object();
  return graph.call(call);
}

}  // namespace omnigraph::client
