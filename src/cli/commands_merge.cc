#include "cli/commands_merge.h"

#include "api/merge_answers.h"
#include "cli/diff_text.h"
#include "cli/terminal.h"
#include "client/raw_json.h"
#include "engine/merge.h"

namespace omnigraph::cli {

namespace {

struct MergeArguments {
  std::string uri, source, target = "main", expect, format = "text", limit, page_token;
  bool delete_branch = false, merge_properties = false, dry_run = false, json = false;
  std::vector<std::string> kinds, types, ops;
};

Result<std::optional<engine::ExpectedHeads>> expected_heads(const std::string& text) {
  if (text.empty()) return std::optional<engine::ExpectedHeads>{};
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos || comma == 0 || comma + 1 == text.size()) {
    return std::unexpected(
        bad_request("--expect takes SOURCE_ID,TARGET_ID: the commit ids of both heads, as `branch diff` shows them"));
  }
  return std::optional(engine::ExpectedHeads{text.substr(0, comma), text.substr(comma + 1)});
}

// The answer as compact JSON.
Result<std::string> merge_remote(client::RemoteGraph& remote, const MergeArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto expect, expected_heads(arguments.expect));
  std::string body;
  base::JsonWriter json(body);
  json.begin_object().key("source").string(arguments.source).key("target").string(arguments.target);
  if (arguments.delete_branch) json.key("delete_branch").boolean(true);
  if (arguments.merge_properties) json.key("merge_properties").boolean(true);
  if (expect) {
    json.key("expect")
        .begin_object()
        .key("source")
        .string(expect->source)
        .key("target")
        .string(expect->target)
        .end_object();
  }
  json.end_object();
  client::RemoteCall call;
  call.method = "POST";
  call.path = {"branches", "merge"};
  call.json = std::move(body);
  return remote.call(call);
}

Result<std::string> merge_embedded(engine::Graph& graph, const MergeArguments& arguments,
                                   std::optional<std::string> actor) {
  engine::MergeBranchesRequest request;
  request.source = arguments.source;
  request.target = arguments.target;
  request.actor = std::move(actor);
  request.merge_properties = arguments.merge_properties;
  OG_ASSIGN_OR_RETURN(request.expect, expected_heads(arguments.expect));
  OG_ASSIGN_OR_RETURN(engine::MergeAnswer answer, engine::merge_branches(graph, request));
  if (arguments.delete_branch) engine::delete_merged_branch(graph, answer);
  std::string text;
  base::JsonWriter json(text);
  api::write_merge_answer(json, answer);
  return text;
}

Result<int> run_merge(Context& context, const MergeArguments& arguments) {
  OG_ASSIGN_OR_RETURN(
      const DataTarget target,
      context.open_data(arguments.uri,
                        {.label = "branch merge", .writes = true, .echoes = true, .branch = arguments.source}));
  OG_ASSIGN_OR_RETURN(const std::string answer, target.remote
                                                    ? merge_remote(*target.remote, arguments)
                                                    : merge_embedded(*target.graph, arguments, context.actor()));
  const auto text = [&](std::string_view name) {
    return client::json_string(client::json_member(answer, name)).value_or("");
  };
  if (arguments.json) {
    print_json(answer);
  } else {
    print("merged " + text("source") + " into " + text("target") + ": " + text("outcome") + "\n");
  }
  if (!arguments.delete_branch) return static_cast<int>(kExitOk);
  const std::string_view deleted = client::json_member(answer, "branch_deleted");
  if (deleted != "true") {
    const std::string reason = deleted.empty() ? "the server did not say whether it did" : text("branch_delete_error");
    warn("merged, but could not delete branch '" + text("source") + "': " + reason);
  }
  return static_cast<int>(kExitOk);
}

// One page as compact JSON.
Result<std::string> diff_page(const DataTarget& target, const MergeArguments& arguments,
                              const std::string& page_token) {
  if (target.remote) {
    client::RemoteCall call;
    call.path = {"x", "diff"};
    call.query = {{"source", arguments.source}, {"target", arguments.target}};
    if (!arguments.limit.empty()) call.query.emplace_back("limit", arguments.limit);
    if (!page_token.empty()) call.query.emplace_back("page_token", page_token);
    if (arguments.merge_properties) call.query.emplace_back("merge_properties", "true");
    if (arguments.dry_run) call.query.emplace_back("changes", "false");
    for (const std::string& kind : arguments.kinds) call.query.emplace_back("kind", kind);
    for (const std::string& type : arguments.types) call.query.emplace_back("type", type);
    for (const std::string& op : arguments.ops) call.query.emplace_back("op", op);
    return target.remote->call(call);
  }
  engine::DiffRequest request;
  request.source = arguments.source;
  request.target = arguments.target;
  request.merge_properties = arguments.merge_properties;
  request.with_changes = !arguments.dry_run;
  if (!arguments.limit.empty()) {
    OG_ASSIGN_OR_RETURN(request.limit, engine::diff_limit_of(arguments.limit));
  }
  if (!page_token.empty()) request.page_token = page_token;
  request.kinds = arguments.kinds;
  request.types = arguments.types;
  request.ops = arguments.ops;
  OG_ASSIGN_OR_RETURN(const engine::DiffAnswer diff, engine::diff_branches(*target.graph, request));
  std::string text;
  base::JsonWriter json(text);
  api::write_diff(json, diff, request.with_changes);
  return text;
}

