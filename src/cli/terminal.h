// What a terminal gets beyond plain text: colour and a pager. Neither ever reaches a pipe unless it is asked for, and
// colour is never the only carrier of meaning. Thread safety: set_terminal() before all else, the rest concurrently.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace omnigraph::cli {

enum class Color { kRed, kGreen, kYellow, kBold };
enum class ColorWhen { kAuto, kAlways, kNever };

struct TerminalFlags {
  ColorWhen color = ColorWhen::kAuto;
  bool pager = true;
};
void set_terminal(const TerminalFlags& flags);

// `text` in the colour where `stream` shows one: a terminal without NO_COLOR, or --color always.
[[nodiscard]] std::string colored(std::FILE* stream, Color color, std::string_view text);

// Prints a text to be read: through OMNIGRAPH_PAGER, else PAGER, else less, if stdout is a terminal with fewer lines.
void print_paged(std::string_view text);

}  // namespace omnigraph::cli
