#include "cluster/ledger.h"

#include <nlohmann/json.hpp>

#include <set>

#include "base/json_writer.h"
#include "cluster/json_members.h"

namespace omnigraph::cluster {

namespace {

using base::JsonWriter;
using Json = nlohmann::ordered_json;

// Thrown and caught in this file only, like the JSON library's own exceptions.
struct InvalidState {
  std::string message;
};

void check_keys(const Json& object, const std::string& where, const std::set<std::string>& known) {
  if (!object.is_object()) throw InvalidState{where + " must be an object"};
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) throw InvalidState{"unknown key `" + key + "` in " + where};
  }
}

void write_entry(JsonWriter& json, const LedgerEntry& entry) {
  json.begin_object().key("digest").string(entry.digest);
  if (entry.applies_to) {
    json.key("applies_to").begin_array();
    for (const std::string& scope : *entry.applies_to) json.string(scope);
    json.end_array();
  }
  if (entry.embedding_provider) json.key("embedding_provider").string(*entry.embedding_provider);
  if (entry.embedding_profile) json.key("embedding_profile").raw(profile_json(*entry.embedding_profile));
  if (!entry.external_blob_policy.empty())
    json.key("external_blob_policy").raw(blob_policy_json(entry.external_blob_policy));
  json.end_object();
}

void write_free_map(JsonWriter& json, std::string_view key, const std::map<std::string, std::string>& map) {
  json.key(key).begin_object();
  for (const auto& [name, value] : map) json.key(name).raw(value);
  json.end_object();
}

EmbeddingProfile read_profile(const Json& json) {
  check_keys(json, "embedding_profile", {"kind", "provider", "base_url", "model", "api_key"});
  EmbeddingProfile profile;
  if (auto kind = text_or_null(json, "provider")) profile.kind = *kind;
  if (auto kind = text_or_null(json, "kind")) profile.kind = *kind;
  profile.base_url = text_or_null(json, "base_url");
  profile.model = text_or_null(json, "model");
  profile.api_key = text_or_null(json, "api_key");
  return profile;
}

LedgerEntry read_entry(const Json& json, const std::string& address) {
  check_keys(json, "applied_revision.resources." + address,
             {"digest", "applies_to", "embedding_provider", "embedding_profile", "external_blob_policy"});
  LedgerEntry entry;
  entry.digest = json.at("digest").get<std::string>();
  if (json.contains("applies_to")) entry.applies_to = json["applies_to"].get<std::vector<std::string>>();
  entry.embedding_provider = text_or_null(json, "embedding_provider");
  if (json.contains("embedding_profile")) entry.embedding_profile = read_profile(json["embedding_profile"]);
  if (json.contains("external_blob_policy")) {
    check_keys(json["external_blob_policy"], "external_blob_policy", {"mode", "bases"});
    for (const auto& base : json["external_blob_policy"].at("bases")) {
      check_keys(base, "external_blob_policy.bases", {"uri", "scope"});
      entry.external_blob_policy.push_back({base.at("uri").get<std::string>(), base.at("scope").get<std::string>()});
    }
  }
  return entry;
}

void read_free_map(const Json& root, const char* key, std::map<std::string, std::string>& to) {
  if (!root.contains(key)) return;
  if (!root[key].is_object()) throw InvalidState{std::string(key) + " must be an object"};
  for (const auto& [name, value] : root[key].items()) to[name] = value.dump();
}

// Older ledgers wrote `manifest_version`; both and different is a contradiction.
void migrate_observations(Ledger& ledger, Diagnostics& diagnostics) {
  for (auto& [address, text] : ledger.observations) {
    Json observation = Json::parse(text);
    if (!observation.is_object() || !observation.contains("manifest_version")) continue;
    const Json old = observation["manifest_version"];
    observation.erase("manifest_version");
    if (observation.contains("graph_manifest_version") && observation["graph_manifest_version"] != old) {
      add_error(diagnostics, "conflicting_graph_manifest_observation", address,
                "the observation holds two different manifest versions; run `omnigraph cluster refresh`");
    }
    if (!observation.contains("graph_manifest_version")) observation["graph_manifest_version"] = old;
    text = observation.dump();
  }
}

