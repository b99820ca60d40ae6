// Graph addresses: a local path, `file://` URI or `s3://` URI to an object store.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {

// The local path a URI names (`~` is not expanded); nullopt for other schemes. A trailing '/' is dropped.
[[nodiscard]] std::optional<std::filesystem::path> local_path_of(std::string_view uri);

enum class OpenMode { kExisting, kCreate };

// kExisting: a missing folder is kNotFound `no graph at '<uri>'`. kCreate makes it, parents included. `s3://` sends
// nothing yet; its settings are the AWS_* variables (objectstore/s3_config.h).
// Other schemes, and settings that cannot be used, are kBadRequest.
[[nodiscard]] Result<std::shared_ptr<objectstore::ObjectStore>> open_store(const std::string& uri, OpenMode mode);

}  // namespace omnigraph::engine
