// verify.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/commands.h"
#include "cli/when_chosen.h"
#include "engine/graph_verify.h"

namespace omnigraph::cli {

namespace {

struct VerifyArguments {
  std::string uri;
  bool deep = false;
  bool json = false;
};

// One line on stderr that is overwritten; a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (written_) std::fputs("\r\x1b[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void update(const graph::VerifyProgress& progress) {
    if (!shown_) return;
    const auto now = std::chrono::steady_clock::now();
    if (written_ && now - last_ < kPause) return;
    last_ = now;
    written_ = true;
    std::fprintf(stderr, "\rverifying: %llu of %llu commit records, %llu objects",
                 static_cast<unsigned long long>(progress.records_done),
                 static_cast<unsigned long long>(progress.records_total),
                 static_cast<unsigned long long>(progress.objects));
  }

 private:
  static constexpr std::chrono::milliseconds kPause{200};
  const bool shown_;
  bool written_ = false;
  std::chrono::steady_clock::time_point last_;
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
    ProgressLine line(context.flags.quiet);
    OG_ASSIGN_OR_RETURN(
        report, engine::verify_graph(*graph, {.deep = arguments.deep,
                                              .progress = [&](const auto& progress) { line.update(progress); }}));
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
  auto* verify = app.add_subcommand("verify", "Check that everything the graph's history needs is there and sound");
  verify->footer("EXAMPLE\n  omnigraph verify --deep fleet.omni\n");
  auto arguments = std::make_shared<VerifyArguments>();
  verify->add_option("URI,--uri", arguments->uri, "The graph");
  verify->add_flag("--deep", arguments->deep, "Read all data, and compare blobs with their digests");
  verify->add_flag("--json", arguments->json, "Print JSON");
  when_chosen(*verify, run, [&context, arguments] { return run_verify(context, *arguments); });
}

}  // namespace omnigraph::cli
