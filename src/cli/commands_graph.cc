// init, load, export, snapshot, schema show, branch.

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "api/answers.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/commands_schema.h"
#include "engine/storage_uri.h"

namespace omnigraph::cli {

namespace {


std::string compact_json(const std::function<void(base::JsonWriter&)>& write) {
  std::string text;
  base::JsonWriter json(text);
  write(json);
  return text;
}

struct InitArguments {
  std::string uri, schema;
  bool force = false;
};

Result<void> run_init(Context& context, const InitArguments& arguments) {
  if (!context.flags.store.empty()) {
    return std::unexpected(bad_request("`init` is a direct (storage-native) command; --store addresses a single graph's "
                                       "storage directly and does not apply. Pass a storage URI."));
  }
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const std::string schema, base::read_file(arguments.schema));
  if (inside_cluster(arguments.uri)) {
    return std::unexpected(bad_request("'" + arguments.uri + "' lies inside a cluster, which creates its graphs itself; "
                                       "declare it in cluster.yaml and run `omnigraph cluster apply`"));
  }
  OG_RETURN_IF_ERROR(engine::Graph::init(arguments.uri, schema, context.actor()));
  print("initialized " + arguments.uri + "\n");
  return {};
}

void add_init(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("init", "Create a graph from a schema");
  command->footer("EXAMPLE\n  omnigraph init --schema fleet.pg fleet.omni\n");
  auto arguments = std::make_shared<InitArguments>();
  command->add_option("URI", arguments->uri, "Where the graph goes")->required();
  command->add_option("--schema", arguments->schema, "The .pg file")->required();
  command->add_flag("--force", arguments->force, "Proceed where only leftovers of an unfinished init are");
  command->callback([&context, &run, arguments] {
    run = [&context, arguments]() -> int {
      const auto done = run_init(context, *arguments);
      return done ? kExitOk : report(done.error());
    };
  });
}

// A file descriptor as a load's input; standard input for `-`.
class FileSource {
 public:
  static Result<FileSource> open(const std::string& path) {
    if (path == "-") return FileSource(STDIN_FILENO, path, false);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(base::io_error("read", path, errno));
    return FileSource(fd, path, true);
  }
  ~FileSource() {
    if (owned_) ::close(fd_);
  }
  FileSource(FileSource&& other) noexcept : fd_(other.fd_), path_(std::move(other.path_)), owned_(other.owned_) {
    other.owned_ = false;
  }
  FileSource& operator=(FileSource&&) = delete;

  Result<std::size_t> read(std::span<std::byte> out) const {
    for (;;) {
      const ssize_t got = ::read(fd_, out.data(), out.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return std::unexpected(base::io_error("read", path_, errno));
    }
  }

 private:
  FileSource(int fd, std::string path, bool owned) : fd_(fd), path_(std::move(path)), owned_(owned) {}
  int fd_;
  std::string path_;
  bool owned_;
};

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
  return [started = system_clock().now_us(), last = std::int64_t{0}](std::uint64_t bytes, std::uint64_t records) mutable {
    constexpr std::int64_t kFirstUs = 2'000'000, kEveryUs = 200'000;
    const std::int64_t now = system_clock().now_us();
    if (now - started < kFirstUs || now - last < kEveryUs) return;
    last = now;
    std::fprintf(stderr, "\rload  %.1f MB  %llu records  %.0f rows/s ", static_cast<double>(bytes) / 1e6,
                 static_cast<unsigned long long>(records),
                 static_cast<double>(records) * 1e6 / static_cast<double>(now - started));
  };
}

Result<void> run_load(Context& context, const LoadArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const FileSource file, FileSource::open(arguments.data));
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const std::string uri, context.graph_uri(arguments.uri));
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri, "load"));
  engine::LoadRequest request;
  request.mode = *engine::load_mode_of(arguments.mode);
  request.branch = arguments.branch;
  if (!arguments.from.empty()) request.from = arguments.from;
  request.actor = context.actor();
  request.progress = progress_line(context);
  OG_ASSIGN_OR_RETURN(const auto answer,
                      graph->load([&](std::span<std::byte> out) { return file.read(out); }, request));
  if (arguments.json) {
    print_json(compact_json([&](base::JsonWriter& json) {
      api::write_load_answer(json, answer, uri, api::LoadShape::kCliLoad);
    }));
  } else {
    print(load_text(answer, uri));
  }
  return {};
}

