// query, mutate, lint.

#include <CLI/CLI.hpp>

#include "api/answers.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/read_format.h"
#include "cli/when_chosen.h"
#include "query/compile.h"
#include "query/lint.h"
#include "schema/parser.h"

namespace omnigraph::cli {

namespace {

struct QuerySource {
  std::string name;   // positional NAME
  std::string named;  // --name, compatibility
  std::string file, text;
  CLI::Option* text_option = nullptr;
  std::string params, params_file;

  void add_to(CLI::App& command, const char* name_help) {
    command.add_option("NAME", name, name_help);
    command.add_option("--name", named, "Same as NAME")->group("");
    auto* file_option = command.add_option("--query", file, "A .gq file");
    text_option = command.add_option("-e,--query-string", text, "Query text")->excludes(file_option);
    auto* params_option = command.add_option("--params", params, "Parameters, one JSON object");
    command.add_option("--params-file", params_file, "File with the parameters")->excludes(params_option);
  }

  [[nodiscard]] bool given() const { return !file.empty() || text_option->count() > 0; }
  [[nodiscard]] const std::string& query_name() const { return name.empty() ? named : name; }

  // Text of the query; empty for a stored one. `noun` for messages.
  [[nodiscard]] Result<std::string> read(const char* noun) const {
    if (!given()) {
      if (query_name().empty())
        return std::unexpected(
            bad_request(std::string("provide a ") + noun + " name, or a query with --query FILE or -e TEXT"));
      return std::string();
    }
    if (file.empty()) {
      if (base::trim_unicode(text).empty()) return std::unexpected(bad_request("the query text must not be empty"));
      return text;
    }
    OG_ASSIGN_OR_RETURN(std::string source, base::read_file(file));
    if (base::trim_unicode(source).empty())
      return std::unexpected(bad_request("'" + file + "' must not be empty: it holds no query"));
    return source;
  }

  // The name of the stored query that is called; empty for an ad hoc one.
  [[nodiscard]] std::string_view stored() const { return given() ? std::string_view() : query_name(); }

  [[nodiscard]] Result<std::string> parameters() const {
    if (params_file.empty()) return params;
    return base::read_file(params_file);
  }
};

// Name conflicts are usage errors.
bool two_names(const QuerySource& source) {
  if (source.name.empty() || source.named.empty() || source.name == source.named) return false;
  std::fprintf(stderr, "Error: NAME '%s' and --name '%s' differ; pass one of them\n", source.name.c_str(),
               source.named.c_str());
  return true;
}

struct QueryArguments {
  QuerySource source;
  std::string branch, snapshot, format;
  bool json = false;
  CLI::Option* branch_option = nullptr;
  CLI::Option* snapshot_option = nullptr;
};

Result<ReadFormat> chosen_format(const Context& context, const QueryArguments& arguments) {
  if (arguments.json) return ReadFormat::kJson;
  const std::string name = !arguments.format.empty() ? arguments.format : context.config.output.value_or("table");
  if (const auto format = read_format_of(name)) return *format;
  return std::unexpected(
      bad_request("unknown output format '" + name + "' in the operator config (table, kv, csv, jsonl, json)"));
}

// Refuses a query of the other kind before anything is opened, naming the other verb.
Result<void> check_kind(const QuerySource& source, const std::string& text, bool mutation) {
  if (!source.stored().empty()) return {};  // the server knows its kind
  OG_ASSIGN_OR_RETURN(const auto file, query::parse_file(text, source.file));
  OG_ASSIGN_OR_RETURN(const query::ast::Query* selected, query::select_query(file, source.query_name()));
  if (std::holds_alternative<query::ast::Read>(selected->body) != mutation) return {};
  return std::unexpected(
      bad_request("query '" + selected->name + "' " +
                  (mutation ? "is a read; run it with `omnigraph query`"
                            : "contains mutations (insert/update/delete); run it with `omnigraph mutate`")));
}

Result<std::string> answer_text(const Context& context, const QueryArguments& arguments, const std::string& text,
                                const std::string& parameters, const DataTarget& target, ReadFormat format) {
  const TableLayout layout{context.config.table_max_column_width, context.config.table_wrap};
  engine::ReadTarget read;
  if (arguments.branch_option->count() > 0) read.branch = arguments.branch;
  if (arguments.snapshot_option->count() > 0) read.snapshot = arguments.snapshot;
  const std::string& name = arguments.source.query_name();
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(const auto answer, target.remote->query({text, name, parameters}, read));
    return render_read(*view_of(answer), format, layout);
  }
  OG_ASSIGN_OR_RETURN(const auto answer, target.graph->query(text, name, parameters, read));
  return render_read(*view_of(answer), format, layout);
}

Result<void> run_query(Context& context, const QueryArguments& arguments) {
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const ReadFormat format, chosen_format(context, arguments));
  OG_ASSIGN_OR_RETURN(const std::string text, arguments.source.read("query"));
  OG_ASSIGN_OR_RETURN(const std::string parameters, arguments.source.parameters());
  const std::string_view branch = arguments.branch.empty() ? std::string_view("main") : arguments.branch;
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data("", {.label = "query", .branch = branch, .stored = arguments.source.stored()}));
  OG_RETURN_IF_ERROR(check_kind(arguments.source, text, false));
  OG_ASSIGN_OR_RETURN(const std::string answer, answer_text(context, arguments, text, parameters, target, format));
  print(answer);
  return {};
}

