// Lint reports, operation descriptors and stored-query catalog entries (chapter 02 section 10, chapter 07 section 4.3).

#include "api/answers.h"

namespace omnigraph::api {

namespace {

void write_descriptor(JsonWriter& json, const query::FieldDescriptor& field) {
  json.begin_object().key("name").string(field.name).key("kind").string(field.kind);
  if (!field.item_kind.empty()) json.key("item_kind").string(field.item_kind);
  if (field.vector_dim != 0) json.key("vector_dim").unsigned_integer(field.vector_dim);
  json.key("nullable").boolean(field.nullable).end_object();
}

void write_uses(JsonWriter& json, std::string_view key, const std::vector<query::TypeUse>& uses) {
  json.key(key).begin_array();
  for (const auto& use : uses) {
    json.begin_object().key("kind").string(use.kind).key("type_name").string(use.type_name).end_object();
  }
  json.end_array();
}

void write_strings(JsonWriter& json, std::string_view key, const std::vector<std::string>& values) {
  json.key(key).begin_array();
  for (const std::string& value : values) json.string(value);
  json.end_array();
}

void write_result(JsonWriter& json, const query::QueryLint& result) {
  json.begin_object().key("name").string(result.name).key("kind").string(result.mutation ? "mutation" : "read");
  json.key("status").string(result.error ? "error" : "ok");
  if (!result.warnings.empty()) write_strings(json, "warnings", result.warnings);
  if (result.error) json.key("error").string(*result.error);
  if (result.operation) {
    json.key("operation");
    write_operation(json, *result.operation);
  }
  json.end_object();
}

void write_finding(JsonWriter& json, const query::Finding& finding) {
  json.begin_object().key("severity").string(finding.severity).key("code").string(finding.code);
  json.key("message").string(finding.message);
  if (!finding.type_name.empty()) json.key("type_name").string(finding.type_name);
  if (!finding.property.empty()) json.key("property").string(finding.property);
  if (!finding.query_names.empty()) write_strings(json, "query_names", finding.query_names);
  json.end_object();
}

}  // namespace

void write_operation(JsonWriter& json, const query::Operation& operation) {
  json.begin_object().key("result").begin_array();
  for (const auto& field : operation.result) write_descriptor(json, field);
  json.end_array();
  write_uses(json, "reads", operation.reads);
  write_uses(json, "writes", operation.writes);
  json.end_object();
}

void write_lint(JsonWriter& json, const query::LintReport& report, std::string_view query_path,
                std::string_view schema_source_kind, std::string_view schema_source) {
  json.begin_object().key("status").string(report.errors == 0 ? "ok" : "error");
  json.key("schema_source").begin_object().key("kind").string(schema_source_kind);
  json.key(schema_source_kind == "file" ? "path" : "uri").string(schema_source).end_object();
  json.key("query_path").string(query_path);
  json.key("queries_processed").unsigned_integer(report.queries_processed);
  json.key("errors").unsigned_integer(report.errors);
  json.key("warnings").unsigned_integer(report.warnings);
  json.key("infos").unsigned_integer(report.infos);
  json.key("results").begin_array();
  for (const auto& result : report.results) write_result(json, result);
  json.end_array().key("findings").begin_array();
  for (const auto& finding : report.findings) write_finding(json, finding);
  json.end_array().end_object();
}

void write_catalog_entry(JsonWriter& json, const query::BoundQuery& query, std::string_view name) {
  json.begin_object().key("name").string(name).key("tool_name").string(name);
  if (query.description) json.key("description").string(*query.description);
  if (query.instruction) json.key("instruction").string(*query.instruction);
  json.key("mutation").boolean(query.is_mutation()).key("params").begin_array();
  for (const auto& parameter : query.parameters) {
    write_descriptor(json, query::describe(parameter.name, parameter.type));
  }
  json.end_array().end_object();
}

}  // namespace omnigraph::api