void add_load(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("load", "Load NDJSON records as one commit");
  command->footer("EXAMPLE\n  omnigraph load --data fleet.jsonl --mode merge fleet.omni\n");
  auto arguments = std::make_shared<LoadArguments>();
  command->add_option("URI", arguments->uri, "The graph");
  command->add_option("--data", arguments->data, "NDJSON file, or - for standard input")->required();
  command->add_option("--mode", arguments->mode, "How records meet what is there")
      ->required()
      ->check(CLI::IsMember({"overwrite", "append", "merge"}));
  command->add_option("--branch", arguments->branch, "Branch to change")->capture_default_str();
  command->add_option("--from", arguments->from, "Create a missing branch from this one");
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([&context, &run, arguments] {
    run = [&context, arguments]() -> int {
      const auto done = run_load(context, *arguments);
      return done ? kExitOk : report(done.error());
    };
  });
}

struct BranchArguments {
  std::string uri, branch = "main";
  bool json = false;
};

void add_uri_branch(CLI::App& command, BranchArguments& arguments, bool with_json) {
  command.add_option("URI,--uri", arguments.uri, "The graph");
  command.add_option("--branch", arguments.branch, "Branch to read")->capture_default_str();
  if (with_json) command.add_flag("--json", arguments.json, "Print JSON");
}

struct ExportArguments : BranchArguments {
  std::vector<std::string> types;
};

Result<void> run_export(Context& context, const ExportArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri));
  return graph->export_rows(arguments.branch, arguments.types, [](std::string_view piece) -> Result<void> {
    print(piece);
    return {};
  });
}

void add_export(CLI::App& app, Context& context, Run& run) {
  auto* command = app.add_subcommand("export", "Write a branch as NDJSON that `load` reads back");
  command->footer("EXAMPLE\n  omnigraph export fleet.omni --type Ship > ships.jsonl\n");
  auto arguments = std::make_shared<ExportArguments>();
  add_uri_branch(*command, *arguments, false);
  command->add_option("--type", arguments->types, "Only this type; repeatable")->allow_extra_args(false);
  command->add_flag_callback("--jsonl", [] { warn("--jsonl has no effect: exports are always NDJSON"); }, "")->group("");
  command->callback([&context, &run, arguments] {
    run = [&context, arguments]() -> int {
      const auto done = run_export(context, *arguments);
      return done ? kExitOk : report(done.error());
    };
  });
}

std::string snapshot_text(const engine::SnapshotInfo& snapshot) {
  std::string out = "graph_branch: " + snapshot.graph_branch + "\n";
  out += "graph_manifest_version: " + std::to_string(snapshot.graph_manifest_version) + "\n";
  out += "internal_schema_version: " + std::to_string(snapshot.internal_schema_version) + "\n";
  for (const auto& dataset : snapshot.datasets) {
    out += dataset.entity_kind + " type '" + dataset.type_name + "' published_dataset_version=" +
           std::to_string(dataset.published_dataset_version) + " entities=" + std::to_string(dataset.entity_count) + "\n";
  }
  return out;
}

Result<void> run_snapshot(Context& context, const BranchArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri));
  OG_ASSIGN_OR_RETURN(const auto snapshot, graph->snapshot(arguments.branch));
  if (arguments.json) {
    print_json(compact_json([&](base::JsonWriter& json) { api::write_snapshot(json, snapshot); }));
  } else {
    print(snapshot_text(snapshot));
  }
  return {};
}

Result<void> run_schema_show(Context& context, const BranchArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(arguments.uri));
  OG_ASSIGN_OR_RETURN(const std::string source, graph->schema_source(arguments.branch));
  if (arguments.json) {
    print_json(compact_json([&](base::JsonWriter& json) {
      json.begin_object().key("schema_source").string(source).end_object();
    }));
  } else {
    print(source + "\n");
  }
  return {};
}

using BranchRun = Result<void> (*)(Context&, const BranchArguments&);

