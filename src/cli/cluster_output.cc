#include "cli/cluster_output.h"

#include "base/json_writer.h"

namespace omnigraph::cli {

namespace {

using base::JsonWriter;
using cluster::Change;
using cluster::Diagnostics;

void write_diagnostics(JsonWriter& json, const Diagnostics& diagnostics) {
  json.key("diagnostics").begin_array();
  for (const auto& diagnostic : diagnostics) {
    json.begin_object().key("code").string(diagnostic.code);
    json.key("severity").string(diagnostic.severity == cluster::Severity::kError ? "error" : "warning");
    json.key("path").string(diagnostic.path).key("message").string(diagnostic.message).end_object();
  }
  json.end_array();
}

void write_digests(JsonWriter& json, const std::map<std::string, std::string>& digests) {
  json.key("resource_digests").begin_object();
  for (const auto& [address, digest] : digests) json.key(address).string(digest);
  json.end_object();
}

void write_dependencies(JsonWriter& json, const cluster::Declaration& declaration) {
  json.key("dependencies").begin_array();
  for (const auto& [from, to] : declaration.dependencies) {
    json.begin_object().key("from").string(from).key("to").string(to).end_object();
  }
  json.end_array();
}

void write_optional(JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
  if (value) json.key(key).string(*value);
}

void write_state(JsonWriter& json, const cluster::StateObservations& state) {
  json.key("state_observations").begin_object();
  json.key("state_path").string(state.state_path).key("lock_path").string(state.lock_path);
  json.key("state_found").boolean(state.state_found);
  write_optional(json, "applied_config_digest", state.applied_config_digest);
  json.key("state_revision").unsigned_integer(state.state_revision);
  write_optional(json, "state_cas", state.state_cas);
  json.key("resource_count").unsigned_integer(state.resource_count);
  json.key("locked").boolean(state.locked);
  write_optional(json, "lock_id", state.lock_id);
  json.key("lock_acquired").boolean(state.lock_acquired);
  write_optional(json, "acquired_lock_id", state.acquired_lock_id);
  write_optional(json, "lock_operation", state.lock_operation);
  write_optional(json, "lock_created_at", state.lock_created_at);
  if (state.lock_pid) json.key("lock_pid").integer(*state.lock_pid);
  if (state.lock_age_seconds) json.key("lock_age_seconds").integer(*state.lock_age_seconds);
  json.end_object();
}

void write_changes(JsonWriter& json, const std::vector<Change>& changes) {
  json.key("changes").begin_array();
  for (const Change& change : changes) {
    json.begin_object().key("resource").string(change.resource);
    json.key("operation").string(operation_name(change.operation));
    write_optional(json, "before_digest", change.before_digest);
    write_optional(json, "after_digest", change.after_digest);
    json.key("disposition").string(disposition_name(change.disposition));
    if (!change.reason.empty()) json.key("reason").string(change.reason);
    if (change.binding_change) json.key("binding_change").boolean(true);
    if (!change.metadata_change.empty()) json.key("metadata_change").string(change.metadata_change);
    if (change.migration) {
      json.key("migration").begin_object().key("supported").boolean(change.migration->supported);
      json.key("steps").begin_array();
      for (const auto& step : change.migration->steps) schema::write_step(json, step);
      json.end_array().end_object();
    }
    json.end_object();
  }
  json.end_array();
}

void write_statuses(JsonWriter& json, const std::map<std::string, cluster::ResourceStatus>& statuses) {
  json.key("resource_statuses").begin_object();
  for (const auto& [address, status] : statuses) {
    json.key(address);
    cluster::write_status(json, status);
  }
  json.end_object();
}

void write_revision(JsonWriter& json, const std::optional<std::string>& digest) {
  json.key("desired_revision").begin_object();
  write_optional(json, "config_digest", digest);
  json.end_object();
}

}  // namespace

std::string validate_json(const cluster::Declaration& declaration, const std::string& config_dir) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("ok").boolean(declaration.ok()).key("config_dir").string(config_dir);
  json.key("config_file").string((declaration.config.directory / cluster::kConfigFile).string());
  write_digests(json, declaration.digests());
  json.key("resources").begin_array();
  for (const auto& [address, resource] : declaration.resources) {
    json.begin_object().key("address").string(address).key("kind").string(resource.kind);
    json.key("digest").string(resource.digest);
    write_optional(json, "path", resource.path);
    json.end_object();
  }
  json.end_array();
  write_dependencies(json, declaration);
  write_diagnostics(json, declaration.diagnostics);
  json.end_object();
  return out;
}

std::string plan_json(const cluster::PlanReport& report, const std::string& config_dir) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("ok").boolean(report.ok()).key("config_dir").string(config_dir);
  write_revision(json, report.declaration.config_digest);
  write_digests(json, report.declaration.digests());
  write_dependencies(json, report.declaration);
  write_state(json, report.state);
  write_changes(json, report.changes);
  json.key("blast_radius").begin_array();
  for (const auto& entry : report.blast_radius) {
    json.begin_object().key("resource").string(entry.resource).key("affected").begin_array();
    for (const std::string& address : entry.affected) json.string(address);
    json.end_array().end_object();
  }
  json.end_array().key("approvals_required").begin_array();
  for (const auto& gate : report.approvals_required) {
    json.begin_object().key("resource").string(gate.resource).key("reason").string(gate.reason);
    json.key("satisfied").boolean(gate.satisfied).end_object();
  }
  json.end_array();
  write_diagnostics(json, report.diagnostics);
  json.end_object();
  return out;
}

std::string apply_json(const cluster::ApplyReport& report, const std::string& config_dir) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("ok").boolean(report.ok()).key("config_dir").string(config_dir);
  write_optional(json, "actor", report.actor);
  write_revision(json, report.config_digest);
  write_state(json, report.state);
  write_changes(json, report.changes);
  json.key("applied_count").unsigned_integer(report.applied_count);
  json.key("deferred_count").unsigned_integer(report.deferred_count);
  json.key("converged").boolean(report.converged).key("state_written").boolean(report.state_written);
  write_statuses(json, report.resource_statuses);
  write_diagnostics(json, report.diagnostics);
  json.end_object();
  return out;
}

std::string approve_json(const cluster::ApproveReport& report, const std::string& config_dir) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("ok").boolean(report.ok()).key("config_dir").string(config_dir);
  write_optional(json, "approval_id", report.approval_id);
  write_optional(json, "resource", report.resource);
  write_optional(json, "operation", report.operation);
  write_optional(json, "approved_by", report.approved_by);
  write_diagnostics(json, report.diagnostics);
  json.end_object();
  return out;
}

std::string state_json(const cluster::StateReport& report, const std::string& config_dir, const std::string& verb) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("ok").boolean(report.ok());
  if (verb != "status") json.key("operation").string(verb);
  json.key("config_dir").string(config_dir);
  write_state(json, report.state);
  write_digests(json, report.resource_digests);
  write_statuses(json, report.resource_statuses);
  json.key("observations").begin_object();
  for (const auto& [address, text] : report.observations) json.key(address).raw(text);
  json.end_object();
  write_diagnostics(json, report.diagnostics);
  json.end_object();
  return out;
}

std::string unlock_json(const cluster::UnlockReport& report, const std::string& config_dir) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("ok").boolean(report.lock_removed).key("config_dir").string(config_dir);
  write_state(json, report.state);
  json.key("lock_removed").boolean(report.lock_removed);
  write_diagnostics(json, report.diagnostics);
  json.end_object();
  return out;
}

}  // namespace omnigraph::cli
