#include "server/openapi_components.h"

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/json_writer.h"

namespace omnigraph::server {

namespace {

using base::JsonWriter;

// One field of a component. `type`: string bool int32 int64 any object, Name (a component), Name[] or string[].
// A name ending in `?` is optional, in `|` nullable; both are left out of `required`.
struct FieldSpec {
  std::string_view name;
  std::string_view type;
};

bool is_component(std::string_view type) { return !type.empty() && type.front() >= 'A' && type.front() <= 'Z'; }

void write_plain_type(JsonWriter& json, std::string_view type, bool nullable) {
  std::string_view name = type == "bool" ? "boolean" : type == "int32" || type == "int64" ? "integer" : type;
  json.key("type");
  if (nullable) {
    json.begin_array().string(name).string("null").end_array();
  } else {
    json.string(name);
  }
  if (type == "int32" || type == "int64") json.key("format").string(type);
}

void write_reference(JsonWriter& json, std::string_view type) {
  json.key("$ref").string("#/components/schemas/" + std::string(type));
}

void write_type(JsonWriter& json, std::string_view type, bool nullable) {
  json.begin_object();
  if (type.ends_with("[]")) {
    json.key("type").string("array").key("items");
    write_type(json, type.substr(0, type.size() - 2), false);
  } else if (is_component(type) && nullable) {
    json.key("oneOf").begin_array().begin_object().key("type").string("null").end_object().begin_object();
    write_reference(json, type);
    json.end_object().end_array();
  } else if (is_component(type)) {
    write_reference(json, type);
  } else if (type != "any") {
    write_plain_type(json, type, nullable);
  }
  json.end_object();
}

void write_component(JsonWriter& json, std::string_view name, std::span<const FieldSpec> fields, bool closed = false) {
  json.key(name).begin_object().key("type").string("object").key("properties").begin_object();
  for (const FieldSpec& field : fields) {
    const bool relaxed = field.name.ends_with('?') || field.name.ends_with('|');
    json.key(relaxed ? field.name.substr(0, field.name.size() - 1) : field.name);
    // Arrays and defaulted booleans are optional without being nullable.
    write_type(json, field.type, relaxed && !field.type.ends_with("[]") && field.type != "bool");
  }
  json.end_object();
  bool any = false;
  for (const FieldSpec& field : fields) any = any || !(field.name.ends_with('?') || field.name.ends_with('|'));
  if (any) {
    json.key("required").begin_array();
    for (const FieldSpec& field : fields) {
      if (!field.name.ends_with('?') && !field.name.ends_with('|')) json.string(field.name);
    }
    json.end_array();
  }
  if (closed) json.key("additionalProperties").boolean(false);
  json.end_object();
}

void write_component(JsonWriter& json, std::string_view name, std::initializer_list<FieldSpec> fields,
                     bool closed = false) {
  write_component(json, name, std::span(fields.begin(), fields.size()), closed);
}

void write_enum(JsonWriter& json, std::string_view name, std::initializer_list<std::string_view> values) {
  json.key(name).begin_object().key("type").string("string").key("enum").begin_array();
  for (const std::string_view value : values) json.string(value);
  json.end_array().end_object();
}

void write_meta(JsonWriter& json) {
  write_component(json, "HealthOutput",
                  {{"status", "string"},
                   {"version", "string"},
                   {"internal_schema_version", "int32"},
                   {"source_version?", "string"}});
  write_component(json, "GraphInfo", {{"graph_id", "string"}, {"uri", "string"}});
  write_component(json, "GraphListResponse", {{"graphs", "GraphInfo[]"}});
  write_component(json, "SnapshotOutput",
                  {{"graph_branch", "string"},
                   {"graph_manifest_version", "int64"},
                   {"internal_schema_version", "int32"},
                   {"datasets", "SnapshotDatasetOutput[]"}});
  write_component(json, "SnapshotDatasetOutput",
                  {{"entity_kind", "EntityKindOutput"},
                   {"type_name", "string"},
                   {"dataset_path", "string"},
                   {"published_dataset_version", "int64"},
                   {"native_dataset_branch|", "string"},
                   {"entity_count", "int64"}});
  write_enum(json, "EntityKindOutput", {"node", "edge"});
  write_enum(json, "BlobEntityKind", {"node", "edge"});
  write_component(json, "SchemaOutput", {{"schema_source", "string"}});
  write_component(json, "SchemaApplyRequest", {{"schema_source", "string"}, {"allow_data_loss?", "bool"}});
  write_component(json, "SchemaApplyOutput",
                  {{"uri", "string"},
                   {"supported", "bool"},
                   {"applied", "bool"},
                   {"step_count", "int64"},
                   {"graph_manifest_version", "int64"},
                   {"steps", "any[]"}});
  write_component(json, "BranchListOutput", {{"branches", "string[]"}});
  write_component(json, "BranchCreateRequest", {{"name", "string"}, {"from?", "string"}});
  write_component(json, "BranchCreateOutput",
                  {{"uri", "string"}, {"from", "string"}, {"name", "string"}, {"actor_id|", "string"}});
  write_component(json, "BranchDeleteOutput", {{"uri", "string"}, {"name", "string"}, {"actor_id|", "string"}});
  write_component(json, "BranchMergeRequest",
                  {{"source", "string"}, {"target?", "string"}, {"delete_branch?", "bool"}});
  write_component(json, "BranchMergeOutput",
                  {{"source", "string"},
                   {"target", "string"},
                   {"outcome", "BranchMergeOutcome"},
                   {"actor_id|", "string"},
                   {"branch_deleted?", "bool"},
                   {"branch_delete_error?", "string"}});
  write_enum(json, "BranchMergeOutcome", {"already_up_to_date", "fast_forward", "merged"});
  write_component(json, "CommitOutput",
                  {{"graph_commit_id", "string"},
                   {"graph_branch|", "string"},
                   {"graph_manifest_version", "int64"},
                   {"parent_commit_id|", "string"},
                   {"merged_parent_commit_id|", "string"},
                   {"actor_id|", "string"},
                   {"created_at", "int64"}});
  write_component(json, "CommitListOutput", {{"commits", "CommitOutput[]"}});
}

void write_queries(JsonWriter& json) {
  write_component(
      json, "QueryRequest",
      {{"query", "string"}, {"name?", "string"}, {"params?", "any"}, {"branch?", "string"}, {"snapshot?", "string"}});
  write_component(json, "ReadRequest",
                  {{"query_source", "string"},
                   {"query_name?", "string"},
                   {"params?", "any"},
                   {"branch?", "string"},
                   {"snapshot?", "string"}});
  write_component(json, "ReadTargetOutput", {{"branch|", "string"}, {"snapshot|", "string"}});
  write_component(json, "ReadOutput",
                  {{"query_name", "string"},
                   {"target", "ReadTargetOutput"},
                   {"row_count", "int64"},
                   {"columns?", "string[]"},
                   {"rows", "any"},
                   {"graph_commit_id?", "string"}});
  write_component(json, "LegacyReadOutput",
                  {{"query_name", "string"},
                   {"target", "ReadTargetOutput"},
                   {"row_count", "int64"},
                   {"columns?", "string[]"},
                   {"rows", "any"}});
  // Also accepted: `query` and `name` under their older names `query_source` and `query_name`.
  write_component(json, "ChangeRequest",
                  {{"query", "string"}, {"name?", "string"}, {"params?", "any"}, {"branch?", "string"}});
  write_component(json, "ChangeOutput",
                  {{"branch", "string"},
                   {"query_name", "string"},
                   {"affected_nodes", "int64"},
                   {"affected_edges", "int64"},
                   {"actor_id|", "string"},
                   {"commit|", "CommitOutput"}});
  write_component(json, "InvokeStoredQueryRequest",
                  {{"params?", "any"}, {"branch?", "string"}, {"snapshot?", "string"}, {"expect_mutation?", "bool"}});
  json.key("InvokeStoredQueryResponse").begin_object().key("oneOf").begin_array();
  for (const std::string_view name : {"ReadOutput", "ChangeOutput"}) {
    json.begin_object();
    write_reference(json, name);
    json.end_object();
  }
  json.end_array().end_object();
  write_component(json, "QueriesCatalogOutput", {{"queries", "QueryCatalogEntry[]"}});
  write_component(json, "QueryCatalogEntry",
                  {{"name", "string"},
                   {"tool_name", "string"},
                   {"description?", "string"},
                   {"instruction?", "string"},
                   {"mutation", "bool"},
                   {"params", "ParamDescriptor[]"}});
  write_component(json, "ParamDescriptor",
                  {{"name", "string"},
                   {"kind", "ParamKind"},
                   {"item_kind?", "ParamKind"},
                   {"vector_dim?", "int32"},
                   {"nullable", "bool"}});
  write_enum(json, "ParamKind",
             {"string", "bool", "int", "bigint", "float", "date", "datetime", "blob", "vector", "list"});
}

void write_data(JsonWriter& json) {
  write_component(json, "IngestRequest",
                  {{"branch?", "string"}, {"from?", "string"}, {"mode?", "LoadMode"}, {"data", "string"}});
  write_enum(json, "LoadMode", {"overwrite", "append", "merge"});
  // Both routes tell the same of a load; only the older one names the graph's place.
  std::vector<FieldSpec> loaded = {{"uri", "string"},
                                   {"branch", "string"},
                                   {"base_branch|", "string"},
                                   {"branch_created", "bool"},
                                   {"mode", "LoadMode"},
                                   {"nodes", "GraphBatchDeclarationOutput[]"},
                                   {"edges", "GraphBatchDeclarationOutput[]"},
                                   {"total_entities", "int64"},
                                   {"actor_id|", "string"},
                                   {"commit|", "CommitOutput"}};
  write_component(json, "IngestOutput", loaded);
  write_component(json, "GraphBatchLoadOutput", std::span(loaded).subspan(1));
  write_component(json, "GraphBatchDeclarationOutput", {{"name", "string"}, {"entities_loaded", "int64"}});
  write_component(json, "ExportRequest", {{"branch?", "string"}, {"type_names?", "string[]"}}, true);
}

void write_changes(JsonWriter& json) {
  write_component(
      json, "CommitChangesOutput",
      {{"cause", "ChangeCauseOutput"}, {"changes", "EntityChangeOutput[]"}, {"next_page_token?", "string"}});
  write_component(json, "ChangeBlockOutput", {{"cause", "ChangeCauseOutput"}, {"changes", "EntityChangeOutput[]"}});
  write_component(json, "ChangeFeedOutput",
                  {{"blocks", "ChangeBlockOutput[]"},
                   {"next_page_token?", "string"},
                   {"cursor?", "string"},
                   {"caught_up?", "bool"}});
  write_component(json, "ChangeCauseOutput",
                  {{"graph_commit_id", "string"},
                   {"parent_commit_id?", "string"},
                   {"merged_parent_commit_id?", "string"},
                   {"authored_branch", "string"},
                   {"actor_id?", "string"},
                   {"authored_at", "int64"}});
  write_component(json, "EntityChangeOutput",
                  {{"kind", "EntityKindOutput"},
                   {"type", "ChangeTypeOutput"},
                   {"id", "string"},
                   {"op", "ChangeOpOutput"},
                   {"before?", "ChangeImageOutput"},
                   {"after?", "ChangeImageOutput"}});
  write_enum(json, "ChangeOpOutput", {"insert", "update", "delete"});
  write_component(json, "ChangeTypeOutput", {{"id", "string"}, {"name", "string"}});
  write_component(json, "ChangeImageOutput", {{"properties", "object"}, {"endpoints?", "ChangeEndpointsOutput"}});
  write_component(json, "ChangeEndpointsOutput", {{"from", "string"}, {"to", "string"}});
  write_component(json, "ChangeBaselineRequest",
                  {{"branch?", "string"}, {"kind?", "string[]"}, {"type?", "string[]"}, {"op?", "string[]"}});
  write_component(json, "ChangeBaselineRecord", {{"baseline", "ChangeBaselineOutput"}});
  write_component(json, "ChangeBaselineOutput", {{"snapshot_commit_id", "string"}, {"resume_cursor", "string"}});
  write_component(json, "ChangeErrorOutput",
                  {{"error", "string"},
                   {"code?", "ErrorCode"},
                   {"resource_limit?", "ResourceLimitOutput"},
                   {"recovery_required?", "RecoveryRequiredOutput"},
                   {"change_feed_gap?", "ChangeFeedGapOutput"},
                   {"change_diff_refusal?", "ChangeDiffRefusalOutput"}});
  write_component(json, "ChangeFeedGapOutput", {{"cursor?", "string"}, {"first_unreadable_commit_id", "string"}});
  write_component(json, "ChangeDiffRefusalOutput",
                  {{"reason", "ChangeDiffRefusalReason"}, {"graph_commit_id", "string"}, {"type_name?", "string"}});
  write_enum(json, "ChangeDiffRefusalReason", {"parentless_commit", "schema_boundary", "unknown"});
}

void write_errors(JsonWriter& json) {
  write_component(json, "ErrorOutput",
                  {{"error", "string"},
                   {"code?", "ErrorCode"},
                   {"merge_conflicts?", "MergeConflictOutput[]"},
                   {"read_set_conflict?", "ReadSetConflictOutput"},
                   {"key_conflict?", "KeyConflictOutput"},
                   {"published_dataset_version_conflict?", "PublishedDatasetVersionConflictOutput"},
                   {"precondition_failure?", "PreconditionFailureOutput"},
                   {"resource_limit?", "ResourceLimitOutput"},
                   {"blob_range?", "BlobRangeOutput"},
                   {"external_blob_source?", "ExternalBlobSourceOutput"},
                   {"recovery_required?", "RecoveryRequiredOutput"},
                   {"change_feed_gap?", "ChangeFeedGapOutput"},
                   {"change_diff_refusal?", "ChangeDiffRefusalOutput"}});
  write_enum(json, "ErrorCode",
             {"unauthorized", "forbidden", "bad_request", "not_found", "method_not_allowed", "conflict",
              "too_many_requests", "internal"});
  write_component(json, "MergeConflictOutput",
                  {{"entity_kind", "EntityKindOutput"},
                   {"type_name", "string"},
                   {"entity_id|", "string"},
                   {"kind", "MergeConflictKindOutput"},
                   {"message", "string"}});
  write_enum(json, "MergeConflictKindOutput",
             {"divergent_insert", "divergent_update", "delete_vs_update", "orphan_edge", "unique_violation",
              "cardinality_violation", "value_constraint_violation"});
  write_component(json, "ReadSetConflictOutput",
                  {{"member", "string"}, {"expected|", "string"}, {"actual|", "string"}});
  write_component(json, "KeyConflictOutput",
                  {{"entity_kind", "EntityKindOutput"}, {"type_name", "string"}, {"entity_id?", "string"}});
  write_component(json, "PublishedDatasetVersionConflictOutput",
                  {{"entity_kind", "EntityKindOutput"},
                   {"type_name", "string"},
                   {"expected_published_dataset_version", "int64"},
                   {"actual_published_dataset_version", "int64"}});
  write_component(json, "BlobRangeOutput", {{"start", "int64"}, {"end", "int64"}, {"length", "int64"}});
  write_component(json, "PreconditionFailureOutput", {{"expected", "string"}, {"actual?", "string"}});
  write_component(json, "ResourceLimitOutput", {{"resource", "string"}, {"limit", "int64"}, {"actual", "int64"}});
  write_component(json, "ExternalBlobSourceOutput", {{"uri", "string"}, {"reason", "string"}});
  write_component(json, "RecoveryRequiredOutput", {{"operation_id", "string"}});
}

}  // namespace

std::string_view openapi_components() {
  static const std::string kText = [] {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    write_meta(json);
    write_queries(json);
    write_data(json);
    write_changes(json);
    write_errors(json);
    json.end_object();
    return out;
  }();
  return kText;
}

}  // namespace omnigraph::server
