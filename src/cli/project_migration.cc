#include "cli/project_migration.h"

#include <filesystem>

#include "base/json_writer.h"
#include "cli/scope.h"
#include "cluster/declaration.h"

namespace omnigraph::cli {

namespace {

// A double-quoted scalar: JSON strings are YAML's too.
std::string quoted(const std::string& text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::string absolute(const std::string& uri) {
  if (uri.find("://") != std::string::npos) return uri;
  std::error_code failed;
  return std::filesystem::absolute(uri, failed).lexically_normal().string();
}

std::string key(const std::string& name) { return cluster::is_resource_id(name) ? name : quoted(name); }

// Lines of one top-level section, its key written with the first of them.
class Section {
 public:
  explicit Section(std::string name) : name_(std::move(name)) {}
  void add(const std::string& line) { lines_.append("  ").append(line).append("\n"); }
  [[nodiscard]] std::string text() const { return lines_.empty() ? "" : name_ + ":\n" + lines_; }

 private:
  const std::string name_;
  std::string lines_;
};

std::string cluster_file(const ProjectFile& project) {
  Section graphs("graphs"), policies("policies");
  for (const auto& [name, graph] : project.graphs) {
    if (is_http(graph.uri)) continue;
    if (!cluster::is_graph_id(name)) {
      graphs.add("# graph " + quoted(name) + " needs another name: a letter or _, then letters, digits, _ and -");
      continue;
    }
    graphs.add(name + ":");
    graphs.add("  schema: " + name + ".pg  # omnigraph schema show " + absolute(graph.uri) + " > " + name + ".pg");
    if (project.queries) graphs.add("  queries: " + quoted(*project.queries));
    graphs.add("  # its data: omnigraph export " + absolute(graph.uri) +
               " | omnigraph load --data - --mode overwrite graphs/" + name + ".omni");
    if (graph.policy_file) {
      policies.add(name + ":");
      policies.add("  file: " + quoted(*graph.policy_file));
      policies.add("  applies_to: [" + name + "]");
    }
  }
  if (graphs.text().empty()) return "";
  if (project.policy_file)
    policies.add("# " + quoted(*project.policy_file) + ": bind it with applies_to to `cluster` or to graphs");
  return "version: 1\n" + graphs.text() + policies.text();
}

void add_defaults(const ProjectFile& project, Section& defaults) {
  if (project.output) defaults.add("output: " + *project.output);
  if (project.table_max_column_width)
    defaults.add("table_max_column_width: " + std::to_string(*project.table_max_column_width));
  if (project.table_wrap)
    defaults.add(std::string("table_cell_layout: ").append(*project.table_wrap ? "wrap" : "truncate"));
  const auto graph = project.graph ? project.graphs.find(*project.graph) : project.graphs.end();
  if (graph != project.graphs.end()) {
    defaults.add(is_http(graph->second.uri) ? "server: " + key(graph->first)
                                            : "store: " + quoted(absolute(graph->second.uri)));
  }
  if (project.branch && *project.branch != "main")
    defaults.add("# cli.branch has no equivalent: pass --branch " + *project.branch);
}

void add_alias(const ProjectFile& project, const ProjectAlias& alias, Section& aliases) {
  const auto graph = project.graphs.find(alias.graph.value_or(project.graph.value_or("")));
  if (graph == project.graphs.end() || !is_http(graph->second.uri)) {
    aliases.add("# " + key(alias.name) + ": store query " + alias.query_name + " of " + alias.query_file +
                " in the cluster, then name the server that serves it");
    return;
  }
  aliases.add(key(alias.name) + ":  # query " + alias.query_name + " of " + alias.query_file +
              " must be stored on the server");
  aliases.add("  server: " + key(graph->first));
  aliases.add("  query: " + alias.query_name);
  if (!alias.args.empty()) {
    std::string list;
    for (const std::string& name : alias.args) list.append(list.empty() ? "" : ", ").append(quoted(name));
    aliases.add("  args: [" + list + "]");
  }
  if (!alias.params.empty()) aliases.add("  params: " + alias.params);
  if (alias.format) aliases.add("  format: " + *alias.format);
}

std::string operator_file(const ProjectFile& project) {
  Section operators("operator"), servers("servers"), profiles("profiles"), defaults("defaults"), aliases("aliases");
  if (project.actor) operators.add("actor: " + quoted(*project.actor));
  for (const auto& [name, graph] : project.graphs) {
    profiles.add(key(name) + ":");
    if (!is_http(graph.uri)) {
      profiles.add("  store: " + quoted(absolute(graph.uri)));
      continue;
    }
    profiles.add("  server: " + key(name));
    servers.add(key(name) + ":");
    servers.add("  url: " + quoted(graph.uri));
    if (graph.bearer_token_env)
      servers.add("  # its token: omnigraph login " + name + " --token \"$" + *graph.bearer_token_env + "\"");
  }
  add_defaults(project, defaults);
  for (const auto& [name, alias] : project.aliases) add_alias(project, alias, aliases);
  return operators.text() + servers.text() + profiles.text() + defaults.text() + aliases.text();
}

}  // namespace

MigratedFiles migrate_project(const ProjectFile& project) { return {cluster_file(project), operator_file(project)}; }

}  // namespace omnigraph::cli
