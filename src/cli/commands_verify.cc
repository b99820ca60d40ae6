// verify.

#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "engine/graph_verify.h"

namespace omnigraph::cli {

namespace {

struct VerifyArguments {
  std::string uri;
  bool deep = false;
  bool json = false;
};

std::string report_json(const std::string& uri, const graph::VerifyReport& report) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("uri").string(uri).key("ok").boolean(report.ok());
  json.key("commits").unsigned_integer(report.commits).key("objects").unsigned_integer(report.objects);
  json.key("findings").begin_array();
  for (const graph::VerifyFinding& finding : report.findings) {
    json.begin_object().key("code").string(finding.code).key("key").string(finding.key);
    json.key("message").string(finding.message).end_object();
  }
  json.end_array().end_object();
  return text;
}

Result<int> run_verify(Context& context, const VerifyArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const std::string uri, context.graph_uri(arguments.uri, "verify"));
  OG_ASSIGN_OR_RETURN(const auto graph, engine::Graph::open(uri));
  graph::VerifyReport report;
  {
    ProgressLine line("verify", context.flags.quiet);
    OG_ASSIGN_OR_RETURN(report,
                        engine::verify_graph(*graph, {.deep = arguments.deep, .progress = [&](const auto& progress) {
                                                        line.update({.done = progress.records_done,
                                                                     .total = progress.records_total,
                                                                     .unit = "commit records"});
                                                      }}));
  }
  if (arguments.json) {
    print_json(report_json(graph->uri(), report));
    return report.ok() ? kExitOk : kExitFailure;
  }
  for (const graph::VerifyFinding& finding : report.findings) {
    print((finding.unsound ? "" : "note: ") + finding.code + " " + finding.key + ": " + finding.message + "\n");
  }
  const auto unsound = std::count_if(report.findings.begin(), report.findings.end(),
                                     [](const graph::VerifyFinding& finding) { return finding.unsound; });
  const std::string extent =
      std::to_string(report.commits) + " commits, " + std::to_string(report.objects) + " objects";
  print(report.ok() ? "sound: " + extent + "\n"
                    : "NOT SOUND: " + std::to_string(unsound) + " findings; " + extent + "\n");
  return report.ok() ? kExitOk : kExitFailure;
}

}  // namespace

void add_verify_command(CLI::App& app, Context& context, Run& run) {
  Command command =
      Command(app).command("verify", "Check that everything the graph's history needs is there and sound");
  command.examples("omnigraph verify --deep fleet.omni");
  auto arguments = std::make_shared<VerifyArguments>();
  command.own_uri(arguments->uri);
  command.flag("--deep", arguments->deep, "Read all data, and compare blobs with their digests");
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments] { return run_verify(context, *arguments); });
}

}  // namespace omnigraph::cli
