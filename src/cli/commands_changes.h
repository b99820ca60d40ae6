// commit changes: registered below the `commit` group by commands_history.cc.
#pragma once

#include "cli/command.h"

namespace omnigraph::cli {

void add_commit_changes(Command group, Context& context, Run& run);

// `ID`, or `U ID` as older scripts have it, where U is the graph. Errors: usage, for two graphs.
[[nodiscard]] Result<void> take_commit_words(const std::vector<std::string>& words, std::string& uri, std::string& id);

}  // namespace omnigraph::cli
