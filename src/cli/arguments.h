// Checks of command-line values that several commands share. Only for files that register commands.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace omnigraph::cli {

// An empty value is what an unset shell variable leaves: taken for "not given", it would address something else.
inline const CLI::Validator& non_empty() {
  static const CLI::Validator kNonEmpty(
      [](std::string& value) { return value.empty() ? std::string("the value must not be empty") : std::string(); }, "",
      "non-empty");
  return kNonEmpty;
}

}  // namespace omnigraph::cli
