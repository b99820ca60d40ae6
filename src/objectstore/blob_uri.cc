#include "objectstore/blob_uri.h"

#include <algorithm>

#include "base/text.h"

namespace omnigraph::objectstore {
namespace {

Result<std::string> decoded_component(std::string_view component) {
  auto decoded = base::percent_decode(component);
  if (!decoded) return std::unexpected(bad_request("has a bad percent escape"));
  if (decoded->empty() || *decoded == "." || *decoded == "..") {
    return std::unexpected(bad_request("has an empty, `.` or `..` component"));
  }
  if (component.find('%') != std::string_view::npos &&
      decoded->find_first_of(std::string_view("/\\%\0", 4)) != std::string::npos) {
    return std::unexpected(bad_request("encodes `/`, `\\`, `%` or NUL"));
  }
  return *std::move(decoded);
}

}  // namespace

Result<BlobUri> parse_blob_uri(std::string_view text, BlobUriKind kind) {
  const auto wrong = [](const char* problem) { return std::unexpected(bad_request(problem)); };
  if (text.find('?') != std::string_view::npos || text.find('#') != std::string_view::npos) {
    return wrong("has a query or fragment");
  }
  if (text.find('\\') != std::string_view::npos) return wrong("has a backslash");
  if (text.empty() || base::trim_unicode(text).size() != text.size()) return wrong("is empty or has surrounding blanks");
  if (text.size() > kBlobUriBytesMax) return wrong("is longer than 65536 bytes");
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return wrong("is not an absolute hierarchical URI");
  BlobUri uri{.scheme = base::to_lower_ascii(text.substr(0, colon)), .authority = {}, .path = {}};
  std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = rest.find('/');
  uri.authority = base::to_lower_ascii(rest.substr(0, slash));
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (uri.scheme != "s3" && uri.scheme != "file") return wrong("must be s3:// or file://");
  if (uri.authority.find_first_of("@:") != std::string::npos) return wrong("has user-info or a port");
  if (uri.scheme == "file" && !uri.authority.empty()) return wrong("names a host in a file:// URI");
  if (uri.scheme == "s3" && uri.authority.empty()) return wrong("names no bucket");
  if (kind == BlobUriKind::kBase) {
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.empty()) return uri;
  }
  for (bool more = true; more;) {
    const std::size_t at = rest.find('/');
    OG_ASSIGN_OR_RETURN(std::string component, decoded_component(rest.substr(0, at)));
    uri.path.push_back(std::move(component));
    more = at != std::string_view::npos;
    if (more) rest = rest.substr(at + 1);
  }
  return uri;
}

std::string BlobUri::text() const {
  std::string text = scheme;
  text.append("://").append(authority);
  for (const std::string& component : path) text.append("/").append(base::percent_encode(component));
  return text;
}

std::string BlobUri::key() const {
  std::string key;
  for (const std::string& component : path) key.append(key.empty() ? "" : "/").append(component);
  return key;
}

bool BlobUri::is_below(const BlobUri& base) const {
  return scheme == base.scheme && authority == base.authority && path.size() > base.path.size() &&
         std::equal(base.path.begin(), base.path.end(), path.begin());
}

std::string redacted_blob_uri(std::string_view text) {
  const std::string_view shown = text.substr(0, text.find_first_of("?#"));
  const std::size_t scheme = shown.find("://");
  if (scheme == std::string_view::npos) return std::string(shown);
  const std::size_t authority = scheme + 3;
  const std::size_t at = shown.substr(0, shown.find('/', authority)).rfind('@');
  if (at == std::string_view::npos || at < authority) return std::string(shown);
  return std::string(shown.substr(0, authority)).append(shown.substr(at + 1));
}

}  // namespace omnigraph::objectstore
