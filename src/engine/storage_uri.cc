#include "engine/storage_uri.h"

#include "base/text.h"
#include "objectstore/s3_store.h"

namespace omnigraph::engine {

namespace fs = std::filesystem;

std::optional<fs::path> local_path_of(std::string_view uri) {
  constexpr std::string_view kFile = "file://";
  while (uri.size() > 1 && uri.ends_with('/')) uri.remove_suffix(1);
  if (uri.starts_with(kFile)) {
    const auto decoded = base::percent_decode(uri.substr(kFile.size()));
    if (!decoded) return std::nullopt;
    return fs::path(*decoded);
  }
  if (uri.find("://") != std::string_view::npos) return std::nullopt;
  return fs::path(uri);
}

Result<std::shared_ptr<objectstore::ObjectStore>> open_store(const std::string& uri, OpenMode mode) {
  if (base::trim_ascii(uri).empty()) return std::unexpected(bad_request("the graph URI is empty"));
  // Buckets have no folders to make or to miss: what is there shows with the first request.
  if (uri.starts_with("s3://")) return objectstore::open_s3_store(uri);
  const auto path = local_path_of(uri);
  if (!path) {
    return std::unexpected(
        bad_request("cannot open '" + uri + "': a graph is at a local path, a file:// or an s3:// URI"));
  }
  if (mode == OpenMode::kCreate) return objectstore::create_local_store(*path);
  std::error_code failed;
  const auto status = fs::status(*path, failed);
  if (status.type() == fs::file_type::not_found) return std::unexpected(not_found("no graph at '" + uri + "'"));
  if (status.type() != fs::file_type::directory && status.type() != fs::file_type::none) {
    return std::unexpected(bad_request("'" + uri + "' is not a folder, so it cannot hold a graph"));
  }
  return objectstore::open_local_store(*path);
}

}  // namespace omnigraph::engine
