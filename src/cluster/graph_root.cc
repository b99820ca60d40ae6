#include "cluster/graph_root.h"

#include "base/file.h"
#include "base/hash.h"
#include "engine/open_once.h"
#include "graph/parallel_io.h"

namespace omnigraph::cluster {

namespace {

namespace fs = std::filesystem;

std::string prefix_of(const std::string& graph_id) { return "graphs/" + graph_id + ".omni/"; }

std::optional<fs::path> folder_of(const StorageRoot& root, const std::string& graph_id) {
  const auto base = root.store().local_root();
  if (!base) return std::nullopt;
  return *base / "graphs" / (graph_id + ".omni");
}

// The folder with all it holds, names no listing shows included. A link loses what it leads to, then itself.
Result<void> remove_folder(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    fs::remove_all(it->path(), failed);
    if (failed) return std::unexpected(base::io_error("remove", it->path(), failed.value()));
  }
  fs::remove(folder, failed);
  if (failed && failed != std::errc::no_such_file_or_directory) {
    return std::unexpected(base::io_error("remove", folder, failed.value()));
  }
  if (!fs::exists(folder.parent_path(), failed)) return {};
  return base::sync_folder(folder.parent_path());
}

}  // namespace

Result<std::optional<LiveSchema>> read_live_schema(const std::string& graph_uri) {
  auto graph = engine::open_once(graph_uri, "main");
  if (!graph) {
    if (graph.error().code == Code::kNotFound) return std::nullopt;
    return std::unexpected(std::move(graph).error());
  }
  OG_ASSIGN_OR_RETURN(const std::string source, (*graph)->schema_source("main"));
  OG_ASSIGN_OR_RETURN(const auto snapshot, (*graph)->snapshot("main"));
  return LiveSchema{base::sha256_hex(source), snapshot.graph_manifest_version};
}

Result<bool> graph_root_exists(const StorageRoot& root, const std::string& graph_id) {
  if (const auto folder = folder_of(root, graph_id)) {
    std::error_code failed;
    const auto type = fs::symlink_status(*folder, failed).type();
    if (type == fs::file_type::not_found) return false;
    if (type == fs::file_type::none) return std::unexpected(base::io_error("look at", *folder, failed.value()));
    return true;
  }
  OG_ASSIGN_OR_RETURN(const auto listing, root.store().list(prefix_of(graph_id), {.start_after = {}, .limit = 1}));
  return !listing.objects.empty();
}

Result<void> remove_graph_root(const StorageRoot& root, const std::string& graph_id) {
  const std::string prefix = prefix_of(graph_id);
  OG_RETURN_IF_ERROR(root.store().remove(prefix + "graph.json"));
  if (const auto folder = folder_of(root, graph_id)) return remove_folder(*folder);
  for (;;) {
    OG_ASSIGN_OR_RETURN(const auto listing, root.store().list(prefix));
    if (listing.objects.empty()) return {};
    OG_RETURN_IF_ERROR(graph::parallel_io(listing.objects.size(),
                                          [&](std::size_t i) { return root.store().remove(listing.objects[i].key); }));
  }
}

}  // namespace omnigraph::cluster