void add_query(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("query", "Run a read query");
  command->footer(
      "EXAMPLE\n  omnigraph query --store g.omni --query ships.gq by_name --params '{\"n\":\"Ada\"}' --json\n");
  auto arguments = std::make_shared<QueryArguments>();
  arguments->source.add_to(*command, "Query to run; may be left out if the source holds one");
  arguments->branch_option = command->add_option("--branch", arguments->branch, "Branch to read (default main)");
  arguments->snapshot_option =
      command->add_option("--snapshot", arguments->snapshot, "Commit id to read")->excludes(arguments->branch_option);
  auto* format = command->add_option("--format", arguments->format, "Output form")
                     ->check(CLI::IsMember({"table", "kv", "csv", "jsonl", "json"}));
  command->add_flag("--json", arguments->json, "Same as --format json")->excludes(format);
  command->callback([&context, &run, arguments] {
    run = [&context, arguments]() -> int {
      if (two_names(arguments->source)) return kExitUsage;
      const auto done = run_query(context, *arguments);
      return done ? kExitOk : report(done.error());
    };
  });
}

struct MutateArguments {
  QuerySource source;
  std::string branch = "main", if_commit;
  bool json = false;
};

Result<void> run_mutate(Context& context, const MutateArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const std::string text, arguments.source.read("mutation"));
  OG_ASSIGN_OR_RETURN(const std::string parameters, arguments.source.parameters());
  OG_ASSIGN_OR_RETURN(
      const DataTarget target,
      context.open_data(
          "", {.label = "mutate", .writes = true, .branch = arguments.branch, .stored = arguments.source.stored()}));
  OG_RETURN_IF_ERROR(check_kind(arguments.source, text, true));
  engine::MutateRequest request;
  request.branch = arguments.branch;
  request.actor = context.actor();
  if (!arguments.if_commit.empty()) request.if_commit = arguments.if_commit;
  const std::string& name = arguments.source.query_name();
  OG_ASSIGN_OR_RETURN(const auto answer, target.remote ? target.remote->mutate({text, name, parameters}, request)
                                                       : target.graph->mutate(text, name, parameters, request));
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    api::write_mutate_answer(json, answer);
    print_json(compact);
  } else {
    print("changed " + answer.branch + " via " + answer.query_name + ": " + std::to_string(answer.affected_nodes) +
          " nodes, " + std::to_string(answer.affected_edges) + " edges\n");
  }
  return {};
}

void add_mutate(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("mutate", "Run a mutation: insert, update or delete, as one commit");
  command->footer(
      "EXAMPLE\n  omnigraph mutate --store g.omni -e 'query add($n: String) { insert Ship { name: $n } }' --params "
      "'{\"n\":\"Ada\"}'\n");
  auto arguments = std::make_shared<MutateArguments>();
  arguments->source.add_to(*command, "Mutation to run; may be left out if the source holds one");
  command->add_option("--branch", arguments->branch, "Branch to change")->capture_default_str();
  command->add_option("--if-commit", arguments->if_commit, "Run only if the branch head is this commit; else exit 4")
      ->check(non_empty());
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([&context, &run, arguments] {
    run = [&context, arguments]() -> int {
      if (two_names(arguments->source)) return kExitUsage;
      const auto done = run_mutate(context, *arguments);
      return done ? kExitOk : report(done.error(), arguments->json);
    };
  });
}

struct LintArguments {
  std::string uri, query, schema;
  bool json = false;
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

Result<int> run_lint(Context& context, const LintArguments& arguments) {
  OG_RETURN_IF_ERROR(context.load_config());
  std::shared_ptr<const schema::Catalog> catalog;
  std::string kind = "file", place = arguments.schema;
  if (!arguments.schema.empty()) {
    OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(arguments.schema));
    OG_ASSIGN_OR_RETURN(catalog, schema::parse_schema(source, {.file = arguments.schema}));
  } else {
    const auto uri = context.graph_uri(arguments.uri);
    if (!uri && uri.error().message.starts_with("no graph addressed")) {
      return std::unexpected(bad_request("lint requires --schema FILE or a graph to check against"));
    }
    if (!uri) return std::unexpected(uri.error());
    OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri));
    OG_ASSIGN_OR_RETURN(const std::string source, graph->schema_source("main"));
    OG_ASSIGN_OR_RETURN(catalog, schema::parse_schema(source, {.accepted = true}));
    kind = "graph";
    place = *uri;
  }
  OG_ASSIGN_OR_RETURN(const std::string source, base::read_file(arguments.query));
  const query::LintReport report = query::lint(source, arguments.query, catalog);
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    api::write_lint(json, report, arguments.query, kind, place);
    print_json(compact);
  } else {
    print(lint_text(report));
  }
  return report.errors == 0 ? kExitOk : kExitFailure;
}

void add_lint(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("lint", "Check the queries of a file against a schema or a graph");
  command->footer("EXAMPLE\n  omnigraph lint --query ships.gq --schema fleet.pg\n");
  auto arguments = std::make_shared<LintArguments>();
  command->add_option("URI,--uri", arguments->uri, "Graph whose schema decides")->check(non_empty());
  command->add_option("--query", arguments->query, "The .gq file")->required();
  command->add_option("--schema", arguments->schema, "A .pg file instead of a graph");
  command->add_flag("--json", arguments->json, "Print JSON");
  when_chosen(*command, run, [&context, arguments] { return run_lint(context, *arguments); });
}

}  // namespace

void add_query_commands(CLI::App& app, Context& context, Run& run) {
  add_query(app, context, run);
  add_mutate(app, context, run);
  add_lint(app, context, run);
}

}  // namespace omnigraph::cli
