// query, mutate, alias.

#include "api/answers.h"
#include "api/profile_answers.h"
#include "cli/command.h"
#include "cli/query_plan.h"
#include "cli/query_source.h"
#include "cli/read_format.h"
#include "cli/terminal.h"

namespace omnigraph::cli {

namespace {

struct QueryArguments {
  QueryFlags source;
  std::string branch, snapshot, format;
  bool json = false;
  bool explain = false, analyze = false;
};

Result<ReadFormat> chosen_format(const Context& context, const QueryArguments& arguments, const QueryCall& call) {
  if (arguments.json) return ReadFormat::kJson;
  const std::string name = !arguments.format.empty() ? arguments.format : call.format.value_or(context.output_format());
  if (const auto format = read_format_of(name)) return *format;
  const std::string where = call.format ? "of alias '" + call.alias + "'" : std::string("in the configuration");
  return std::unexpected(
      bad_request("unknown output format '" + name + "' " + where + " (table, kv, csv, jsonl, json)"));
}

// --store and --profile address what an alias cannot be called on.
Result<void> check_alias_scope(const Context& context, const QueryCall& call) {
  if (!context.flags.store.empty()) {
    return std::unexpected(
        bad_request("alias '" + call.alias + "' calls a stored query, which needs a server; leave --store out"));
  }
  if (!context.flags.profile.empty()) {
    return std::unexpected(bad_request("alias '" + call.alias +
                                       "' names its server itself; leave --profile out, or pass --server and --graph"));
  }
  return {};
}

Result<DataTarget> open_target(Context& context, const QueryCall& call, DataAccess access) {
  if (call.text.empty()) access.stored = call.name;
  if (!call.on) return context.open_data("", access);
  OG_RETURN_IF_ERROR(check_alias_scope(context, call));
  return context.open_alias(call.alias, *call.on);
}

Result<std::string> answer_text(const QueryCall& call, const engine::ReadTarget& read, const DataTarget& target,
                                ReadFormat format, const TableLayout& layout) {
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(const auto answer, target.remote->query({call.text, call.name, call.parameters}, read));
    return render_read(*view_of(answer), format, layout);
  }
  OG_ASSIGN_OR_RETURN(const auto answer, target.graph->query(call.text, call.name, call.parameters, read));
  return render_read(*view_of(answer), format, layout);
}

// --explain, --analyze: the plan as text, or the whole answer as JSON.
Result<void> run_plan(const QueryArguments& arguments, const QueryCall& call, const engine::ReadTarget& read,
                      const DataTarget& target) {
  if (!arguments.format.empty() && arguments.format != "json" && arguments.format != "table") {
    return std::unexpected(bad_request("a plan is shown as text or JSON; leave --format " + arguments.format + " out"));
  }
  std::string answer;
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(answer,
                        target.remote->profile({call.text, call.name, call.parameters}, read, arguments.explain));
  } else {
    using Mode = exec::ProfileScope::Mode;
    OG_ASSIGN_OR_RETURN(const auto profiled,
                        engine::profile_query(*target.graph, call.text, call.name, call.parameters, read,
                                              arguments.explain ? Mode::kExplain : Mode::kAnalyze));
    api::append_profiled_read(answer, profiled);
  }
  if (arguments.json || arguments.format == "json") {
    print_json(answer);
  } else {
    print_paged(render_plan(answer));
  }
  return {};
}

Result<void> run_read(Context& context, const QueryArguments& arguments, const QueryCall& call) {
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      open_target(context, call, {.label = "query", .branch = arguments.branch}));
  OG_ASSIGN_OR_RETURN(const ReadFormat format, chosen_format(context, arguments, call));
  OG_RETURN_IF_ERROR(check_kind(call, false));
  engine::ReadTarget read;
  if (!arguments.branch.empty()) read.branch = arguments.branch;
  if (!arguments.snapshot.empty()) read.snapshot = arguments.snapshot;
  if (!read.branch && !read.snapshot && target.default_branch != "main") read.branch = target.default_branch;
  if (arguments.explain || arguments.analyze) return run_plan(arguments, call, read, target);
  OG_ASSIGN_OR_RETURN(const std::string text, answer_text(call, read, target, format, context.table_layout()));
  print_paged(text);
  return {};
}

Result<void> run_query(Context& context, const QueryArguments& arguments) {
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const QueryCall call, query_call(context, arguments.source, false));
  return run_read(context, arguments, call);
}

void add_format(Command& command, QueryArguments& arguments) {
  Option format =
      command.text("--format", arguments.format, "Output form").one_of({"table", "kv", "csv", "jsonl", "json"});
  command.flag("--json", arguments.json, "Same as --format json").excludes(format);
}

