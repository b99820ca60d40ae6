// load, ingest.

#include <atomic>
#include <cstdio>

#include "api/answers.h"
#include "cli/command.h"
#include "cli/input_file.h"
#include "cli/progress_line.h"
#include "cli/reject_file.h"

namespace omnigraph::cli {

namespace {

// Without --max-rejects: enough for the odd bad line, not for a file of the wrong kind.
constexpr std::uint64_t kRejectsMaxDefault = 1000;

struct LoadArguments {
  std::string uri, data, mode, branch, from, rejects;
  std::optional<std::uint64_t> max_rejects;
  bool json = false;
};

std::string load_text(const engine::LoadAnswer& answer, const std::string& uri) {
  return "loaded " + uri + " on branch " + answer.branch + " with " + std::string(engine::load_mode_name(answer.mode)) +
         ": " + std::to_string(answer.total_entities) + " entities across " + std::to_string(answer.nodes.size()) +
         " node types and " + std::to_string(answer.edges.size()) + " edge types" +
         (answer.rejects ? ", " + std::to_string(answer.rejects->size()) + " rejected" : std::string()) + "\n";
}

// Shows how much of the file has been taken in, and when it has ended that the rest is writing.
class LoadProgress {
 public:
  LoadProgress(const InputFile& file, bool quiet) : file_(file), line_("load", quiet) {}

  Result<std::size_t> read(std::span<std::byte> out) {
    auto got = file_.read(out);
    if (got && *got == 0) ended_ = true;
    show();
    return got;
  }
  void count(std::uint64_t records) {
    records_ = records;
    show();
  }

 private:
  void show() {
    line_.update({.done = file_.consumed(),
                  .total = file_.size().value_or(0),
                  .bytes = true,
                  .rows = records_,
                  .phase = ended_ ? "writing" : "reading"});
  }

  const InputFile& file_;
  ProgressLine line_;
  std::atomic<std::uint64_t> records_ = 0;
  std::atomic<bool> ended_ = false;
};

engine::LoadRequest request_of(const Context& context, const DataTarget& target, const LoadArguments& arguments) {
  engine::LoadRequest request;
  request.mode = *engine::load_mode_of(arguments.mode);
  request.branch = target.branch_or(arguments.branch);
  if (!arguments.from.empty()) request.from = arguments.from;
  request.actor = context.actor();
  return request;
}

DataAccess access_of(const LoadArguments& arguments, std::string_view label, std::string_view overwrite_label) {
  DataAccess access{.label = label, .writes = true, .echoes = true, .json = arguments.json, .branch = arguments.branch};
  if (arguments.mode == "overwrite") access.destructive = overwrite_label;
  return access;
}

void print_answer(const engine::LoadAnswer& answer, const std::string& uri, bool json, api::LoadShape shape) {
  if (!json) return print(load_text(answer, uri));
  std::string compact;
  base::JsonWriter writer(compact);
  api::write_load_answer(writer, answer, uri, shape);
  print_json(compact);
}

Result<engine::LoadAnswer> load_into(const DataTarget& target, const InputFile& file, engine::LoadRequest request,
                                     bool quiet) {
  LoadProgress progress(file, quiet);
  request.progress = [&](std::uint64_t, std::uint64_t records) { progress.count(records); };
  const engine::ByteSource source = [&](std::span<std::byte> out) { return progress.read(out); };
  return target.remote ? target.remote->load(source, request) : target.graph->load(source, request);
}

// A graph in this process calls this before its commit, so that no record gets lost between the two; a server tells the
// records after its own.
Result<void> report_rejects(const std::string& file, const std::vector<engine::RejectedRecord>& rejected) {
  OG_RETURN_IF_ERROR(write_reject_file(file, rejected));
  if (const std::string summary = reject_summary(file, rejected); !summary.empty()) warn(summary);
  return {};
}

// The load is done and must not be done again: what it left out goes to stderr, as FILE does not take it.
Error committed_without_file(const engine::LoadAnswer& answer, const Error& failed) {
  std::fputs(reject_lines(*answer.rejects).c_str(), stderr);
  std::string text = "the load is committed";
  if (answer.commit) text.append(" as ").append(answer.commit->graph_commit_id);
  text.append(", but the file of its rejected records failed: ").append(failed.message);
  if (!answer.rejects->empty()) text.append("; they are printed above");
  return Error{Code::kIoError, std::move(text)};
}

Result<void> run_load(Context& context, const LoadArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const InputFile file, InputFile::open(arguments.data));
  if (!arguments.rejects.empty()) OG_RETURN_IF_ERROR(check_reject_file(arguments.rejects, arguments.data));
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, access_of(arguments, "load", "load --mode overwrite")));
  engine::LoadRequest request = request_of(context, target, arguments);
  const auto report = [&arguments](const auto& rejected) { return report_rejects(arguments.rejects, rejected); };
  if (!arguments.rejects.empty()) {
    request.rejects = engine::LoadRejects{arguments.max_rejects.value_or(kRejectsMaxDefault), report};
  }
  if (request.rejects) OG_RETURN_IF_ERROR(write_reject_file(arguments.rejects, {}));  // nothing of another load is left
  OG_ASSIGN_OR_RETURN(auto answer, load_into(target, file, request, context.flags.quiet));
  if (target.remote && request.rejects) {  // A server tells them with its answer.
    if (!answer.rejects) answer.rejects.emplace();
    if (auto told = report(*answer.rejects); !told) {
      return std::unexpected(committed_without_file(answer, told.error()));
    }
  }
  print_answer(answer, target.uri, arguments.json, api::LoadShape::kCliLoad);
  return {};
}

