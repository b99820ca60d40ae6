// lint.

#include "api/answers.h"
#include "base/file.h"
#include "cli/command.h"
#include "query/lint.h"
#include "schema/parser.h"

namespace omnigraph::cli {

namespace {

struct LintArguments {
  std::string uri, query, schema;
  bool json = false;
};

// What the queries are checked against.
struct LintSchema {
  std::shared_ptr<const schema::Catalog> catalog;
  std::string kind, place;  // file or graph; its path or URI
};

std::string lint_text(const query::LintReport& report) {
  std::string out;
  for (const auto& result : report.results) {
    if (result.error) {
      out += "ERROR query `" + result.name + "`: " + *result.error + "\n";
    } else {
      out += "OK    query `" + result.name + "` (" + (result.mutation ? "mutation" : "read") + ")\n";
    }
    for (const std::string& warning : result.warnings) out += "WARN  query `" + result.name + "`: " + warning + "\n";
  }
  for (const auto& finding : report.findings) {
    out += finding.severity == "error" ? "ERROR " : finding.severity == "warning" ? "WARN  " : "INFO  ";
    out += finding.message + "\n";
  }
  return out + "INFO  Lint complete: " + std::to_string(report.queries_processed) + " queries processed (" +
         std::to_string(report.errors) + " error(s), " + std::to_string(report.warnings) + " warning(s), " +
         std::to_string(report.infos) + " info item(s))\n";
}

Result<LintSchema> schema_of(Context& context, const LintArguments& arguments) {
  if (!arguments.schema.empty()) {
    OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(arguments.schema));
    OG_ASSIGN_OR_RETURN(auto catalog, schema::parse_schema(source, {.file = arguments.schema}));
    return LintSchema{std::move(catalog), "file", arguments.schema};
  }
  const auto uri = context.graph_uri(arguments.uri, "lint");
  if (!uri && uri.error().message.starts_with("no graph addressed")) {
    return std::unexpected(bad_request("lint requires --schema FILE or a graph to check against"));
  }
  if (!uri) return std::unexpected(uri.error());
  OG_ASSIGN_OR_RETURN(const auto graph, engine::Graph::open(*uri));
  OG_ASSIGN_OR_RETURN(const std::string source, graph->schema_source("main"));
  OG_ASSIGN_OR_RETURN(auto catalog, schema::parse_schema(source, {.accepted = true}));
  return LintSchema{std::move(catalog), "graph", *uri};
}

Result<int> run_lint(Context& context, const LintArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const LintSchema against, schema_of(context, arguments));
  OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(arguments.query));
  const query::LintReport report = query::lint(source, arguments.query, against.catalog);
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    api::write_lint(json, report, arguments.query, against.kind, against.place);
    print_json(compact);
  } else {
    print(lint_text(report));
  }
  return report.errors == 0 ? kExitOk : kExitFailure;
}

}  // namespace

void add_lint_command(CLI::App& app, Context& context, Run& run) {
  Command command = Command(app).command("lint", "Check the queries of a file against a schema or a graph");
  command.examples("omnigraph lint --query ships.gq --schema fleet.pg\nomnigraph lint --query ships.gq fleet.omni");
  auto arguments = std::make_shared<LintArguments>();
  command.own_uri(arguments->uri);
  command.text("--query", arguments->query, "The .gq file").required().completes(Values::kFile);
  command.text("--schema", arguments->schema, "A .pg file instead of a graph").completes(Values::kFile);
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_lint(context, *arguments); });
}

}  // namespace omnigraph::cli
