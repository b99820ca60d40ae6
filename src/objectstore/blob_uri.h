// URIs of objects outside of a graph, and of the bases they may lie below, in the form they are compared in (chapter 03
// section 4.1, chapter 06 section 3): `s3` and `file` alone, absolute, scheme and bucket in lower case, path components
// decoded. Thread safety: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::objectstore {

inline constexpr std::size_t kBlobUriBytesMax = 65'536;

struct BlobUri {
  std::string scheme;             // s3 file
  std::string authority;          // the bucket; empty for file
  std::vector<std::string> path;  // decoded, none of them empty, `.` or `..`

  // Unreserved bytes bare, the others as %XX.
  [[nodiscard]] std::string text() const;
  // The path, decoded, with '/' between its components: the object's key in the bucket.
  [[nodiscard]] std::string key() const;
  // Below and not the same.
  [[nodiscard]] bool is_below(const BlobUri& base) const;
};

// kBadRequest whose message says what is wrong with it: `has a backslash`. A '/' at the end is passed over for a base.
enum class BlobUriKind { kObject, kBase };
[[nodiscard]] Result<BlobUri> parse_blob_uri(std::string_view text, BlobUriKind kind);

// For messages: without user, password, query and fragment, which may be secrets.
[[nodiscard]] std::string redacted_blob_uri(std::string_view text);

}  // namespace omnigraph::objectstore
