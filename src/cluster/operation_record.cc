#include "cluster/operation_record.h"

#include <nlohmann/json.hpp>

#include "cluster/json_members.h"

namespace omnigraph::cluster {

namespace {

constexpr std::string_view kRecordPrefix = "__cluster/recoveries/";
constexpr std::string_view kRecordSuffix = ".json";

constexpr const char* kReadError = "recovery_sidecar_read_error";

using Json = nlohmann::ordered_json;

Json optional_json(const std::optional<std::string>& value) { return value ? Json(*value) : Json(nullptr); }
Json optional_json(const std::optional<std::uint64_t>& value) { return value ? Json(*value) : Json(nullptr); }

std::string record_key(const std::string& name) {
  return std::string(kRecordPrefix).append(name).append(kRecordSuffix);
}

PendingRecord parse_record(PendingRecord pending, std::string_view text) {
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

}  // namespace

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
  const auto put = root.store().put(record_key(record.operation_id), std::as_bytes(std::span(text)));
  if (put) return true;
  add_error(diagnostics, "recovery_sidecar_write_error", root.location(record_key(record.operation_id)),
            put.error().message);
  return false;
}

void remove_operation_record(const StorageRoot& root, const std::string& name) {
  // A leftover is settled by the next apply, so failing to remove it harms nothing.
  (void)root.store().remove(record_key(name));
}

std::vector<PendingRecord> read_operation_records(const StorageRoot& root) {
  std::vector<PendingRecord> records;
  objectstore::ListOptions options;
  for (;;) {
    const auto listing = root.store().list(kRecordPrefix, options);
    if (!listing) {
      records.push_back({"", root.location(kRecordPrefix), std::nullopt, kReadError, listing.error().message});
      return records;
    }
    for (const auto& object : listing->objects) {
      if (!object.key.ends_with(kRecordSuffix)) continue;
      PendingRecord pending;
      pending.name =
          object.key.substr(kRecordPrefix.size(), object.key.size() - kRecordPrefix.size() - kRecordSuffix.size());
      pending.location = root.location(object.key);
      const auto bytes = root.store().get(object.key);
      if (bytes) {
        records.push_back(parse_record(std::move(pending), bytes->text()));
      } else if (bytes.error().code != Code::kNotFound) {
        pending.code = kReadError;
        pending.message = bytes.error().message;
        records.push_back(std::move(pending));
      }
    }
    if (!listing->truncated || listing->objects.empty()) return records;
    options.start_after = listing->objects.back().key;
  }
}

}  // namespace omnigraph::cluster