Ledger read_ledger(const Json& root) {
  check_keys(root, "the ledger",
             {"version", "state_revision", "applied_revision", "resource_statuses", "approval_records",
              "recovery_records", "observations"});
  Ledger ledger;
  if (root.contains("state_revision")) {
    if (!root["state_revision"].is_number_unsigned()) throw InvalidState{"state_revision must be a whole number"};
    ledger.state_revision = root["state_revision"].get<std::uint64_t>();
  }
  const Json& applied = root.at("applied_revision");
  check_keys(applied, "applied_revision", {"config_digest", "resources"});
  ledger.config_digest = text_or_null(applied, "config_digest");
  if (applied.contains("resources")) {
    if (!applied["resources"].is_object()) throw InvalidState{"applied_revision.resources must be an object"};
    for (const auto& [address, entry] : applied["resources"].items())
      ledger.resources[address] = read_entry(entry, address);
  }
  if (root.contains("resource_statuses")) {
    if (!root["resource_statuses"].is_object()) throw InvalidState{"resource_statuses must be an object"};
    for (const auto& [address, json] : root["resource_statuses"].items()) {
      check_keys(json, "resource_statuses." + address, {"status", "conditions", "message"});
      ResourceStatus status{json.at("status").get<std::string>(), {}, text_or_null(json, "message").value_or("")};
      if (json.contains("conditions")) status.conditions = json["conditions"].get<std::vector<std::string>>();
      ledger.statuses[address] = std::move(status);
    }
  }
  read_free_map(root, "approval_records", ledger.approval_records);
  read_free_map(root, "recovery_records", ledger.recovery_records);
  read_free_map(root, "observations", ledger.observations);
  return ledger;
}

}  // namespace

void write_status(JsonWriter& json, const ResourceStatus& status) {
  json.begin_object().key("status").string(status.status);
  if (!status.conditions.empty()) {
    json.key("conditions").begin_array();
    for (const std::string& condition : status.conditions) json.string(condition);
    json.end_array();
  }
  if (!status.message.empty()) json.key("message").string(status.message);
  json.end_object();
}

std::string Ledger::composite_of(const std::string& graph_id) const {
  GraphParts parts;
  parts.id = graph_id;
  if (const auto schema = resources.find("schema." + graph_id); schema != resources.end()) {
    parts.schema_digest = schema->second.digest;
  }
  const std::string prefix = "query." + graph_id + ".";
  for (auto it = resources.lower_bound(prefix); it != resources.end() && it->first.starts_with(prefix); ++it) {
    parts.queries.emplace(it->first.substr(prefix.size()), it->second.digest);
  }
  if (const auto graph = resources.find("graph." + graph_id); graph != resources.end()) {
    parts.provider_address = graph->second.embedding_provider;
    parts.blobs = graph->second.external_blob_policy;
  }
  if (parts.provider_address) {
    const auto provider = resources.find(*parts.provider_address);
    if (provider != resources.end()) parts.provider_digest = provider->second.digest;
  }
  return graph_digest(parts);
}

void Ledger::recompute_composites() {
  for (auto& [address, entry] : resources) {
    if (address.starts_with("graph.")) entry.digest = composite_of(address.substr(6));
  }
}

std::map<std::string, std::string> Ledger::digests() const {
  std::map<std::string, std::string> digests;
  for (const auto& [address, entry] : resources) digests.emplace(address, entry.digest);
  return digests;
}

std::string serialize_ledger(const Ledger& ledger) {
  std::string out;
  JsonWriter json(out, 2);
  json.begin_object().key("version").integer(1);
  json.key("state_revision").unsigned_integer(ledger.state_revision);
  json.key("applied_revision").begin_object();
  json.key("config_digest").string_or_null(ledger.config_digest.value_or(""), ledger.config_digest.has_value());
  json.key("resources").begin_object();
  for (const auto& [address, entry] : ledger.resources) {
    json.key(address);
    write_entry(json, entry);
  }
  json.end_object().end_object();
  json.key("resource_statuses").begin_object();
  for (const auto& [address, status] : ledger.statuses) {
    json.key(address);
    write_status(json, status);
  }
  json.end_object();
  write_free_map(json, "approval_records", ledger.approval_records);
  write_free_map(json, "recovery_records", ledger.recovery_records);
  write_free_map(json, "observations", ledger.observations);
  json.end_object();
  out.push_back('\n');
  return out;
}

std::optional<Ledger> parse_ledger(std::string_view text, Diagnostics& diagnostics) {
  constexpr const char* kPath = "__cluster/state.json";
  try {
    const Json root = Json::parse(text);
    if (!root.is_object() || !root.contains("version")) throw InvalidState{"the ledger needs `version`"};
    if (root["version"] != 1) {
      add_error(diagnostics, "unsupported_state_version", "state.version",
                "ledger version " + root["version"].dump() + " is not supported by this build");
      return std::nullopt;
    }
    Ledger ledger = read_ledger(root);
    migrate_observations(ledger, diagnostics);
    return ledger;
  } catch (const InvalidState& error) {
    add_error(diagnostics, "invalid_state_json", kPath, error.message);
  } catch (const nlohmann::json::exception& error) {
    add_error(diagnostics, "invalid_state_json", kPath, error.what());
  }
  return std::nullopt;
}

void check_composites(const Ledger& ledger, Diagnostics& diagnostics) {
  for (const auto& [address, entry] : ledger.resources) {
    if (!address.starts_with("graph.")) continue;
    if (entry.digest == ledger.composite_of(address.substr(6))) continue;
    add_error(diagnostics, "external_blob_policy_digest_mismatch", address,
              "the ledger was edited: the digest of " + address + " does not fit its recorded parts; restore the file");
  }
}

}  // namespace omnigraph::cluster
