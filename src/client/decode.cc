#include "client/decode.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "client/raw_json.h"

namespace omnigraph::client {

using Json = nlohmann::json;

namespace {

// Runs `read` on the parsed body; what the library throws becomes an error.
template <class T, class Read>
Result<T> decoded(std::string_view body, const char* what, const Read& read) {
  try {
    return read(Json::parse(body));
  } catch (const Json::exception& error) {
    return std::unexpected(internal_error(std::string("the server's answer is no ") + what + ": " + error.what()));
  }
}

std::optional<std::string> optional_text(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return std::nullopt;
  return at->get<std::string>();
}

engine::CommitInfo commit_of(const Json& json) {
  return {.graph_commit_id = json.at("graph_commit_id").get<std::string>(),
          .graph_branch = optional_text(json, "graph_branch"),
          .graph_manifest_version = json.at("graph_manifest_version").get<std::uint64_t>(),
          .parent_commit_id = optional_text(json, "parent_commit_id"),
          .merged_parent_commit_id = optional_text(json, "merged_parent_commit_id"),
          .actor_id = optional_text(json, "actor_id"),
          .created_at = json.at("created_at").get<std::int64_t>()};
}

std::optional<engine::CommitInfo> optional_commit(const Json& json) {
  const auto at = json.find("commit");
  if (at == json.end() || at->is_null()) return std::nullopt;
  return commit_of(*at);
}

std::vector<engine::LoadedType> loaded_types(const Json& list) {
  std::vector<engine::LoadedType> types;
  for (const Json& item : list) {
    types.push_back({item.at("name").get<std::string>(), item.at("entities_loaded").get<std::uint64_t>()});
  }
  return types;
}

std::vector<engine::RejectedRecord> rejected_records(const Json& list) {
  std::vector<engine::RejectedRecord> records;
  for (const Json& item : list) {
    records.push_back({item.at("line").get<std::uint64_t>(), item.at("message").get<std::string>(),
                       item.at("text").get<std::string>()});
  }
  return records;
}

Code code_of(int status, const Json& body) {
  switch (status) {
    case 400: return Code::kBadRequest;
    case 401: return Code::kUnauthorized;
    case 403: return Code::kForbidden;
    case 404: return Code::kNotFound;
    case 405: return Code::kMethodNotAllowed;
    case 409: return Code::kConflict;
    case 410: return Code::kGone;
    case 412:
      return body.is_object() && body.contains("precondition_failure") ? Code::kPreconditionFailed : Code::kConflict;
    case 413: return Code::kResourceLimit;
    case 415: return Code::kUnsupportedMediaType;
    case 416: return Code::kRangeNotSatisfiable;
    case 424: return Code::kFailedDependency;
    case 429: return Code::kTooManyRequests;
    case 503: return Code::kUnavailable;
    default: return Code::kInternal;
  }
}

}  // namespace

Result<std::vector<GraphEntry>> decode_graphs(std::string_view json) {
  return decoded<std::vector<GraphEntry>>(json, "list of graphs", [](const Json& body) {
    std::vector<GraphEntry> graphs;
    for (const Json& graph : body.at("graphs")) {
      graphs.push_back({graph.at("graph_id").get<std::string>(), graph.at("uri").get<std::string>()});
    }
    return graphs;
  });
}

Result<engine::CommitInfo> decode_commit(std::string_view json) {
  return decoded<engine::CommitInfo>(json, "commit", commit_of);
}

Result<std::vector<engine::CommitInfo>> decode_commits(std::string_view json) {
  return decoded<std::vector<engine::CommitInfo>>(json, "list of commits", [](const Json& body) {
    std::vector<engine::CommitInfo> commits;
    for (const Json& commit : body.at("commits")) commits.push_back(commit_of(commit));
    return commits;
  });
}

Result<engine::SnapshotInfo> decode_snapshot(std::string_view json) {
  return decoded<engine::SnapshotInfo>(json, "snapshot", [](const Json& body) {
    engine::SnapshotInfo snapshot;
    snapshot.graph_branch = body.at("graph_branch").get<std::string>();
    snapshot.graph_manifest_version = body.at("graph_manifest_version").get<std::uint64_t>();
    snapshot.internal_schema_version = body.at("internal_schema_version").get<int>();
    for (const Json& item : body.at("datasets")) {
      engine::DatasetInfo& dataset = snapshot.datasets.emplace_back();
      dataset.entity_kind = item.at("entity_kind").get<std::string>();
      dataset.type_name = item.at("type_name").get<std::string>();
      dataset.dataset_path = item.at("dataset_path").get<std::string>();
      dataset.published_dataset_version = item.at("published_dataset_version").get<std::uint64_t>();
      dataset.native_dataset_branch = optional_text(item, "native_dataset_branch");
      dataset.entity_count = item.at("entity_count").get<std::uint64_t>();
    }
    return snapshot;
  });
}

Result<engine::MutateAnswer> decode_mutate_answer(std::string_view json) {
  return decoded<engine::MutateAnswer>(json, "answer to a mutation", [](const Json& body) {
    return engine::MutateAnswer{.branch = body.at("branch").get<std::string>(),
                                .query_name = body.at("query_name").get<std::string>(),
                                .affected_nodes = body.at("affected_nodes").get<std::uint64_t>(),
                                .affected_edges = body.at("affected_edges").get<std::uint64_t>(),
                                .actor_id = optional_text(body, "actor_id"),
                                .commit = optional_commit(body)};
  });
}

Result<engine::LoadAnswer> decode_load_answer(std::string_view json) {
  return decoded<engine::LoadAnswer>(json, "answer to a load", [](const Json& body) {
    engine::LoadAnswer answer;
    answer.branch = body.at("branch").get<std::string>();
    answer.base_branch = optional_text(body, "base_branch");
    answer.branch_created = body.at("branch_created").get<bool>();
    answer.mode = engine::load_mode_of(body.at("mode").get<std::string>()).value_or(engine::LoadMode::kMerge);
    answer.nodes = loaded_types(body.at("nodes"));
    answer.edges = loaded_types(body.at("edges"));
    answer.total_entities = body.at("total_entities").get<std::uint64_t>();
    if (body.contains("rejects")) answer.rejects = rejected_records(body.at("rejects"));
    answer.actor_id = optional_text(body, "actor_id");
    answer.commit = optional_commit(body);
    return answer;
  });
}

Result<std::vector<engine::TableInfo>> decode_tables(std::string_view json) {
  return decoded<std::vector<engine::TableInfo>>(json, "list of tables", [](const Json& body) {
    std::vector<engine::TableInfo> tables;
    for (const Json& item : body.at("tables")) {
      tables.push_back({item.at("type_key").get<std::string>(), item.at("path").get<std::string>(),
                        Json::parse(item.at("lance_version").get<std::string>()).get<std::uint64_t>(),
                        item.at("entity_count").get<std::uint64_t>()});
    }
    return tables;
  });
}

Result<std::vector<std::string>> decode_branches(std::string_view json) {
  return decoded<std::vector<std::string>>(
      json, "list of branches", [](const Json& body) { return body.at("branches").get<std::vector<std::string>>(); });
}

Result<BranchChange> decode_branch_change(std::string_view json) {
  return decoded<BranchChange>(json, "answer about a branch", [](const Json& body) {
    return BranchChange{body.at("name").get<std::string>(), optional_text(body, "from").value_or(""),
                        optional_text(body, "actor_id")};
  });
}

Result<std::string> decode_schema_source(std::string_view json) {
  return decoded<std::string>(json, "schema",
                              [](const Json& body) { return body.at("schema_source").get<std::string>(); });
}

Error error_of(const HttpResponse& response) {
  const Json body = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  Error error{code_of(response.status, body), ""};
  if (body.is_object() && body.contains("error") && body["error"].is_string()) {
    error.message = body["error"].get<std::string>();
  } else {
    error.message =
        "server returned " + std::to_string(response.status) + ": " + std::string(base::trim_ascii(response.body));
    if (const auto location = response.header("location")) {
      error.context = "redirects are not followed; address the server as '" + *location + "' says";
    }
  }
  if (auto compact = compact_json(response.body)) {
    return with_detail(std::move(error), std::string(kServerBody), std::move(*compact));
  }
  return error;
}

}  // namespace omnigraph::client
