// demo: the example cluster in a folder of its own, applied and loaded.

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "cli/command.h"
#include "cli/demo_files.h"
#include "cli/input_file.h"
#include "cluster/verbs.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kDemoGraph = "graphs/festival.omni";
constexpr const char* kDemoData = "data.jsonl";

struct DemoArguments {
  std::string folder;
  bool json = false;
};

// Removes the folder's content again unless all went well. REQUIRES: it was empty or not there.
class NewFolder {
 public:
  explicit NewFolder(fs::path folder) : folder_(std::move(folder)), existed_(fs::exists(folder_)) {}
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    if (kept_) return;
    std::error_code failed;
    if (!existed_) {
      fs::remove_all(folder_, failed);
      return;
    }
    for (fs::directory_iterator at(folder_, failed), end; !failed && at != end; at.increment(failed)) {
      std::error_code ignored;
      fs::remove_all(at->path(), ignored);
    }
  }
  void keep() { kept_ = true; }

 private:
  const fs::path folder_;
  const bool existed_;
  bool kept_ = false;
};

Result<void> check_empty(const fs::path& folder) {
  std::error_code failed;
  const fs::file_status status = fs::status(folder, failed);
  if (status.type() == fs::file_type::not_found) return {};
  if (failed) return std::unexpected(base::io_error("look at", folder, failed.value()));
  if (!fs::is_directory(status)) return std::unexpected(bad_request("'" + folder.string() + "' is no folder"));
  const bool empty = fs::is_empty(folder, failed);
  if (failed) return std::unexpected(base::io_error("look into", folder, failed.value()));
  if (empty) return {};
  return std::unexpected(bad_request("'" + folder.string() + "' is not empty; name a folder that is not there yet"));
}

Result<void> write_demo_files(const fs::path& folder) {
  for (const base::EmbeddedFile& file : demo_files()) {
    const fs::path path = folder / file.name;
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    if (failed) return std::unexpected(base::io_error("create", path.parent_path(), failed.value()));
    OG_RETURN_IF_ERROR(base::write_new_file(path, std::as_bytes(std::span(file.content))));
  }
  return {};
}

Result<void> without_errors(const cluster::Diagnostics& diagnostics) {
  const auto found = std::ranges::find(diagnostics, cluster::Severity::kError, &cluster::Diagnostic::severity);
  if (found == diagnostics.end()) return {};
  return std::unexpected(bad_request(found->code + ": " + found->path + ": " + found->message));
}

Result<engine::LoadAnswer> load_demo(const fs::path& folder) {
  OG_ASSIGN_OR_RETURN(const auto graph, engine::Graph::open((folder / kDemoGraph).string()));
  OG_ASSIGN_OR_RETURN(const InputFile records, InputFile::open((folder / kDemoData).string()));
  return graph->load([&](std::span<std::byte> out) { return records.read(out); }, engine::LoadRequest());
}

// As a shell takes it for one word.
std::string in_quotes(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+,:@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out("'");
  for (const char c : word) out.append(c == '\'' ? "'\\''" : std::string(1, c));
  return out.append("'");
}

std::vector<std::string> next_commands(const fs::path& folder) {
  const std::string graph = in_quotes((folder / kDemoGraph).string());
  return {"omnigraph query --store " + graph + " --query " + in_quotes((folder / "queries/programme.gq").string()) +
              " programme",
          "omnigraph branch create draft --uri " + graph,
          "omnigraph-server --cluster " + in_quotes(folder.string()) + " --unauthenticated"};
}

Result<void> run_demo(const DemoArguments& arguments) {
  const fs::path folder = arguments.folder;
  OG_RETURN_IF_ERROR(check_empty(folder));
  NewFolder made(folder);
  OG_RETURN_IF_ERROR(write_demo_files(folder));
  OG_RETURN_IF_ERROR(without_errors(cluster::import_state(folder).diagnostics));
  OG_RETURN_IF_ERROR(without_errors(cluster::apply(folder, {}).diagnostics));
  OG_ASSIGN_OR_RETURN(const engine::LoadAnswer loaded, load_demo(folder));
  made.keep();
  const std::vector<std::string> next = next_commands(folder);
  if (arguments.json) {
    std::string compact;
    base::JsonWriter json(compact);
    json.begin_object().key("folder").string(folder.string()).key("graph").string((folder / kDemoGraph).string());
    json.key("total_entities").unsigned_integer(loaded.total_entities).key("next").begin_array();
    for (const std::string& command : next) json.string(command);
    json.end_array().end_object();
    print_json(compact);
    return {};
  }
  std::string text = "a film festival lies in " + folder.string() + ", applied and loaded: ";
  text.append(std::to_string(loaded.total_entities)).append(" entities. Go on with\n");
  for (const std::string& command : next) text.append("  ").append(command).append("\n");
  print(text);
  return {};
}

}  // namespace

void add_demo_command(CLI::App& app, Run& run) {
  Command command = Command(app).command("demo", "Make an example cluster with data to try things on");
  command.examples("omnigraph demo festival");
  auto arguments = std::make_shared<DemoArguments>();
  command.text("DIR", arguments->folder, "A folder that is not there yet, or empty")
      .required()
      .non_empty()
      .completes(Values::kFile);
  command.json(arguments->json);
  when_chosen(command, run, [arguments] { return run_demo(*arguments); });
}

}  // namespace omnigraph::cli
