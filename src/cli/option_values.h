// What the values of an option may be, kept beside the parser's own tree for completion. Thread safety: none.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace omnigraph::cli {

// Stands before a word that the parser would take for a list of its own making (`[a,b]`, `{}`).
inline constexpr char kWordGuard = '\x1f';

struct OptionValues {
  Values kind = Values::kText;
  std::vector<std::string> closed{};  // the only values there are; empty: any
  bool opaque = false;                // may begin with `-`
};

// An option of the command or, as global flags go anywhere, of one above it; nullptr: none has the name.
[[nodiscard]] const CLI::Option* option_of(const CLI::App* command, const std::string& name);

void note_values(const CLI::Option* option, Values kind);
void note_values(const CLI::Option* option, std::vector<std::string> closed);
void note_opaque(const CLI::Option* option);
[[nodiscard]] const OptionValues& values_of(const CLI::Option* option);

}  // namespace omnigraph::cli
