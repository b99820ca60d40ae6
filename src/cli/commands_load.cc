// load, ingest.

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "api/answers.h"
#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/when_chosen.h"

namespace omnigraph::cli {

namespace {

struct LoadArguments {
  std::string uri, data, mode, branch = "main", from;
  bool json = false;
};

std::string load_text(const engine::LoadAnswer& answer, const std::string& uri) {
  return "loaded " + uri + " on branch " + answer.branch + " with " + std::string(engine::load_mode_name(answer.mode)) +
         ": " + std::to_string(answer.total_entities) + " entities across " + std::to_string(answer.nodes.size()) +
         " node types and " + std::to_string(answer.edges.size()) + " edge types\n";
}

// A line on a terminal that says how far a long load is.
std::function<void(std::uint64_t, std::uint64_t)> progress_line(const Context& context) {
  if (context.flags.quiet || isatty(STDERR_FILENO) == 0) return {};
  return
      [started = system_clock().now_us(), last = std::int64_t{0}](std::uint64_t bytes, std::uint64_t records) mutable {
        constexpr std::int64_t kFirstUs = 2'000'000, kEveryUs = 200'000;
        const std::int64_t now = system_clock().now_us();
        if (now - started < kFirstUs || now - last < kEveryUs) return;
        last = now;
        std::fprintf(stderr, "\rload  %.1f MB  %llu records  %.0f rows/s ", static_cast<double>(bytes) / 1e6,
                     static_cast<unsigned long long>(records),
                     static_cast<double>(records) * 1e6 / static_cast<double>(now - started));
      };
}

engine::LoadRequest request_of(const Context& context, const LoadArguments& arguments) {
  engine::LoadRequest request;
  request.mode = *engine::load_mode_of(arguments.mode);
  request.branch = arguments.branch;
  if (!arguments.from.empty()) request.from = arguments.from;
  request.actor = context.actor();
  return request;
}

DataAccess access_of(const LoadArguments& arguments, std::string_view label, std::string_view overwrite_label) {
  DataAccess access{.label = label, .writes = true, .echoes = true, .json = arguments.json};
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

Result<void> run_load(Context& context, const LoadArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const InputFile file, InputFile::open(arguments.data));
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, access_of(arguments, "load", "load --mode overwrite")));
  engine::LoadRequest request = request_of(context, arguments);
  request.progress = progress_line(context);
  const engine::ByteSource source = [&](std::span<std::byte> out) { return file.read(out); };
  OG_ASSIGN_OR_RETURN(const auto answer,
                      target.remote ? target.remote->load(source, request) : target.graph->load(source, request));
  print_answer(answer, target.uri, arguments.json, api::LoadShape::kCliLoad);
  return {};
}

Result<void> run_ingest(Context& context, const LoadArguments& arguments) {
  warn("`omnigraph ingest` is deprecated; use `omnigraph load`");
  OG_ASSIGN_OR_RETURN(const InputFile file, InputFile::open(arguments.data));
  OG_ASSIGN_OR_RETURN(const DataTarget target,
                      context.open_data(arguments.uri, access_of(arguments, "ingest", "ingest --mode overwrite")));
  engine::LoadRequest request = request_of(context, arguments);
  request.parser = engine::LoadParser::kPermissive;
  engine::LoadAnswer answer;
  if (target.remote) {
    OG_ASSIGN_OR_RETURN(const std::string data, file.read_all());
    OG_ASSIGN_OR_RETURN(answer, target.remote->ingest(data, request));
  } else {
    OG_ASSIGN_OR_RETURN(answer, target.graph->load([&](std::span<std::byte> out) { return file.read(out); }, request));
  }
  print_answer(answer, target.uri, arguments.json, api::LoadShape::kCliIngest);
  return {};
}

void add_arguments(CLI::App& command, LoadArguments& arguments) {
  command.add_option("URI,--uri", arguments.uri, "The graph")->check(non_empty());
  command.add_option("--data", arguments.data, "NDJSON file, or - for standard input")->required();
  command.add_option("--branch", arguments.branch, "Branch to change")->capture_default_str();
  command.add_option("--from", arguments.from, "Create a missing branch from this one")->capture_default_str();
  command.add_flag("--json", arguments.json, "Print JSON");
}

using LoadRun = Result<void> (*)(Context&, const LoadArguments&);

void set_callback(CLI::App& command, Context& context, Run& run, const std::shared_ptr<LoadArguments>& arguments,
                  LoadRun body) {
  when_chosen(command, run, [&context, arguments, body] { return body(context, *arguments); });
}

}  // namespace

void add_load_commands(CLI::App& app, Context& context, Run& run) {
  const auto modes = CLI::IsMember({"overwrite", "append", "merge"});
  auto* load = app.add_subcommand("load", "Load NDJSON records as one commit");
  load->footer("EXAMPLE\n  omnigraph load --data fleet.jsonl --mode merge fleet.omni\n");
  auto loaded = std::make_shared<LoadArguments>();
  add_arguments(*load, *loaded);
  load->add_option("--mode", loaded->mode, "How records meet what is there")->required()->check(modes);
  set_callback(*load, context, run, loaded, run_load);
  auto* ingest = app.add_subcommand("ingest", "Load records as older scripts wrote them; use load")->group("");
  auto ingested = std::make_shared<LoadArguments>();
  ingested->from = "main";
  ingested->mode = "merge";
  add_arguments(*ingest, *ingested);
  ingest->add_option("--mode", ingested->mode, "How records meet what is there")->check(modes)->capture_default_str();
  set_callback(*ingest, context, run, ingested, run_ingest);
}

}  // namespace omnigraph::cli
