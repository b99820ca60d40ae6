#include "cli/app.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "base/version.h"
#include "cli/commands.h"
#include "cluster/root.h"

namespace omnigraph::cli {

namespace {

constexpr const char* kFooter =
    "COMMANDS BY CAPABILITY\n"
    "  data             query mutate load export snapshot schema branch commit\n"
    "  direct           init lint verify\n"
    "  cluster control  cluster\n"
    "  local            version\n"
    "\n"
    "EXAMPLE\n"
    "  omnigraph init --schema fleet.pg fleet.omni\n"
    "  omnigraph load --data fleet.jsonl --mode merge fleet.omni\n"
    "  omnigraph query --store fleet.omni -e 'query q() { match { $s: Ship } return { $s.name } }'\n";

// SIGINT and SIGTERM end the process after releasing cluster locks. The signals are taken by a thread that waits for
// them, so that the release may use ordinary code.
void watch_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int number = 0;
    if (sigwait(&signals, &number) != 0) return;
    cluster::release_all_locks();
    std::fprintf(stderr, "interrupted; nothing more is done\n");
    std::_Exit(128 + number);
  }).detach();
}

void add_version(CLI::App& app, Run& run) {
  app.add_subcommand("version", "Print the version and the storage format")->callback([&run] {
    run = [] {
      print("omnigraph " + std::string(base::version()) + "\ninternal-schema " + std::to_string(base::kStorageFormat) + "\n");
      return static_cast<int>(kExitOk);
    };
  });
}

int parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {  // --help, --version
    app.exit(error, std::cout, std::cerr);
    return kExitOk;
  }
  std::fprintf(stderr, "Error: %s\n", error.what());
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  std::string path = at->get_name();
  for (const CLI::App* up = at->get_parent(); up != nullptr; up = up->get_parent()) path = up->get_name() + " " + path;
  std::fprintf(stderr, "Run `%s --help` for its arguments.\n", path.c_str());
  return kExitUsage;
}

int run_checked(int argc, char** argv) {
  CLI::App app("Omnigraph: a typed property graph on open tables, with branches and a control plane.", "omnigraph");
  app.footer(kFooter);
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_version_flag("-v,--version", "omnigraph " + std::string(base::version()));
  Context context;
  Run command;
  app.add_option("--store", context.flags.store, "One graph's storage: a folder or file:// URI")->group("Global");
  app.add_option("--as", context.flags.as, "Actor that writes are recorded for")->group("Global");
  app.add_flag("--yes", context.flags.yes, "Consent to destructive work on remote targets")->group("Global");
  app.add_flag("--quiet", context.flags.quiet, "No echo of what a write addresses")->group("Global");
  add_query_commands(app, context, command);
  add_graph_commands(app, context, command);
  add_history_commands(app, context, command);
  add_verify_command(app, context, command);
  add_cluster_commands(app, context, command);
  add_version(app, command);
  if (argc > 1 && std::string_view(argv[1]) == "help") {  // `help [CMD…]` = `CMD… --help`
    std::vector<std::string> words(argv + 2, argv + argc);
    words.emplace_back("--help");
    std::ranges::reverse(words);
    try {
      app.parse(words);
    } catch (const CLI::ParseError& error) {
      return parse_error(app, error);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parse_error(app, error);
  }
  if (!command) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    std::fputs(at->help().c_str(), stderr);
    return kExitUsage;
  }
  if (context.flags.as.starts_with("omnigraph:")) {
    return report(bad_request("--as '" + context.flags.as + "': actor ids starting with omnigraph: are reserved"));
  }
  return command();
}

}  // namespace

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  watch_signals();
  try {
    const int code = run_checked(argc, argv);
    const int written = finish_output();
    return code != kExitOk ? code : written;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "Error: %s\n", error.what());
    return kExitFailure;
  }
}

}  // namespace omnigraph::cli
