// Normal form of external blob bases (chapter 06 section 3).

#include <filesystem>

#include "base/text.h"
#include "cluster/digest.h"

namespace omnigraph::cluster {

namespace {

constexpr std::size_t kBaseBytesMax = 65'536;

// Percent-decodes one path component and encodes it again; empty `problem` means fine.
std::string normal_component(std::string_view component, std::string& problem) {
  const auto decoded = base::percent_decode(component);
  if (!decoded) {
    problem = "has a bad percent escape";
    return {};
  }
  if (decoded->empty() || *decoded == "." || *decoded == "..") problem = "has an empty, `.` or `..` component";
  if (component.find('%') != std::string_view::npos &&
      decoded->find_first_of(std::string_view("/\\%\0", 4)) != std::string::npos) {
    problem = "encodes `/`, `\\`, `%` or NUL";
  }
  return base::percent_encode(*decoded);
}

}  // namespace

std::optional<std::string> normalize_blob_base(const std::string& base, const std::string& scope,
                                               std::string& problem) {
  problem.clear();
  if (base.size() > kBaseBytesMax) problem = "is longer than 65536 bytes";
  if (base::trim_unicode(base).size() != base.size() || base.empty()) problem = "is empty or has surrounding blanks";
  if (base.find('\\') != std::string::npos) problem = "has a backslash";
  if (base.find('?') != std::string::npos || base.find('#') != std::string::npos) problem = "has a query or fragment";
  const std::size_t colon = base.find("://");
  if (problem.empty() && colon == std::string::npos) problem = "is not an absolute hierarchical URI";
  if (!problem.empty()) return std::nullopt;
  const std::string scheme = base::to_lower_ascii(base.substr(0, colon));
  std::string_view rest = std::string_view(base).substr(colon + 3);
  const std::size_t slash = rest.find('/');
  const std::string authority = base::to_lower_ascii(rest.substr(0, slash));
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (scheme != "s3" && scheme != "file") problem = "must be s3:// or file://";
  if (scheme == "file" && scope == "server_safe") problem = "is a file:// base, which must be embedded_only";
  if (scheme == "file" && !authority.empty()) problem = "names a host in a file:// URI";
  if (scheme == "s3" && authority.empty()) problem = "names no bucket";
  if (authority.find_first_of("@:") != std::string::npos) problem = "has user-info or a port";
  std::string normal = scheme + "://" + authority + "/";
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string path = "/";
  while (problem.empty() && !rest.empty()) {
    const std::size_t at = rest.find('/');
    const std::string component = normal_component(rest.substr(0, at), problem);
    normal += component + "/";
    path += base::percent_decode(component).value_or("") + "/";
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  }
  std::error_code failed;
  if (problem.empty() && scheme == "file" && !std::filesystem::is_directory(path, failed)) {
    problem = "does not name an existing directory";
  }
  if (!problem.empty()) return std::nullopt;
  return normal;
}

std::string blob_base_place(const std::string& uri) {
  constexpr std::string_view kFile = "file://";
  if (!uri.starts_with(kFile)) return uri;
  std::error_code failed;
  const auto path = std::filesystem::canonical(base::percent_decode(uri.substr(kFile.size())).value_or(""), failed);
  return failed ? uri : std::string(kFile).append(path.string()).append(path.has_relative_path() ? "/" : "");
}

}  // namespace omnigraph::cluster
