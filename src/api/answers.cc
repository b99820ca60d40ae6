#include "api/answers.h"

#include <unordered_map>

namespace omnigraph::api {

namespace {

void optional_string(JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
  json.key(key).string_or_null(value ? std::string_view(*value) : std::string_view(), value.has_value());
}

// For each projection: its column, or the later one that has the same key; npos marks the repeated ones.
std::vector<std::size_t> columns_by_key(const std::vector<std::string>& keys) {
  constexpr auto kRepeated = static_cast<std::size_t>(-1);
  std::vector<std::size_t> source(keys.size());
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto [at, fresh] = first.emplace(keys[i], i);
    source[i] = fresh ? i : kRepeated;
    if (!fresh) source[at->second] = i;
  }
  return source;
}

// Row texts with the escaped keys prepared once for all rows.
class RowWriter {
 public:
  explicit RowWriter(const exec::ReadResult& result) : result_(result), source_(columns_by_key(result.columns)) {
    for (const std::string& key : result.columns) {
      std::string text;
      base::append_json_string(text, key);
      text.push_back(':');
      keys_.push_back(std::move(text));
    }
  }

  void append(std::string& out, std::int64_t row) const {
    out.push_back('{');
    bool first = true;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (source_[i] == static_cast<std::size_t>(-1)) continue;
      if (!first) out.push_back(',');
      first = false;
      out.append(keys_[i]);
      columnar::append_json(out, *result_.rows.columns[source_[i]], row);
    }
    out.push_back('}');
  }

 private:
  const exec::ReadResult& result_;
  const std::vector<std::size_t> source_;
  std::vector<std::string> keys_;
};

void write_load_types(JsonWriter& json, std::string_view key, const std::vector<engine::LoadedType>& types) {
  json.key(key).begin_array();
  for (const auto& type : types) {
    json.begin_object().key("name").string(type.name).key("entities_loaded").unsigned_integer(type.entities_loaded);
    json.end_object();
  }
  json.end_array();
}

void write_rejects(JsonWriter& json, const std::vector<engine::RejectedRecord>& rejects, LoadShape shape) {
  json.key("rejected").unsigned_integer(rejects.size());
  if (shape != LoadShape::kNdjsonRoute) return;
  json.key("rejects").begin_array();
  for (const engine::RejectedRecord& record : rejects) write_rejected_record(json, record);
  json.end_array();
}

void write_optional_commit(JsonWriter& json, const std::optional<engine::CommitInfo>& commit) {
  json.key("commit");
  if (commit) {
    write_commit(json, *commit);
  } else {
    json.null();
  }
}

}  // namespace

void write_commit(JsonWriter& json, const engine::CommitInfo& commit) {
  json.begin_object().key("graph_commit_id").string(commit.graph_commit_id);
  optional_string(json, "graph_branch", commit.graph_branch);
  json.key("graph_manifest_version").unsigned_integer(commit.graph_manifest_version);
  optional_string(json, "parent_commit_id", commit.parent_commit_id);
  optional_string(json, "merged_parent_commit_id", commit.merged_parent_commit_id);
  optional_string(json, "actor_id", commit.actor_id);
  json.key("created_at").integer(commit.created_at).end_object();
}

void write_commits(JsonWriter& json, const std::vector<engine::CommitInfo>& commits) {
  json.begin_object().key("commits").begin_array();
  for (const auto& commit : commits) write_commit(json, commit);
  json.end_array().end_object();
}

void write_tables(JsonWriter& json, const std::vector<engine::TableInfo>& tables) {
  json.begin_object().key("tables").begin_array();
  for (const engine::TableInfo& table : tables) {
    json.begin_object().key("type_key").string(table.type_key).key("path").string(table.path);
    // A version may be above 2^63, which is no number to many readers of JSON.
    json.key("lance_version").string(std::to_string(table.lance_version));
    json.key("entity_count").unsigned_integer(table.entity_count).end_object();
  }
  json.end_array().end_object();
}

