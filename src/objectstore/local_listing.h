// Walks the folders of a local store in key order.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

// ObjectStore::list over the files below `root`. Visits only folders that can hold an answer. What vanishes during
// the walk is left out.
[[nodiscard]] Result<Listing> list_local(const std::filesystem::path& root, std::string_view prefix,
                                         const ListOptions& options);

// Files that interrupted puts left below `folder`, last modified before `before_us`; none where there is no folder.
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_local_temporaries(const std::filesystem::path& folder,
                                                                                std::int64_t before_us);
// ObjectStore::remove_temporaries.
[[nodiscard]] Result<std::uint64_t> remove_local_temporaries(const std::filesystem::path& folder,
                                                             std::int64_t before_us);

}  // namespace omnigraph::objectstore