Result<void> run_ingest(Context& context, const LoadArguments& arguments) {
  warn("`omnigraph ingest` is deprecated; use `omnigraph load`");
  OG_ASSIGN_OR_RETURN(const InputFile file, InputFile::open(arguments.data));
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, access_of(arguments, "ingest", "ingest --mode overwrite")));
  engine::LoadRequest request = request_of(context, target, arguments);
  request.parser = engine::LoadParser::kPermissive;
  engine::LoadAnswer answer;
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(const std::string data, file.read_all());
    OG_ASSIGN_OR_RETURN(answer, target.remote->ingest(data, request));
  } else {
    OG_ASSIGN_OR_RETURN(answer, load_into(target, file, std::move(request), context.flags.quiet));
  }
  print_answer(answer, target.uri, arguments.json, api::LoadShape::kCliIngest);
  return {};
}

void add_arguments(Command& command, LoadArguments& arguments) {
  command.own_uri(arguments.uri);
  command.text("--data", arguments.data, "NDJSON file, also compressed by gzip or zstd; - is standard input")
      .required()
      .non_empty()
      .completes(Values::kFile);
  command.text("--branch", arguments.branch, "Branch to change (default main)").non_empty().completes(Values::kBranch);
  command.text("--from", arguments.from, "Create a missing branch from this one")
      .completes(Values::kBranch)
      .shows_default();
  command.json(arguments.json);
}

const std::vector<std::string> kModes{"overwrite", "append", "merge"};

}  // namespace

void add_load_commands(CLI::App& app, Context& context, Run& run) {
  Command root(app);
  Command load = root.command("load", "Load NDJSON records as one commit");
  load.examples(
      "omnigraph load --data fleet.jsonl --mode merge fleet.omni\n"
      "zcat fleet.jsonl.gz | omnigraph load --data - --mode append --branch import --from main fleet.omni");
  auto loaded = std::make_shared<LoadArguments>();
  add_arguments(load, *loaded);
  load.text("--mode", loaded->mode, "How records meet what is there").required().one_of(kModes);
  const Option rejects = load.text("--rejects", loaded->rejects, "Load without bad records, which go to this file")
                             .non_empty()
                             .completes(Values::kFile);
  load.number("--max-rejects", loaded->max_rejects, "Refuse the load if more are bad (default 1000)").needs(rejects);
  when_chosen(load, run, [&context, loaded] { return run_load(context, *loaded); });

  Command ingest = root.command("ingest", "Load records as older scripts wrote them; use load");
  ingest.hidden().examples("omnigraph ingest --data fleet.jsonl fleet.omni");
  auto ingested = std::make_shared<LoadArguments>();
  ingested->from = "main";
  ingested->mode = "merge";
  add_arguments(ingest, *ingested);
  ingest.text("--mode", ingested->mode, "How records meet what is there").one_of(kModes).shows_default();
  when_chosen(ingest, run, [&context, ingested] { return run_ingest(context, *ingested); });
}

}  // namespace omnigraph::cli
