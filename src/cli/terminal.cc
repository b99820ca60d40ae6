#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/context.h"

namespace omnigraph::cli {

namespace {

TerminalFlags g_flags;  // set once, before the command runs

bool is_set(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value != nullptr && *value != '\0';
}

bool shows_color(std::FILE* stream) {
  if (g_flags.color != ColorWhen::kAuto) return g_flags.color == ColorWhen::kAlways;
  return !is_set("NO_COLOR") && ::isatty(::fileno(stream)) == 1;
}

const char* code_of(Color color) {
  switch (color) {
    case Color::kRed: return "31";
    case Color::kGreen: return "32";
    case Color::kYellow: return "33";
    case Color::kBold: return "1";
  }
  return "0";
}

bool longer_than_screen(std::string_view text) {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1 || ::isatty(STDIN_FILENO) != 1) return false;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return false;
  return std::ranges::count(text, '\n') >= size.ws_row;
}

std::string pager() {
  for (const char* name : {"OMNIGRAPH_PAGER", "PAGER"}) {
    if (is_set(name)) return std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  }
  return "less -FRSX";
}

}  // namespace

void set_terminal(const TerminalFlags& flags) { g_flags = flags; }

std::string colored(std::FILE* stream, Color color, std::string_view text) {
  if (!shows_color(stream)) return std::string(text);
  return std::string("\x1b[").append(code_of(color)).append("m").append(text).append("\x1b[0m");
}

void print_paged(std::string_view text) {
  if (!g_flags.pager || !longer_than_screen(text)) return print(text);
  std::fflush(stdout);
  std::FILE* pipe = ::popen(pager().c_str(), "w");
  if (pipe == nullptr) return print(text);
  std::fwrite(text.data(), 1, text.size(), pipe);  // leaving the pager early is no failure
  constexpr int kNotFound = 127;
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound) print(text);
}

}  // namespace omnigraph::cli