void add_reader(CLI::App* command, Context& context, Run& run, BranchRun body) {
  auto arguments = std::make_shared<BranchArguments>();
  add_uri_branch(*command, *arguments, true);
  command->callback([&context, &run, arguments, body] {
    run = [&context, arguments, body]() -> int {
      const auto done = body(context, *arguments);
      return done ? kExitOk : report(done.error());
    };
  });
}

struct BranchEdit {
  std::string uri, name, from = "main";
  bool json = false;
};

Result<void> run_branch_create(Context& context, const BranchEdit& edit) {
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const std::string uri, context.graph_uri(edit.uri));
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(edit.uri, "branch create"));
  OG_RETURN_IF_ERROR(graph->create_branch(edit.name, edit.from));
  if (!edit.json) {
    print("created branch " + edit.name + " from " + edit.from + "\n");
    return {};
  }
  print_json(compact_json([&](base::JsonWriter& json) {
    const auto actor = context.actor();
    json.begin_object().key("uri").string(uri).key("from").string(edit.from).key("name").string(edit.name);
    json.key("actor_id").string_or_null(actor.value_or(""), actor.has_value()).end_object();
  }));
  return {};
}

Result<void> run_branch_delete(Context& context, const BranchEdit& edit) {
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const std::string uri, context.graph_uri(edit.uri));
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(edit.uri, "branch delete"));
  OG_RETURN_IF_ERROR(graph->delete_branch(edit.name));
  if (!edit.json) {
    print("deleted branch " + edit.name + "\n");
    return {};
  }
  print_json(compact_json([&](base::JsonWriter& json) {
    const auto actor = context.actor();
    json.begin_object().key("uri").string(uri).key("name").string(edit.name);
    json.key("actor_id").string_or_null(actor.value_or(""), actor.has_value()).end_object();
  }));
  return {};
}

Result<void> run_branch_list(Context& context, const BranchEdit& edit) {
  OG_ASSIGN_OR_RETURN(const auto graph, context.open_graph(edit.uri));
  OG_ASSIGN_OR_RETURN(const auto branches, graph->branches());
  if (!edit.json) {
    for (const std::string& branch : branches) print(branch + "\n");
    return {};
  }
  print_json(compact_json([&](base::JsonWriter& json) {
    json.begin_object().key("branches").begin_array();
    for (const std::string& branch : branches) json.string(branch);
    json.end_array().end_object();
  }));
  return {};
}

void add_branch(CLI::App& app, Context& context, Run& run) {
  auto* group = app.add_subcommand("branch", "Create, list and delete branches");
  group->require_subcommand(0, 1);
  group->fallthrough();
  const auto add = [&](const char* name, const char* help, bool named, bool from, Result<void> (*body)(Context&, const BranchEdit&)) {
    auto* command = group->add_subcommand(name, help);
    auto edit = std::make_shared<BranchEdit>();
    if (named) command->add_option("NAME", edit->name, "The branch")->required();
    command->add_option("--uri", edit->uri, "The graph");
    if (from) command->add_option("--from", edit->from, "Branch whose head it starts from")->capture_default_str();
    command->add_flag("--json", edit->json, "Print JSON");
    command->callback([&context, &run, edit, body] {
      run = [&context, edit, body]() -> int {
        const auto done = body(context, *edit);
        return done ? kExitOk : report(done.error());
      };
    });
  };
  add("create", "Create a branch from another's head", true, true, run_branch_create);
  add("list", "List the branches", false, false, run_branch_list);
  add("delete", "Delete a branch; what was made from it lives on", true, false, run_branch_delete);
}

}  // namespace

void add_graph_commands(CLI::App& app, Context& context, Run& run) {
  add_init(app, context, run);
  add_load(app, context, run);
  add_export(app, context, run);
  add_reader(app.add_subcommand("snapshot", "Show a branch's types, versions and entity counts"), context, run, run_snapshot);
  auto* schema = app.add_subcommand("schema", "Show, plan and apply schemas");
  schema->require_subcommand(0, 1);
  schema->fallthrough();
  add_reader(schema->add_subcommand("show", "Print the accepted schema as it was written")->alias("get"), context, run,
             run_schema_show);
  add_schema_changes(*schema, context, run);
  add_branch(app, context, run);
}

}  // namespace omnigraph::cli