void add_query(Command& app, Context& context, Run& run) {
  Command command = app.command("query", "Run a read query");
  command.examples(
      "omnigraph query --store fleet.omni --query ships.gq by_name --params '{\"n\":\"Ada\"}' --json\n"
      "omnigraph query by_name --params '{\"n\":\"Ada\"}' --server lab --graph fleet");
  auto arguments = std::make_shared<QueryArguments>();
  arguments->source.add_to(command, "Query to run; may be left out if the source holds one");
  Option branch = command.text("--branch", arguments->branch, "Branch to read (default main)")
                      .non_empty()
                      .completes(Values::kBranch);
  command.text("--snapshot", arguments->snapshot, "Commit id to read").non_empty().excludes(branch);
  add_format(command, *arguments);
  Option explain = command.flag("--explain", arguments->explain, "Show the plan; nothing is run");
  command.flag("--analyze", arguments->analyze, "Run it and show what each operator did: rows, bytes, time")
      .excludes(explain);
  when_chosen(command, run, [&context, arguments] { return run_query(context, *arguments); });
}

struct MutateArguments {
  QueryFlags source;
  std::string branch, if_commit;
  bool json = false;
};

std::string mutate_text(const engine::MutateAnswer& answer) {
  return "changed " + answer.branch + " via " + answer.query_name + ": " + std::to_string(answer.affected_nodes) +
         " nodes, " + std::to_string(answer.affected_edges) + " edges\n";
}

Result<void> run_mutate(Context& context, const MutateArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const QueryCall call, query_call(context, arguments.source, true));
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      open_target(context, call, {.label = "mutate", .writes = true, .branch = arguments.branch}));
  OG_RETURN_IF_ERROR(check_kind(call, true));
  if (call.on && !context.flags.as.empty()) {
    return std::unexpected(
        bad_request("`--as` is not allowed on a served write: the server records the token's actor"));
  }
  engine::MutateRequest request;
  request.branch = target.branch_or(arguments.branch);
  request.actor = context.actor();
  if (!arguments.if_commit.empty()) request.if_commit = arguments.if_commit;
  OG_ASSIGN_OR_RETURN(const auto answer, target.remote
                                             ? target.remote->mutate({call.text, call.name, call.parameters}, request)
                                             : target.graph->mutate(call.text, call.name, call.parameters, request));
  if (!arguments.json) {
    print(mutate_text(answer));
    return {};
  }
  std::string compact;
  base::JsonWriter json(compact);
  api::write_mutate_answer(json, answer);
  print_json(compact);
  return {};
}

void add_mutate(Command& app, Context& context, Run& run) {
  Command command = app.command("mutate", "Run a mutation: insert, update or delete, as one commit");
  command.examples(
      "omnigraph mutate --store fleet.omni -e 'query add($n: String) { insert Ship { name: $n } }' --params "
      "'{\"n\":\"Ada\"}'\n"
      "omnigraph mutate add_ship --params '{\"n\":\"Ada\"}' --server lab --graph fleet");
  auto arguments = std::make_shared<MutateArguments>();
  arguments->source.add_to(command, "Mutation to run; may be left out if the source holds one");
  command.text("--branch", arguments->branch, "Branch to change (default main)").non_empty().completes(Values::kBranch);
  command.text("--if-commit", arguments->if_commit, "Run only if the branch head is this commit; else exit 4")
      .non_empty();
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_mutate(context, *arguments); });
}

struct AliasArguments : QueryArguments {
  std::string name;
};

Result<void> run_alias(Context& context, const AliasArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const QueryCall call,
                      alias_call(context, arguments.name, arguments.source.words, arguments.source, false));
  return run_read(context, arguments, call);
}

void add_alias(Command& app, Context& context, Run& run) {
  Command command = app.command("alias", "Call a stored query by the short name the operator config gives it");
  command.examples("omnigraph alias ship Ada\nomnigraph alias ship --params '{\"n\":\"Ada\"}' --format csv");
  auto arguments = std::make_shared<AliasArguments>();
  command.text("NAME", arguments->name, "The alias").required().completes(Values::kAlias);
  command.words("ARGS", arguments->source.words, 0, 1024, "Values of its parameters, in the order of `args`");
  arguments->source.add_parameters_to(command);
  add_format(command, *arguments);
  when_chosen(command, run, [&context, arguments] { return run_alias(context, *arguments); });
}

}  // namespace

void add_query_commands(CLI::App& app, Context& context, Run& run) {
  Command root(app);
  add_query(root, context, run);
  add_mutate(root, context, run);
  add_alias(root, context, run);
}

}  // namespace omnigraph::cli
