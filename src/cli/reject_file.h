// What `load --rejects FILE` makes of records that were put aside: FILE, one {"line","message","text"} a line, and a
// summary on stderr (chapter 13 section 2). FILE is there after every load that asked for it, readable by its owner
// alone, and empty if nothing was rejected; after one that was refused for too many it holds those found until then,
// but is empty where a server refused, which does not tell them. Thread safety: none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/load_rejects.h"

namespace omnigraph::cli {

// Before anything is opened: FILE must not be the data, nor a folder, and its folder must take a file.
[[nodiscard]] Result<void> check_reject_file(const std::string& file, const std::string& data);
// FILE's text for these records.
[[nodiscard]] std::string reject_lines(const std::vector<engine::RejectedRecord>& rejected);
// Replaces FILE. Errors: kIoError.
[[nodiscard]] Result<void> write_reject_file(const std::string& file,
                                             const std::vector<engine::RejectedRecord>& rejected);
// How many, the first ten with their text, and how many of each kind, without a line end; empty
// when there are none.
[[nodiscard]] std::string reject_summary(const std::string& file, const std::vector<engine::RejectedRecord>& rejected);

}  // namespace omnigraph::cli
