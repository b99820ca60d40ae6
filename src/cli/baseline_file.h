// The file a baseline is written to (chapter 05 section 5.7). Thread safety: free functions; processes that write the
// same file take turns.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace omnigraph::cli {

using RecordSink = std::function<Result<void>(std::string_view)>;

// Takes `FILE.lock`, lets `write` fill a temporary sibling, syncs it, renames it over the file, syncs the folder and
// makes sure that the file is still the one it put there. On failure, and when the process is interrupted, the file is
// what it was and nothing else is left. Errors: kIoError; those of `write`.
[[nodiscard]] Result<void> replace_baseline_file(const std::filesystem::path& path,
                                                 const std::function<Result<void>(const RecordSink&)>& write);

}  // namespace omnigraph::cli
