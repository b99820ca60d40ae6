// What a command does once the command line is parsed. Only for files that register commands.
#pragma once

#include <CLI/CLI.hpp>
#include <type_traits>
#include <utility>

#include "cli/commands.h"

namespace omnigraph::cli {

// `body` is a callable without parameters that returns Result<void>, or Result<int> with an exit code of its own; an
// error is reported and ends with the code it stands for.
template <class Body>
void when_chosen(CLI::App& command, Run& run, Body body) {
  command.callback([&run, body = std::move(body)] {
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
