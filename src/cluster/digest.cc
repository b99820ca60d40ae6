#include "cluster/digest.h"

#include "base/hash.h"
#include "base/json_writer.h"
#include "cluster/write_optional.h"

namespace omnigraph::cluster {

namespace {

using base::JsonWriter;

void write_profile(JsonWriter& json, const EmbeddingProfile& profile) {
  json.begin_object().key("kind").string(profile.kind);
  if (profile.base_url) json.key("base_url").string(*profile.base_url);
  if (profile.model) json.key("model").string(*profile.model);
  if (profile.api_key) json.key("api_key").string(*profile.api_key);
  json.end_object();
}

void write_queries(JsonWriter& json, const QuerySources& queries) {
  if (const auto* path = std::get_if<std::string>(&queries)) {
    json.string(*path);
  } else if (const auto* paths = std::get_if<std::vector<std::string>>(&queries)) {
    json.begin_array();
    for (const std::string& item : *paths) json.string(item);
    json.end_array();
  } else {
    json.begin_object();
    for (const auto& [name, file] : std::get<std::map<std::string, std::string>>(queries)) {
      json.key(name).begin_object().key("file").string(file).end_object();
    }
    json.end_object();
  }
}

void write_graph(JsonWriter& json, const GraphConfig& graph) {
  json.begin_object().key("schema").string(graph.schema).key("queries");
  write_queries(json, graph.queries);
  write_optional(json, "embedding_provider", graph.embedding_provider);
  if (!graph.external_blobs.empty()) {
    json.key("external_blobs").begin_object().key("allow").begin_array();
    for (const BlobBase& base : graph.external_blobs) {
      json.begin_object().key("base").string(base.base).key("scope").string(base.scope).end_object();
    }
    json.end_array().end_object();
  }
  json.end_object();
}

std::string config_json(const ClusterConfig& config) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("version").integer(1);
  json.key("metadata").begin_object();
  write_optional(json, "name", config.metadata_name);
  json.end_object();
  write_optional(json, "storage", config.storage);
  json.key("state").begin_object();
  write_optional(json, "backend", config.state_backend);
  json.key("lock");
  if (config.state_lock) {
    json.boolean(*config.state_lock);
  } else {
    json.null();
  }
  if (config.state_drift) json.key("drift").string(*config.state_drift);
  json.end_object();
  json.key("providers").begin_object().key("embedding").begin_object();
  for (const auto& [name, profile] : config.providers) {
    json.key(name);
    write_profile(json, profile);
  }
  json.end_object().end_object().key("graphs").begin_object();
  for (const auto& [id, graph] : config.graphs) {
    json.key(id);
    write_graph(json, graph);
  }
  json.end_object().key("policies").begin_object();
  for (const auto& [name, policy] : config.policies) {
    json.key(name).begin_object().key("file").string(policy.file).key("applies_to").begin_array();
    for (const std::string& scope : policy.applies_to) json.string(scope);
    json.end_array().end_object();
  }
  json.end_object().end_object();
  return out;
}

void append_item(std::string& to, std::string_view item) { to.append(item).push_back('\0'); }

}  // namespace

std::string file_digest(std::string_view bytes) { return base::sha256_hex(bytes); }

std::string profile_json(const EmbeddingProfile& profile) {
  std::string out;
  JsonWriter json(out);
  write_profile(json, profile);
  return out;
}

std::string profile_digest(const EmbeddingProfile& profile) {
  std::string text;
  append_item(text, "embedding-provider");
  return base::sha256_hex(text + profile_json(profile));
}

std::string blob_policy_json(const BlobPolicy& policy) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("mode").string("allow").key("bases").begin_array();
  for (const auto& base : policy) {
    json.begin_object().key("uri").string(base.uri).key("scope").string(base.scope).end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string graph_digest(const GraphParts& parts) {
  std::string text;
  append_item(text, "graph");
  append_item(text, parts.id);
  append_item(text, "schema");
  append_item(text, parts.schema_digest);
  for (const auto& [name, digest] : parts.queries) {
    append_item(text, "query");
    append_item(text, name);
    append_item(text, digest);
  }
  if (parts.provider_address) {
    append_item(text, "embedding_provider");
    append_item(text, *parts.provider_address);
    append_item(text, parts.provider_digest);
  }
  if (!parts.blobs.empty()) {
    append_item(text, "external_blob_policy");
    append_item(text, blob_policy_json(parts.blobs));
  }
  return base::sha256_hex(text);
}

std::string config_digest(const ClusterConfig& config, const std::map<std::string, std::string>& digests) {
  std::string text;
  append_item(text, "cluster-config");
  append_item(text, config_json(config));
  for (const auto& [address, digest] : digests) {
    append_item(text, address);
    append_item(text, digest);
  }
  return base::sha256_hex(text);
}

}  // namespace omnigraph::cluster
