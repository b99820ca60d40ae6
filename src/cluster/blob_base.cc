// Normal form of external blob bases (chapter 06 section 3).

#include <filesystem>

#include "base/text.h"
#include "cluster/digest.h"
#include "objectstore/blob_uri.h"

namespace omnigraph::cluster {

std::optional<std::string> normalize_blob_base(const std::string& base, const std::string& scope,
                                               std::string& problem) {
  const auto uri = objectstore::parse_blob_uri(base, objectstore::BlobUriKind::kBase);
  problem = uri ? "" : uri.error().message;
  if (!uri) return std::nullopt;
  if (uri->scheme == "file") {
    std::error_code failed;
    const std::string path = std::string("/").append(uri->key());
    if (!std::filesystem::is_directory(path, failed)) problem = "does not name an existing directory";
    if (scope == "server_safe") problem = "is a file:// base, which must be embedded_only";
  }
  if (!problem.empty()) return std::nullopt;
  return uri->text().append("/");
}

std::string blob_base_place(const std::string& uri) {
  constexpr std::string_view kFile = "file://";
  if (!uri.starts_with(kFile)) return uri;
  std::error_code failed;
  const auto path = std::filesystem::canonical(base::percent_decode(uri.substr(kFile.size())).value_or(""), failed);
  return failed ? uri : std::string(kFile).append(path.string()).append(path.has_relative_path() ? "/" : "");
}

}  // namespace omnigraph::cluster
