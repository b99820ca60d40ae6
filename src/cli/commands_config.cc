// config migrate.

#include <filesystem>

#include "base/file.h"
#include "cli/command.h"
#include "cli/project_migration.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

Result<void> write_missing(const fs::path& path, const std::string& text) {
  std::error_code failed;
  if (fs::exists(path, failed)) {
    std::fprintf(stderr, "kept %s: it is there already\n", path.c_str());
    return {};
  }
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), failed);
  OG_RETURN_IF_ERROR(base::write_new_file_durably(path, std::as_bytes(std::span(text))));
  std::fprintf(stderr, "wrote %s\n", path.c_str());
  return {};
}

Result<void> run_migrate(Context& context, bool write) {
  OG_ASSIGN_OR_RETURN(const ProjectFile* project, context.project());
  if (project == nullptr) {
    return std::unexpected(bad_request(
        "there is no project file: neither --config nor OMNIGRAPH_CONFIG names one, and ./omnigraph.yaml is missing"));
  }
  const MigratedFiles files = migrate_project(*project);
  const fs::path cluster = project->path.parent_path() / "cluster.yaml";
  const fs::path operators = operator_home() / "config.yaml";
  if (!files.cluster.empty()) print("# " + cluster.string() + "\n" + files.cluster + "\n");
  print("# " + operators.string() + "\n" + files.operators);
  if (!write) return {};
  if (!files.cluster.empty()) OG_RETURN_IF_ERROR(write_missing(cluster, files.cluster));
  return write_missing(operators, files.operators);
}

}  // namespace

void add_config_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("config", "Leave the project file of older set-ups behind");
  group.examples("omnigraph config migrate");
  Command migrate =
      group.command("migrate", "Print what replaces omnigraph.yaml: cluster.yaml and the operator config");
  migrate.examples("omnigraph config migrate\nomnigraph config migrate --write");
  auto write = std::make_shared<bool>(false);
  migrate.flag("--write", *write, "Create the files that are missing; none is overwritten");
  when_chosen(migrate, run, [&context, write] { return run_migrate(context, *write); });
}

}  // namespace omnigraph::cli
