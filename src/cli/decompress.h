// Undoes gzip and Zstandard compression while data is read forward. The form is recognized by its first bytes, which
// no JSON text begins with, so names and flags play no part. Sources: RFC 1952, RFC 8878.
// Errors: kBadRequest for damaged or truncated data; the source's own. Thread safety: none.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace omnigraph::cli {

// Fills `out` with the next bytes; 0 = end.
using ByteReader = std::function<Result<std::size_t>(std::span<std::byte> out)>;

// Reads `source` as it is, or what it holds if it is compressed; further members or frames follow seamlessly.
// `name`: for messages. Decides at the first read.
[[nodiscard]] ByteReader decompressed(ByteReader source, std::string name);

}  // namespace omnigraph::cli
