#include "cli/commands_schema.h"

#include <filesystem>

#include "base/file.h"
#include "client/raw_json.h"
#include "engine/schema_change.h"
#include "engine/storage_uri.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

struct SchemaArguments {
  std::string uri, schema;
  bool allow_data_loss = false, allow_validated = false, json = false;
};

Result<engine::SchemaOptions> read_options(Context& context, const SchemaArguments& arguments) {
  OG_RETURN_IF_ERROR(context.load_config());
  return engine::SchemaOptions{.allow_data_loss = arguments.allow_data_loss,
                               .allow_validated = arguments.allow_validated,
                               .file = arguments.schema,
                               .actor = context.actor()};
}

void write_steps(base::JsonWriter& json, const std::vector<schema::MigrationStep>& steps) {
  json.key("steps").begin_array();
  for (const schema::MigrationStep& step : steps) schema::write_step(json, step);
  json.end_array();
}

std::string steps_text(const std::vector<schema::MigrationStep>& steps) {
  if (steps.empty()) return "no schema changes\n";
  std::string text;
  for (const schema::MigrationStep& step : steps) text.append("- ").append(schema::step_text(step)).append("\n");
  return text;
}

Result<void> run_plan(Context& context, const SchemaArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const engine::SchemaOptions options, read_options(context, arguments));
  OG_ASSIGN_OR_RETURN(const std::string uri, context.graph_uri(arguments.uri, "schema plan"));
  OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(arguments.schema));
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri));
  OG_ASSIGN_OR_RETURN(const engine::SchemaPlanAnswer answer, graph->plan_schema(source, options));
  if (!arguments.json) {
    print("schema plan for " + uri + "\nsupported: " + (answer.supported ? "yes" : "no") + "\n" +
          steps_text(answer.steps));
    return {};
  }
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("uri").string(uri).key("supported").boolean(answer.supported);
  json.key("step_count").unsigned_integer(answer.steps.size());
  write_steps(json, answer.steps);
  json.end_object();
  print_json(text);
  return {};
}

// `add_property type_kind=node type_name=Ship ..`: a step of a server's answer, whose JSON is all there is of it.
std::string served_step_text(std::string_view step) {
  std::string line;
  for (const auto& [name, value] : client::json_members(step)) {
    const std::string shown = client::json_string(value).value_or(std::string(value));
    line.append(line.empty() ? "" : " ").append(name == "kind" ? "" : name + "=").append(shown);
  }
  return "- " + line + "\n";
}

std::string served_text(const std::string& uri, std::string_view answer) {
  std::string text = "schema apply for " + uri + "\nsupported: yes\napplied: ";
  text.append(client::json_member(answer, "applied") == "true" ? "yes" : "no").append("\ngraph_manifest_version: ");
  text.append(client::json_member(answer, "graph_manifest_version")).append("\n");
  const auto steps = client::json_items(client::json_member(answer, "steps"));
  if (steps.empty()) return text.append("no schema changes\n");
  for (const std::string_view step : steps) text.append(served_step_text(step));
  return text;
}

// A server's answer has the shape of ours.
Result<void> apply_served(client::RemoteGraph& remote, const std::string& source, const SchemaArguments& arguments) {
  std::string body;
  base::JsonWriter json(body);
  json.begin_object().key("schema_source").string(source);
  json.key("allow_data_loss").boolean(arguments.allow_data_loss);
  if (arguments.allow_validated) json.key("allow_validated").boolean(true);
  json.end_object();
  OG_ASSIGN_OR_RETURN(const std::string answer,
                      remote.call({.method = "POST", .path = {"schema", "apply"}, .json = std::move(body)}));
  if (arguments.json) {
    print_json(answer);
  } else {
    print(served_text(remote.base_url(), answer));
  }
  return {};
}

Error cluster_applies(const std::string& uri) {
  return bad_request("'" + uri +
                     "' lies inside a cluster, which changes its schemas itself; edit the schema file that "
                     "cluster.yaml names and run `omnigraph cluster apply`");
}

Result<void> run_apply(Context& context, const SchemaArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const engine::SchemaOptions options, read_options(context, arguments));
  if (!arguments.uri.empty() && inside_cluster(arguments.uri)) return std::unexpected(cluster_applies(arguments.uri));
  OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(arguments.schema));
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, {.label = "schema apply", .writes = true, .echoes = true}));
  if (target.remote) return apply_served(*target.remote, source, arguments);
  const std::string& uri = target.uri;
  if (inside_cluster(uri)) return std::unexpected(cluster_applies(uri));
  OG_ASSIGN_OR_RETURN(const engine::SchemaApplyAnswer answer, target.graph->apply_schema(source, options));
  if (!arguments.json) {
    print("schema apply for " + uri + "\nsupported: yes\napplied: " + (answer.applied ? "yes" : "no") +
          "\ngraph_manifest_version: " + std::to_string(answer.graph_manifest_version) + "\n" +
          steps_text(answer.steps));
    return {};
  }
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("uri").string(uri).key("supported").boolean(true).key("applied").boolean(answer.applied);
  json.key("step_count").unsigned_integer(answer.steps.size());
  json.key("graph_manifest_version").unsigned_integer(answer.graph_manifest_version);
  write_steps(json, answer.steps);
  json.end_object();
  print_json(text);
  return {};
}

}  // namespace

bool inside_cluster(const std::string& uri) {
  const auto path = engine::local_path_of(uri);
  if (!path) {
    const fs::path place(uri.substr(0, uri.find_last_not_of('/') + 1));
    if (place.extension() != ".omni" || place.parent_path().filename() != "graphs") return false;
    const auto root = engine::open_store(place.parent_path().parent_path().string(), engine::OpenMode::kExisting);
    return root && (*root)->head("__cluster/state.json").has_value();
  }
  std::error_code failed;
  const fs::path absolute = fs::absolute(*path, failed).lexically_normal();
  return absolute.extension() == ".omni" && absolute.parent_path().filename() == "graphs" &&
         fs::exists(absolute.parent_path().parent_path() / "__cluster" / "state.json", failed);
}

void add_schema_changes(Command schema, Context& context, Run& run) {
  const auto add = [&](const char* name, const char* help, const char* example,
                       Result<void> (*body)(Context&, const SchemaArguments&)) {
    Command command = schema.command(name, help);
    command.examples(example);
    auto arguments = std::make_shared<SchemaArguments>();
    command.own_uri(arguments->uri);
    command.text("--schema", arguments->schema, "The .pg file").required().completes(Values::kFile);
    command.flag("--allow-data-loss", arguments->allow_data_loss,
                 "Drops are hard: earlier commits lose what is dropped");
    command.flag("--allow-validated", arguments->allow_validated, "Also changes that the data of main has to satisfy");
    command.json(arguments->json);
    when_chosen(command, run, [&context, arguments, body] { return body(context, *arguments); });
  };
  add("plan", "Show what a new schema would change; writes nothing",
      "omnigraph schema plan --schema fleet.pg fleet.omni", run_plan);
  add("apply", "Change main to a new schema, as one commit", "omnigraph schema apply --schema fleet.pg fleet.omni",
      run_apply);
}

}  // namespace omnigraph::cli
