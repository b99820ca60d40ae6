// What `load --rejects FILE` makes of records that were put aside: FILE, one {"line","message","text"} a line, and a
// summary on stderr (chapter 13 section 2). FILE is there after every load that asked for it, empty if nothing was
// rejected, and also after one that was refused for too many. Thread safety: none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/load_rejects.h"

namespace omnigraph::cli {

// Before anything is loaded: FILE must not be the data, nor a folder, and its folder must take a file.
[[nodiscard]] Result<void> check_reject_file(const std::string& file, const std::string& data);
// Replaces FILE. Errors: kIoError.
[[nodiscard]] Result<void> write_reject_file(const std::string& file,
                                             const std::vector<engine::RejectedRecord>& rejected);
// How many, the first ten with their text, and how many of each kind, without a line end; empty
// when there are none.
[[nodiscard]] std::string reject_summary(const std::string& file, const std::vector<engine::RejectedRecord>& rejected);
// A message without its place and the value at fault, so that equal mistakes count together.
[[nodiscard]] std::string kind_of_reject(const std::string& message);

}  // namespace omnigraph::cli
