// cleanup.

#include <cstdio>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "engine/graph_cleanup.h"

namespace omnigraph::cli {

namespace {

struct CleanupArguments {
  std::string uri, older_than;
  std::optional<std::uint64_t> keep;
  bool confirm = false;
  bool json = false;
};

// `the newest 3 commits and those of the last 7d`
std::string policy_text(const CleanupArguments& arguments) {
  std::string text;
  if (arguments.keep) text = "the newest " + std::to_string(*arguments.keep) + " commits";
  if (!arguments.older_than.empty()) {
    text.append(text.empty() ? "the commits" : " and those").append(" of the last ").append(arguments.older_than);
  }
  return text + " of every branch";
}

std::string report_json(const std::string& uri, const engine::CleanupRequest& request,
                        const graph::CleanupReport& report) {
  std::string text;
  base::JsonWriter json(text);
  const auto number_or_null = [&](const std::optional<std::uint64_t>& number) {
    if (number) {
      json.unsigned_integer(*number);
    } else {
      json.null();
    }
  };
  json.begin_object().key("uri").string(uri).key("keep_versions");
  number_or_null(request.keep);
  json.key("older_than_secs");
  number_or_null(request.older_than_secs);
  json.key("datasets").begin_array();
  for (const auto& [type_key, table] : report.tables) {
    json.begin_object().key("type_key").string(type_key).key("bytes_removed").unsigned_integer(table.bytes_removed);
    json.key("old_versions_removed").unsigned_integer(table.versions_removed);
    json.key("error").string_or_null(table.error, !table.error.empty()).end_object();
  }
  json.end_array().end_object();
  return text;
}

std::string plural(std::uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

void print_text(const graph::CleanupReport& report) {
  for (const auto& [type_key, table] : report.tables) {
    const std::size_t colon = type_key.find(':');
    print(type_key.substr(0, colon) + " type '" + type_key.substr(colon + 1) + "' old_versions_removed=" +
          std::to_string(table.versions_removed) + " bytes_removed=" + std::to_string(table.bytes_removed) +
          (table.error.empty() ? "" : " error: " + table.error) + "\n");
  }
  print("removed " + plural(report.commits_removed, "commit") + ", " + plural(report.blobs_removed, "blob") + ", " +
        std::to_string(report.bytes_removed) + " bytes in all\n");
}

// What stays beyond the policy, and what would let it go.
void explain_kept(const graph::CleanupReport& report) {
  for (const graph::HistoryHolder& holder : report.holders) {
    std::fprintf(
        stderr,
        "note: branch '%s' holds %s of history, back to '%s', so that it can still be merged with '%s'; merge or "
        "delete the branch to let them go\n",
        holder.branch.c_str(), plural(holder.commits, "more commit").c_str(), holder.base_id.c_str(),
        holder.other.c_str());
  }
  if (report.carriers > 0) {
    std::fprintf(stderr,
                 "note: %s stay because data of newer commits still travels inside them; later writes and `omnigraph "
                 "optimize` put it in place\n",
                 plural(report.carriers, "older commit record").c_str());
  }
}

Result<int> run_cleanup(Context& context, const CleanupArguments& arguments) {
  if (!arguments.keep && arguments.older_than.empty()) {
    return std::unexpected(bad_request("cleanup needs --keep N or --older-than DURATION: what is to stay"));
  }
  engine::CleanupRequest request{.keep = arguments.keep, .older_than_secs = {}};
  if (!arguments.older_than.empty()) {
    OG_ASSIGN_OR_RETURN(request.older_than_secs, engine::parse_duration(arguments.older_than));
  }
  OG_ASSIGN_OR_RETURN(const std::string uri, context.graph_uri(arguments.uri, "cleanup"));
  if (arguments.confirm) {
    OG_RETURN_IF_ERROR(context.consent("cleanup", uri, arguments.json));
    context.echo("cleanup", uri);
  }
  OG_ASSIGN_OR_RETURN(const auto graph, engine::Graph::open(uri));
  if (!arguments.confirm) {
    std::fprintf(stderr, "cleanup of %s would keep %s; nothing was removed, pass --confirm to remove the rest\n",
                 graph->uri().c_str(), policy_text(arguments).c_str());
    return kExitOk;
  }
  std::optional<ProgressLine> line(std::in_place, "cleanup", context.flags.quiet);
  OG_ASSIGN_OR_RETURN(const graph::CleanupReport report, engine::cleanup_graph(*graph, request));
  line.reset();
  if (arguments.json) {
    print_json(report_json(graph->uri(), request, report));
  } else {
    print_text(report);
  }
  if (!context.flags.quiet) explain_kept(report);
  for (const auto& [type_key, table] : report.tables) {
    if (!table.error.empty()) return kExitFailure;
  }
  return kExitOk;
}

}  // namespace

void add_cleanup_command(CLI::App& app, Context& context, Run& run) {
  Command command = Command(app).command("cleanup", "Remove old history and what interrupted writes left");
  command.examples("omnigraph cleanup --keep 100 --older-than 30d --confirm fleet.omni");
  auto arguments = std::make_shared<CleanupArguments>();
  command.own_uri(arguments->uri);
  command.number("--keep", arguments->keep, "Commits to keep of each branch, newest first");
  command.text("--older-than", arguments->older_than, "Keep what is younger: a number and one of s m h d w");
  command.flag("--confirm", arguments->confirm, "Remove; without it nothing is touched");
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_cleanup(context, *arguments); });
}

}  // namespace omnigraph::cli