void write_snapshot(JsonWriter& json, const engine::SnapshotInfo& snapshot) {
  json.begin_object().key("graph_branch").string(snapshot.graph_branch);
  json.key("graph_manifest_version").unsigned_integer(snapshot.graph_manifest_version);
  json.key("internal_schema_version").integer(snapshot.internal_schema_version);
  json.key("datasets").begin_array();
  for (const auto& dataset : snapshot.datasets) {
    json.begin_object().key("entity_kind").string(dataset.entity_kind).key("type_name").string(dataset.type_name);
    json.key("dataset_path").string(dataset.dataset_path);
    json.key("published_dataset_version").unsigned_integer(dataset.published_dataset_version);
    optional_string(json, "native_dataset_branch", dataset.native_dataset_branch);
    json.key("entity_count").unsigned_integer(dataset.entity_count).end_object();
  }
  json.end_array().end_object();
}

void append_row(std::string& out, const exec::ReadResult& result, std::int64_t row) {
  RowWriter(result).append(out, row);
}

bool append_read_answer(std::string& out, const engine::ReadAnswer& answer, const ReadShape& shape) {
  const exec::ReadResult& result = answer.result;
  JsonWriter head(out);
  head.begin_object().key("query_name").string(answer.query_name).key("target").begin_object();
  optional_string(head, "branch", answer.target.branch);
  optional_string(head, "snapshot", answer.target.snapshot);
  head.end_object().key("row_count").integer(result.rows.length);
  if (!result.columns.empty()) {
    head.key("columns").begin_array();
    for (const std::string& column : result.columns) head.string(column);
    head.end_array();
  }
  out.append(",\"rows\":[");
  const RowWriter rows(result);
  for (std::int64_t i = 0; i < result.rows.length; ++i) {
    if (shape.text_bytes_max != 0 && out.size() > shape.text_bytes_max) return false;
    if (i != 0) out.push_back(',');
    rows.append(out, i);
  }
  if (shape.text_bytes_max != 0 && out.size() > shape.text_bytes_max) return false;
  out.push_back(']');
  if (shape.with_commit_id) {
    out.append(",\"graph_commit_id\":");
    base::append_json_string(out, answer.graph_commit_id);
  }
  out.push_back('}');
  return true;
}

void write_read_answer(JsonWriter& json, const engine::ReadAnswer& answer, const ReadShape& shape) {
  std::string compact;
  append_read_answer(compact, answer, shape);
  json.raw(compact);
}

void write_mutate_answer(JsonWriter& json, const engine::MutateAnswer& answer) {
  json.begin_object().key("branch").string(answer.branch).key("query_name").string(answer.query_name);
  json.key("affected_nodes").unsigned_integer(answer.affected_nodes);
  json.key("affected_edges").unsigned_integer(answer.affected_edges);
  optional_string(json, "actor_id", answer.actor_id);
  write_optional_commit(json, answer.commit);
  json.end_object();
}

void write_rejected_record(JsonWriter& json, const engine::RejectedRecord& record) {
  json.begin_object().key("line").unsigned_integer(record.line);
  json.key("message").string(record.message).key("text").string(record.text).end_object();
}

void write_load_answer(JsonWriter& json, const engine::LoadAnswer& answer, std::string_view uri, LoadShape shape) {
  json.begin_object();
  if (shape != LoadShape::kNdjsonRoute) json.key("uri").string(uri);
  json.key("branch").string(answer.branch);
  if (shape == LoadShape::kCliLoad) {
    json.key("mode").string(engine::load_mode_name(answer.mode));
    if (answer.base_branch) json.key("base_branch").string(*answer.base_branch);
    json.key("branch_created").boolean(answer.branch_created);
  } else {
    optional_string(json, "base_branch", answer.base_branch);
    json.key("branch_created").boolean(answer.branch_created);
    json.key("mode").string(engine::load_mode_name(answer.mode));
  }
  write_load_types(json, "nodes", answer.nodes);
  write_load_types(json, "edges", answer.edges);
  json.key("total_entities").unsigned_integer(answer.total_entities);
  if (answer.rejects) write_rejects(json, *answer.rejects, shape);
  if (shape != LoadShape::kCliLoad) optional_string(json, "actor_id", answer.actor_id);
  write_optional_commit(json, answer.commit);
  json.end_object();
}

void write_error(JsonWriter& json, const Error& error) {
  json.begin_object().key("error").string(error.render());
  // A precondition or removed history travels without a code; chapter 07 section 5.
  if (const std::string_view code = wire_code(error.code); !code.empty()) json.key("code").string(code);
  if (error.detail) json.key(error.detail->field).raw(error.detail->json);
  json.end_object();
}

std::string error_body(const Error& error) {
  std::string out;
  JsonWriter json(out);
  write_error(json, error);
  return out;
}

}  // namespace omnigraph::api
