// Datasets of every column type, nulls and size, written as the engine writes them, for the reference reader to judge.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace omnigraph::lance {

// DIR/<plain|packed>/<type>_<nulls>_<rows>.lance, one nullable column `c` each. DIR is created.
[[nodiscard]] Result<void> write_samples(const std::filesystem::path& folder);

}  // namespace omnigraph::lance