// Prints the preview; a merge that would conflict is a failure of a dry run, not of a diff.
Result<int> run_diff(Context& context, const MergeArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, {.label = arguments.dry_run ? "branch merge" : "branch diff",
                                                        .branch = arguments.source}));
  std::vector<std::string> pages;
  std::string token = arguments.page_token;
  do {
    OG_ASSIGN_OR_RETURN(std::string page, diff_page(target, arguments, token));
    token = client::json_string(client::json_member(page, "next_page_token")).value_or("");
    pages.push_back(std::move(page));
  } while (!token.empty() && arguments.page_token.empty());  // a page asked for by its token comes alone
  const std::string format = arguments.json ? "json" : arguments.format;
  if (format == "json") {
    print_json(diff_json(pages));
  } else {
    print_paged(format == "jsonl" ? diff_lines(pages) : diff_text(pages));
  }
  const bool conflicts = client::json_member(pages.front(), "outcome") == "\"conflicts\"";
  return static_cast<int>(arguments.dry_run && conflicts ? kExitFailure : kExitOk);
}

void add_common(Command& command, MergeArguments& arguments) {
  command.text("SOURCE", arguments.source, "The branch whose changes are taken over")
      .required()
      .completes(Values::kBranch);
  command.text("--into", arguments.target, "The branch that takes them").shows_default().completes(Values::kBranch);
  command.own_uri(arguments.uri, /*positional=*/false);
  command.flag("--merge-properties", arguments.merge_properties,
               "Entities that both sides updated in different fields are merged field by field");
  Option format =
      command.text("--format", arguments.format, "Form of a preview").one_of({"text", "json", "jsonl"}).shows_default();
  command.json(arguments.json).excludes(format);
}

Error with_next_step(Error error, const MergeArguments& arguments) {
  error.context.append(error.context.empty() ? "" : "\n")
      .append("nothing was written; `omnigraph branch diff " + arguments.source + " --into " + arguments.target +
              "` shows both sides of each conflict");
  return error;
}

void add_merge(Command& group, Context& context, Run& run) {
  Command command = group.command("merge", "Merge a branch into another as one commit");
  command.examples(
      "omnigraph branch merge fix --store fleet.omni --dry-run\n"
      "omnigraph branch merge fix --store fleet.omni --delete-branch");
  auto arguments = std::make_shared<MergeArguments>();
  add_common(command, *arguments);
  Option deletes = command.flag("--delete-branch", arguments->delete_branch, "Delete SOURCE after the merge");
  Option expects = command.text("--expect", arguments->expect,
                                "SOURCE_ID,TARGET_ID: merge only if the heads are these commits (exit 4)");
  command.flag("--dry-run", arguments->dry_run, "Show what would happen; write nothing")
      .excludes(deletes)
      .excludes(expects);
  command.on_chosen([&context, &run, arguments] {
    run = [&context, arguments]() -> int {
      const auto done = arguments->dry_run ? run_diff(context, *arguments) : run_merge(context, *arguments);
      if (done) return *done;
      if (!arguments->json && done.error().message.starts_with("merge conflicts: "))
        return report(with_next_step(done.error(), *arguments));
      return report(done.error());
    };
  });
}

void add_diff(Command& group, Context& context, Run& run) {
  Command command = group.command("diff", "Show what merging a branch would change, and its conflicts");
  command.examples("omnigraph branch diff fix --store fleet.omni");
  auto arguments = std::make_shared<MergeArguments>();
  add_common(command, *arguments);
  command.texts("--kind", arguments->kinds, "Only node or edge; repeatable");
  command.texts("--type", arguments->types, "Only this type; repeatable").completes(Values::kType);
  command.texts("--op", arguments->ops, "Only insert, update or delete; repeatable");
  command.text("--limit", arguments->limit, "Changes per page");
  command.text("--page-token", arguments->page_token, "Print exactly the page this token stands for").opaque();
  when_chosen(command, run, [&context, arguments] { return run_diff(context, *arguments); });
}

}  // namespace

void add_merge_commands(Command group, Context& context, Run& run) {
  add_merge(group, context, run);
  add_diff(group, context, run);
}

}  // namespace omnigraph::cli
