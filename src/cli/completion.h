// Completion of a command line under the cursor, for the scripts that `completions` prints: they hand the words to
// `omnigraph __complete` and offer what it prints. Thread safety: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace omnigraph::cli {

// What the values of an option may be at present: names of the operator config, branches and types of a local graph.
// `address` holds the scope flags and the graph found among the words. Problems of any kind give no candidates.
struct CompletionAddress {
  ScopeFlags flags;
  std::string own_uri;
};
[[nodiscard]] std::vector<std::string> live_values(Values kind, const CompletionAddress& address);

// Candidates for the last of `words`, which may be empty; one a line. A line `:files` stands for names of files.
[[nodiscard]] std::string complete(const CLI::App& root, const std::vector<std::string>& words);

[[nodiscard]] std::string completion_script(std::string_view shell);  // bash, zsh or fish

void add_completions_command(CLI::App& app, Run& run);

}  // namespace omnigraph::cli
