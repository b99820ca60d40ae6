#include "api/merge_answers.h"

#include "engine/merge_conflicts.h"

namespace omnigraph::api {
namespace {

using base::JsonWriter;

void write_head(JsonWriter& json, const engine::DiffHead& head) {
  json.begin_object().key("branch").string(head.branch).key("graph_commit_id").string(head.graph_commit_id);
  json.end_object();
}

void write_change(JsonWriter& json, const engine::DiffChange& change) {
  json.begin_object().key("kind").string(change.kind);
  json.key("type").begin_object().key("id").string(change.type_id).key("name").string(change.type_name).end_object();
  json.key("id").string(change.id).key("op").string(change.op);
  if (!change.before.empty()) json.key("before").raw(change.before);
  if (!change.after.empty()) json.key("after").raw(change.after);
  if (change.op == "update") {
    json.key("fields").begin_array();
    for (const std::string& field : change.fields) json.string(field);
    json.end_array();
  }
  json.end_object();
}

}  // namespace

void write_merge_answer(JsonWriter& json, const engine::MergeAnswer& answer) {
  json.begin_object().key("source").string(answer.source).key("target").string(answer.target);
  json.key("outcome").string(answer.outcome);
  json.key("actor_id").string_or_null(answer.actor_id.value_or(""), answer.actor_id.has_value());
  if (answer.branch_deleted) json.key("branch_deleted").boolean(*answer.branch_deleted);
  if (answer.branch_delete_error) json.key("branch_delete_error").string(*answer.branch_delete_error);
  json.end_object();
}

void write_diff(JsonWriter& json, const engine::DiffAnswer& diff, bool with_changes) {
  json.begin_object();
  json.key("source");
  write_head(json, diff.source);
  json.key("target");
  write_head(json, diff.target);
  json.key("base_commit_id").string(diff.base_commit_id).key("outcome").string(diff.outcome);
  json.key("counts").begin_object();
  for (const auto& [type, counts] : diff.counts) {
    json.key(type).begin_object().key("inserted").unsigned_integer(counts.inserted);
    json.key("updated").unsigned_integer(counts.updated).key("deleted").unsigned_integer(counts.deleted).end_object();
  }
  json.end_object();
  json.key("conflict_count").unsigned_integer(diff.conflict_count);
  json.key("conflicts").begin_array();
  for (const engine::DiffConflict& conflict : diff.conflicts) engine::write_conflict(json, conflict, true);
  json.end_array();
  if (with_changes) {
    json.key("changes").begin_array();
    for (const engine::DiffChange& change : diff.changes) write_change(json, change);
    json.end_array();
    if (diff.next_page_token) json.key("next_page_token").string(*diff.next_page_token);
  }
  json.end_object();
}

}  // namespace omnigraph::api
