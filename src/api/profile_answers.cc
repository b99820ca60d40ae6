#include "api/profile_answers.h"

namespace omnigraph::api {
namespace {

void write_operator(JsonWriter& json, const exec::OperatorProfile& op, bool executed) {
  json.begin_object().key("name").string(op.name).key("detail").string(op.detail);
  json.key("estimated_rows");
  if (op.estimated_rows.has_value()) {
    json.number(*op.estimated_rows);
  } else {
    json.null();
  }
  if (executed) {
    json.key("rows").unsigned_integer(op.rows).key("represented_rows").unsigned_integer(op.represented);
    json.key("batches").unsigned_integer(op.batches).key("bytes").unsigned_integer(op.bytes);
    // Operators work on what planning opened.
    json.key("time_us").number(op.time_us).key("requests").unsigned_integer(0);
  }
  json.key("children").begin_array();
  for (const exec::OperatorProfile& child : op.children) write_operator(json, child, executed);
  json.end_array().end_object();
}

void write_operators(JsonWriter& json, const exec::ReadProfile& profile) {
  json.key("operators").begin_array();
  for (const exec::OperatorProfile& op : profile.operators) write_operator(json, op, profile.executed);
  json.end_array();
}

void append_plan(std::string& out, const engine::ProfiledRead& read) {
  const engine::ReadAnswer& answer = read.answer;
  JsonWriter json(out);
  json.begin_object().key("query_name").string(answer.query_name).key("target").begin_object();
  json.key("branch").string_or_null(answer.target.branch.value_or(""), answer.target.branch.has_value());
  json.key("snapshot").string_or_null(answer.target.snapshot.value_or(""), answer.target.snapshot.has_value());
  json.end_object().key("graph_commit_id").string(answer.graph_commit_id).key("plan").begin_object();
  write_operators(json, read.profile);
  json.end_object().end_object();
}

}  // namespace

bool append_profiled_read(std::string& out, const engine::ProfiledRead& read, const ReadShape& shape) {
  if (!read.profile.executed) {
    append_plan(out, read);
    return true;
  }
  if (!append_read_answer(out, read.answer, shape)) return false;
  out.pop_back();
  out.append(",\"profile\":");
  JsonWriter json(out);
  json.begin_object();
  write_operators(json, read.profile);
  json.key("threads").unsigned_integer(read.profile.threads).key("plan_us").number(read.profile.plan_us);
  json.key("execute_us").number(read.profile.execute_us).key("requests").unsigned_integer(read.requests);
  json.key("total_us").number(read.total_us).end_object();
  out.push_back('}');
  return true;
}

}  // namespace omnigraph::api
