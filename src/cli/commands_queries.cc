// queries list, queries validate: the stored queries of an applied graph.

#include "base/text.h"
#include "cli/applied_graph.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "query/compile.h"
#include "schema/parser.h"

namespace omnigraph::cli {

namespace {

// A stored query as parsed; its name is that of the applied resource.
struct StoredQuery {
  std::string name;
  std::string source;
  query::ast::Query ast;
};

Result<StoredQuery> parse_stored(const std::string& name, const std::string& source) {
  OG_ASSIGN_OR_RETURN(const query::ast::File file, query::parse_file(source));
  for (const query::ast::Query& query : file.queries) {
    if (query.name == name) return StoredQuery{name, source, query};
  }
  return std::unexpected(bad_request("no `query " + name + "` declaration found in its `.gq` file"));
}

bool is_mutation(const StoredQuery& query) { return !std::holds_alternative<query::ast::Read>(query.ast.body); }

std::string type_text(const query::ast::Parameter& parameter) {
  return parameter.type_text + (parameter.type.nullable ? "?" : "");
}

void append_json(base::JsonWriter& json, const StoredQuery& query) {
  json.begin_object().key("name").string(query.name).key("mcp_expose").boolean(true).key("tool_name").null();
  json.key("mutation").boolean(is_mutation(query));
  if (query.ast.description) json.key("description").string(*query.ast.description);
  if (query.ast.instruction) json.key("instruction").string(*query.ast.instruction);
  json.key("params").begin_array();
  for (const query::ast::Parameter& parameter : query.ast.parameters) {
    json.begin_object().key("name").string(parameter.name).key("type").string(type_text(parameter));
    json.key("nullable").boolean(parameter.type.nullable).end_object();
  }
  json.end_array().end_object();
}

// `    LABEL: text`, further lines below the first one's text.
std::string labelled(const std::string& label, const std::string& text) {
  const std::string head = "    " + label + ": ";
  std::string out = head;
  for (const char c : text) {
    out.push_back(c);
    if (c == '\n') out.append(head.size(), ' ');
  }
  return out + "\n";
}

std::string text_of(const StoredQuery& query) {
  std::string out = is_mutation(query) ? "mutation  " : "read  ";
  out.append(query.name).append("(");
  for (std::size_t i = 0; i < query.ast.parameters.size(); ++i) {
    const query::ast::Parameter& parameter = query.ast.parameters[i];
    out.append(i == 0 ? "$" : ", $").append(parameter.name).append(": ").append(type_text(parameter));
  }
  out.append(")\n");
  if (query.ast.description) out.append(labelled("description", *query.ast.description));
  if (query.ast.instruction) out.append(labelled("instruction", *query.ast.instruction));
  return out;
}

Result<void> run_queries_list(Context& context, bool as_json) {
  OG_ASSIGN_OR_RETURN(const Scope scope, context.cluster_scope("queries list"));
  OG_ASSIGN_OR_RETURN(const AppliedGraph graph, applied_graph(scope));
  OG_ASSIGN_OR_RETURN(const auto texts, applied_queries(graph));
  std::string compact, text;
  base::JsonWriter json(compact);
  json.begin_object().key("queries").begin_array();
  for (const auto& [name, source] : texts) {
    OG_ASSIGN_OR_RETURN(const StoredQuery query, parse_stored(name, source));
    append_json(json, query);
    text.append(text_of(query));
  }
  json.end_array().end_object();
  if (as_json) {
    print_json(compact);
  } else {
    print_paged(text);
  }
  return {};
}

struct Finding {
  std::string query, message;
};

struct Validation {
  std::size_t checked = 0;
  std::vector<Finding> breakages, warnings;
};

void check_stored(const std::string& name, const std::string& source,
                  const std::shared_ptr<const schema::Catalog>& catalog, Validation& found) {
  ++found.checked;
  const auto query = parse_stored(name, source);
  if (!query) {
    found.breakages.push_back({name, query.error().render()});
    return;
  }
  const auto bound = query::bind_query(query->ast, query->source, catalog, "", {.refuse_mixed_writes = false});
  if (!bound) found.breakages.push_back({name, bound.error().render()});
  if (const auto mixed = query::mixing_error(query->ast)) found.warnings.push_back({name, *mixed});
  for (const query::ast::Parameter& parameter : query->ast.parameters) {
    if (!parameter.type_text.starts_with("Vector")) continue;
    found.warnings.push_back({name, "parameter $" + parameter.name + " is a " + parameter.type_text +
                                        ", which agents cannot supply; use String and rank by text"});
  }
}

void append_findings(base::JsonWriter& json, const char* key, const std::vector<Finding>& findings) {
  json.key(key).begin_array();
  for (const Finding& finding : findings) {
    json.begin_object().key("query").string(finding.query).key("message").string(finding.message).end_object();
  }
  json.end_array();
}

void print_validation(const Validation& found, const std::string& graph, bool as_json) {
  if (as_json) {
    std::string compact;
    base::JsonWriter json(compact);
    json.begin_object().key("ok").boolean(found.breakages.empty());
    append_findings(json, "breakages", found.breakages);
    append_findings(json, "warnings", found.warnings);
    json.end_object();
    return print_json(compact);
  }
  std::string text;
  for (const Finding& finding : found.breakages)
    text.append("ERROR  query '" + finding.query + "': " + finding.message + "\n");
  for (const Finding& finding : found.warnings)
    text.append("WARN  query '" + finding.query + "': " + finding.message + "\n");
  if (found.breakages.empty()) {
    text.append("OK  " + std::to_string(found.checked) + (found.checked == 1 ? " query" : " queries") + " of graph '" +
                graph + "' fit its schema\n");
  }
  print(text);
}

Result<int> run_validate(Context& context, bool as_json) {
  OG_ASSIGN_OR_RETURN(const Scope scope, context.cluster_scope("queries validate"));
  OG_ASSIGN_OR_RETURN(const AppliedGraph graph, applied_graph(scope));
  OG_ASSIGN_OR_RETURN(const auto texts, applied_queries(graph));
  OG_ASSIGN_OR_RETURN(const auto store, engine::Graph::open(graph.root.graph_uri(graph.id)));
  OG_ASSIGN_OR_RETURN(const std::string schema_text, store->schema_source("main"));
  OG_ASSIGN_OR_RETURN(const auto catalog, schema::parse_schema(schema_text, {.accepted = true}));
  Validation found;
  for (const auto& [name, source] : texts) check_stored(name, source, catalog, found);
  print_validation(found, graph.id, as_json);
  return static_cast<int>(found.breakages.empty() ? kExitOk : kExitFailure);
}

}  // namespace

void add_queries_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("queries", "Look at the stored queries of a cluster's graph");
  group.examples("omnigraph queries list --cluster fleet/ --graph fleet");
  auto listed = std::make_shared<bool>(false);
  Command list = group.command("list", "The queries a server publishes, with their parameters");
  list.examples("omnigraph queries list --cluster fleet/ --graph fleet");
  list.json(*listed);
  when_chosen(list, run, [&context, listed] { return run_queries_list(context, *listed); });
  auto validated = std::make_shared<bool>(false);
  Command validate = group.command("validate", "Check every stored query against the graph's schema");
  validate.examples("omnigraph queries validate --cluster fleet/");
  validate.json(*validated);
  when_chosen(validate, run, [&context, validated] { return run_validate(context, *validated); });
}

}  // namespace omnigraph::cli
