// The command tree without the parser library: its header costs every file that includes it some ten seconds of
// compilation, so only command.cc, completion.cc and app.cc do. A group of commands is registered like this:
//
//   Command list = group.command("list", "Graphs the server lets you list");
//   list.flag("--json", arguments->json, "Print JSON");
//   when_chosen(list, run, [&context, arguments] { return run_list(context, *arguments); });
//
// Handles are cheap to copy and borrow from the application, which outlives them; bound variables must outlive the
// parse. Thread safety: none; commands are registered and parsed by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/commands.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace omnigraph::cli {

// What completion offers for a value.
enum class Values { kText, kFile, kBranch, kType, kServer, kCluster, kProfile, kAlias };

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option& required();
  Option& hidden();
  Option& shows_default();
  // An empty value is what an unset shell variable leaves: taken for "not given", it would address something else.
  Option& non_empty();
  Option& one_of(std::vector<std::string> values, const char* noun = "value");
  Option& within(double low, double high);
  Option& excludes(const Option& other);
  Option& needs(const Option& other);
  Option& completes(Values values);
  // Made by the product, so that it may begin with `-`: cursors and page tokens.
  Option& opaque();
  [[nodiscard]] bool given() const;  // after the parse

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  // A word that other commands stand below, and a command that does something.
  [[nodiscard]] Command group(const char* name, const char* help);
  [[nodiscard]] Command command(const char* name, const char* help);
  Command& examples(std::string_view lines);  // shown below the flags, each line one command
  Command& hidden();
  Command& alias(const char* name);

  // `names`: "--flag", "-s,--flag" or "POSITIONAL", also "URI,--uri" for both.
  Option text(const char* names, std::string& into, const char* help);
  Option text(const char* names, std::optional<std::string>& into, const char* help);
  Option texts(const char* names, std::vector<std::string>& into, const char* help);  // a repeatable flag
  Option words(const char* name, std::vector<std::string>& into, int at_least, int at_most, const char* help);
  Option number(const char* names, std::optional<std::uint64_t>& into, const char* help);
  Option real(const char* names, double& into, const char* help);
  Option flag(const char* names, bool& into, const char* help);
  Option on_flag(const char* names, std::function<void()> action, const char* help);
  // The graph a command addresses as its own argument: URI or --uri; `positional` false: --uri alone.
  Option own_uri(std::string& into, bool positional = true);
  Option json(bool& into);

  void on_chosen(std::function<void()> action);

 private:
  CLI::App* app_;
};

// `body` is a callable without parameters that returns Result<void>, or Result<int> with an exit code of its own; an
// error is reported and ends with the code it stands for.
template <class Body>
void when_chosen(Command command, Run& run, Body body) {
  command.on_chosen([&run, body = std::move(body)] {
    run = [body]() -> int {
      const auto done = body();
      if (!done) return report(done.error());
      if constexpr (std::is_void_v<typename decltype(done)::value_type>) {
        return kExitOk;
      } else {
        return *done;
      }
    };
  });
}

}  // namespace omnigraph::cli
