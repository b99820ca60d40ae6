#include "cluster/operation_record.h"

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/date_time.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "cluster/plan.h"
#include "engine/graph.h"

namespace omnigraph::cluster {

namespace {

constexpr std::string_view kRecordPrefix = "__cluster/recoveries/";

using Json = nlohmann::ordered_json;

Json optional_json(const std::optional<std::string>& value) { return value ? Json(*value) : Json(nullptr); }
Json optional_json(const std::optional<std::uint64_t>& value) { return value ? Json(*value) : Json(nullptr); }

std::optional<std::string> text_or_null(const Json& json, const char* key) {
  if (!json.contains(key) || json[key].is_null()) return std::nullopt;
  return json[key].get<std::string>();
}
std::optional<std::uint64_t> number_or_null(const Json& json, const char* key) {
  if (!json.contains(key) || json[key].is_null()) return std::nullopt;
  return json[key].get<std::uint64_t>();
}

PendingRecord parse_record(std::string location, std::string_view text) {
  PendingRecord pending{std::move(location), std::nullopt, {}, {}};
  try {
    const Json json = Json::parse(text);
    if (json.is_object() && json.contains("schema_version") && json["schema_version"] != 1) {
      pending.code = "unsupported_recovery_sidecar_version";
      pending.message = "record version " + json["schema_version"].dump() + " is not supported by this build";
      return pending;
    }
    OperationRecord record;
    record.operation_id = json.at("operation_id").get<std::string>();
    record.started_at = json.at("started_at").get<std::string>();
    record.actor = text_or_null(json, "actor");
    record.kind = json.at("kind").get<std::string>();
    record.graph_id = text_or_null(json, "graph_id").value_or("");
    record.graph_uri = text_or_null(json, "graph_uri").value_or("");
    record.observed_manifest_version = number_or_null(json, "observed_manifest_version");
    record.expected_manifest_version = number_or_null(json, "expected_manifest_version");
    record.desired_schema_digest = text_or_null(json, "desired_schema_digest");
    record.state_cas_base = text_or_null(json, "state_cas_base");
    record.approval_id = text_or_null(json, "approval_id");
    pending.record = std::move(record);
  } catch (const nlohmann::json::exception& error) {
    pending.code = "invalid_recovery_sidecar";
    pending.message = error.what();
  }
  return pending;
}

void roll_forward(Ledger& ledger, const OperationRecord& record, const std::string& digest,
                  const std::optional<std::string>& actor) {
  const std::string graph = "graph." + record.graph_id;
  ledger.resources["schema." + record.graph_id].digest = digest;
  ledger.resources.try_emplace(graph);
  ledger.statuses[graph] = ledger.statuses["schema." + record.graph_id] = ResourceStatus{"applied", {}, {}};
  ledger.recompute_composites();
  std::string entry;
  base::JsonWriter json(entry);
  json.begin_object().key("kind").string(record.kind).key("graph_id").string(record.graph_id);
  json.key("outcome").string("rolled_forward").key("recovered_at").string(base::format_seconds(system_clock().now_us()));
  json.key("actor").string_or_null(actor.value_or(""), actor.has_value()).end_object();
  ledger.recovery_records[record.operation_id] = std::move(entry);
}

// What one record of a create or schema apply turns into.
void settle_one(const PendingRecord& pending, Ledger& ledger, const std::optional<std::string>& actor, Settled& settled,
                Diagnostics& diagnostics) {
  const OperationRecord& record = *pending.record;
  const std::string address = "graph." + record.graph_id;
  const auto live = live_schema_digest(record.graph_uri);
  const auto keep = [&] { settled.in_recovery.insert(record.graph_id); };
  if (!live) {
    keep();
    if (record.kind == "graph_create") {
      add_error(diagnostics, "graph_create_incomplete", address,
                "'" + record.graph_uri + "' does not open (" + live.error().message + "); remove it and run again");
    } else {
      add_warning(diagnostics, "cluster_recovery_pending", pending.location, live.error().message);
    }
    return;
  }
  const auto recorded = ledger.resources.find("schema." + record.graph_id);
  const std::string ledger_digest = recorded == ledger.resources.end() ? "" : recorded->second.digest;
  if (!*live || **live == ledger_digest) {
    settled.finished.push_back(record.operation_id);
  } else if (*live == record.desired_schema_digest) {
    roll_forward(ledger, record, **live, actor);
    settled.ledger_changed = true;
    settled.finished.push_back(record.operation_id);
    add_warning(diagnostics, "cluster_recovery_rolled_forward", address,
                "an interrupted " + record.kind + " had finished; the ledger now records it");
  } else {
    keep();
    ledger.statuses[address] = ResourceStatus{"drifted", {"actual_applied_state_pending"}, {}};
    settled.ledger_changed = true;
    add_warning(diagnostics, "cluster_recovery_pending", pending.location,
                "the live schema of " + address + " is neither the recorded nor the desired one");
  }
}

}  // namespace

Result<std::optional<std::string>> live_schema_digest(const std::string& graph_uri,
                                                      std::optional<std::uint64_t>* version) {
  auto graph = engine::Graph::open(graph_uri);
  if (!graph) {
    if (graph.error().code == Code::kNotFound) return std::nullopt;
    return std::unexpected(std::move(graph).error());
  }
  OG_ASSIGN_OR_RETURN(const std::string source, (*graph)->schema_source("main"));
  if (version != nullptr) {
    OG_ASSIGN_OR_RETURN(const auto snapshot, (*graph)->snapshot("main"));
    *version = snapshot.graph_manifest_version;
  }
  return base::sha256_hex(source);
}

std::string operation_record_key(const std::string& operation_id) {
  return std::string(kRecordPrefix) + operation_id + ".json";
}

bool write_operation_record(const StorageRoot& root, const OperationRecord& record, Diagnostics& diagnostics) {
  Json json;
  json["schema_version"] = 1;
  json["operation_id"] = record.operation_id;
  json["started_at"] = record.started_at;
  json["actor"] = optional_json(record.actor);
  json["kind"] = record.kind;
  json["graph_id"] = record.graph_id;
  json["graph_uri"] = record.graph_uri;
  json["observed_manifest_version"] = optional_json(record.observed_manifest_version);
  json["expected_manifest_version"] = optional_json(record.expected_manifest_version);
  json["desired_schema_digest"] = optional_json(record.desired_schema_digest);
  json["state_cas_base"] = optional_json(record.state_cas_base);
  json["approval_id"] = optional_json(record.approval_id);
  const std::string text = json.dump(2) + "\n";
  const auto put = root.store().put(operation_record_key(record.operation_id), std::as_bytes(std::span(text)));
  if (put) return true;
  add_error(diagnostics, "recovery_sidecar_write_error", root.location(operation_record_key(record.operation_id)),
            put.error().message);
  return false;
}

void remove_operation_record(const StorageRoot& root, const std::string& operation_id) {
  // A leftover is settled by the next apply, so failing to remove it harms nothing.
  (void)root.store().remove(operation_record_key(operation_id));
}

std::vector<PendingRecord> read_operation_records(const StorageRoot& root) {
  std::vector<PendingRecord> records;
  objectstore::ListOptions options;
  for (;;) {
    const auto listing = root.store().list(kRecordPrefix, options);
    if (!listing) {
      records.push_back({root.location(kRecordPrefix), std::nullopt, "recovery_sidecar_read_error", listing.error().message});
      return records;
    }
    for (const auto& object : listing->objects) {
      if (!object.key.ends_with(".json")) continue;
      const auto bytes = root.store().get(object.key);
      if (bytes) {
        records.push_back(parse_record(root.location(object.key), bytes->text()));
      } else if (bytes.error().code != Code::kNotFound) {
        records.push_back({root.location(object.key), std::nullopt, "recovery_sidecar_read_error", bytes.error().message});
      }
    }
    if (!listing->truncated || listing->objects.empty()) return records;
    options.start_after = listing->objects.back().key;
  }
}

Settled settle_operation_records(const StorageRoot& root, Ledger& ledger, const std::optional<std::string>& actor,
                                 Diagnostics& diagnostics) {
  Settled settled;
  for (const PendingRecord& pending : read_operation_records(root)) {
    if (!pending.record) {
      add_warning(diagnostics, pending.code, pending.location, pending.message);
    } else if (pending.record->kind == "graph_create" || pending.record->kind == "schema_apply") {
      settle_one(pending, ledger, actor, settled, diagnostics);
    } else {
      settled.in_recovery.insert(pending.record->graph_id);
      add_warning(diagnostics, "cluster_recovery_pending", pending.location,
                  "this build does not settle operations of kind '" + pending.record->kind + "'");
    }
  }
  return settled;
}

}  // namespace omnigraph::cluster
