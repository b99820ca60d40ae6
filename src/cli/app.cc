#include "cli/app.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "base/version.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands_blob.h"
#include "cli/completion.h"
#include "cli/interrupt.h"
#include "cli/option_values.h"
#include "cli/terminal.h"
#include "cluster/root.h"

namespace omnigraph::cli {

namespace {

constexpr const char* kLegend =
    "EXAMPLES\n"
    "  omnigraph demo festival\n"
    "  omnigraph init --schema fleet.pg fleet.omni\n"
    "  omnigraph load --data fleet.jsonl --mode merge fleet.omni\n"
    "  omnigraph query --store fleet.omni -e 'query q() { match { $s: Ship } return { $s.name } }'\n"
    "\n"
    "COMMANDS BY CAPABILITY\n"
    "  data             query mutate load export snapshot tables schema branch commit changes blob   (embedded or "
    "served)\n"
    "  served           graphs\n"
    "  direct           init lint optimize repair cleanup verify\n"
    "  cluster control  cluster policy queries\n"
    "  local            demo embed explain alias login logout profile config completions version\n";

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
    run_interrupt_actions();
    cluster::release_all_locks();
    std::fprintf(stderr, "interrupted; nothing more is done\n");
    std::_Exit(128 + number);
  }).detach();
}

void add_version(CLI::App& app, Run& run) {
  app.add_subcommand("version", "Print the version and the storage format")->callback([&run] {
    run = [] {
      print("omnigraph " + std::string(base::version()) + "\ninternal-schema " + std::to_string(base::kStorageFormat) +
            "\n");
      return static_cast<int>(kExitOk);
    };
  });
}

const CLI::App& leaf_of(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

// The words of the command, with or without the program's.
std::string path_of(const CLI::App& command, bool with_program) {
  std::string path;
  for (const CLI::App* up = &command; up != nullptr; up = up->get_parent()) {
    if (up->get_parent() == nullptr && !with_program) break;
    path = path.empty() ? up->get_name() : up->get_name() + " " + path;
  }
  return path;
}

// `word` is none that `command` takes; what it would have taken. Empty: it takes no words at all.
std::string unexpected_word(const CLI::App& command, std::string word) {
  std::vector<std::string> known;
  const bool flag = word.starts_with("-");
  if (flag) {
    word = word.substr(0, word.find('='));
    for (const CLI::App* up = &command; up != nullptr; up = up->get_parent()) {
      for (const CLI::Option* option : up->get_options()) {
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
      }
    }
  } else {
    for (const CLI::App* below :
         command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); })) {
      known.push_back(below->get_name());
    }
    if (known.empty()) return "";
  }
  const std::string hint = base::did_you_mean(word, known);
  return std::string(flag ? "unknown flag '" : "unknown command '")
      .append(word)
      .append("'")
      .append(hint.empty() ? "" : "; ")
      .append(hint);
}

// The first word that the command at hand did not expect.
std::string unexpected_word(const CLI::App& app) {
  const auto extras = app.remaining(true);
  return extras.empty() ? "" : unexpected_word(leaf_of(app), extras.front());
}

int usage_failure(const CLI::App& app, const std::string& message) {
  Error error = usage_error(message);
  error.context = "Run `" + path_of(leaf_of(app), true) + " --help` for its arguments.";
  return report(error);
}

int parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {  // --help, --version
    app.exit(error, std::cout, std::cerr);
    return kExitOk;
  }
  std::string message = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ? unexpected_word(app) : "";
  if (message.empty()) message = error.what();
  if (message.starts_with("--uri is required")) message.replace(0, 5, "URI");  // the library prefers the flag's name
  return usage_failure(app, message);
}

// Which of the global flags the command takes: `Addressing: --server NAME|URL, --graph ID`.
std::string addressing_of(const CLI::App& command) {
  const CommandKind* kind = command_kind(path_of(command, false));
  if (kind == nullptr || !command.get_subcommands({}).empty()) return "";
  constexpr std::pair<std::string_view, const char*> kFlags[] = {{"server", "--server NAME|URL"},
                                                                 {"cluster", "--cluster NAME|DIR|URI"},
                                                                 {"graph", "--graph ID"},
                                                                 {"store", "--store URI"},
                                                                 {"as", "--as ACTOR"},
                                                                 {"profile", "--profile NAME"}};
  std::string listed;
  for (const auto& [flag, shown] : kFlags) {
    if (accepts_flag(*kind, flag)) listed.append(listed.empty() ? "" : ", ").append(shown);
  }
  return listed.empty() ? "" : "Addressing: " + listed + "\n            (`omnigraph --help` explains them)\n";
}

// Examples and commands before flags: what one looks for first.
class HelpLayout : public CLI::Formatter {
 public:
  std::string make_option_usage(const CLI::Option* option) const override {
    const std::string name = make_option_name(option, true) + (option->get_items_expected_max() > 1 ? "..." : "");
    return option->get_required() ? name : "[" + name + "]";
  }

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
    std::string head = make_description(app) + make_usage(app, std::move(name));
    if (app->get_parent() == nullptr) {  // the legend closes the page
      return head + make_subcommands(app, mode) + make_groups(app, mode) + "\n" + make_footer(app);
    }
    return head + make_footer(app) + make_positionals(app) + make_subcommands(app, mode) + make_groups(app, mode) +
           "\n" + addressing_of(*app);
  }
};

bool takes_words(const CLI::App& command) {
  return std::ranges::any_of(command.get_options(), [](const CLI::Option* option) {
    return option->get_positional() && option->get_items_expected_max() > 1;
  });
}

// Sees to what the parser would take otherwise: a value that starts with `-` is written behind `=`, for after a blank
// it is far more often a forgotten value, and that is an error; a word that looks like a list is one word.
Result<void> prepare_words(const CLI::App& root, std::vector<std::string>& words) {
  const CLI::App* command = &root;
  bool flags_ended = false;
  // The parser would show the help of the command above an unknown one.
  const bool help =
      std::ranges::any_of(words, [](const std::string& word) { return word == "--help" || word == "-h"; });
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string& word = words[i];
    if (word == "--") flags_ended = true;
    if (flags_ended || !word.starts_with("-")) {
      const auto below = command->get_subcommands([&](const CLI::App* sub) { return sub->check_name(word); });
      if (!flags_ended && !below.empty()) {
        command = below.front();
      } else if (takes_words(*command) && (word.starts_with("[") || word == "{}")) {
        word.insert(word.begin(), kWordGuard);
      } else if (help && !command->get_subcommands({}).empty()) {
        return std::unexpected(usage_error(unexpected_word(*command, word)));
      }
      continue;
    }
    const CLI::Option* option = option_of(command, word);
    if (option == nullptr || option->get_items_expected_max() == 0 || i + 1 == words.size()) continue;
    const std::string& value = words[++i];
    if (!value.starts_with("-") || value.size() == 1 || (values_of(option).opaque && !value.starts_with("--")))
      continue;
    return std::unexpected(usage_error(word + " needs a value, but '" + value +
                                       "' follows; a value that starts with '-' is written " + word + "=" + value));
  }
  return {};
}

void add_global_flags(CLI::App& app, GlobalFlags& flags) {
  app.add_option("--server", flags.server, "A server: its name in the operator config, or its URL")
      ->check(non_empty())
      ->group("Global");
  app.add_option("--graph", flags.graph, "Graph of the server or cluster")->check(non_empty())->group("Global");
  app.add_option("--store", flags.store, "One graph's storage: a folder, file:// or s3:// URI")
      ->check(non_empty())
      ->group("Global");
  app.add_option("--cluster", flags.cluster, "A cluster: its name in the operator config, folder or storage root")
      ->check(non_empty())
      ->group("Global");
  app.add_option("--profile", flags.profile, "Scope from `profiles` of the operator config (or OMNIGRAPH_PROFILE)")
      ->check(non_empty())
      ->group("Global");
  app.add_option("--as", flags.as, "Actor that direct writes are recorded for")->check(non_empty())->group("Global");
  app.add_flag("--yes", flags.yes, "Consent to destructive work on remote targets")->group("Global");
  app.add_flag("--quiet", flags.quiet, "No echo of what a write addresses")->group("Global");
  Command root(app);
  root.text("--config", flags.project.config, "A project file of an older set-up")
      .non_empty()
      .hidden()
      .completes(Values::kFile);
  root.text("--target", flags.project.target, "A graph of the project file").non_empty().hidden();
}

void add_terminal_flags(CLI::App& app, TerminalFlags& flags, std::string& color) {
  Command root(app);
  root.text("--color", color, "Colour on terminals").one_of({"auto", "always", "never"});
  root.on_flag("--no-pager", [&flags] { flags.pager = false; }, "Long answers are printed at once");
  for (const char* name : {"--color", "--no-pager"}) app.get_option(name)->group("Global");
}

void set_up_terminal(TerminalFlags flags, const std::string& color) {
  flags.color = color == "always" ? ColorWhen::kAlways : color == "never" ? ColorWhen::kNever : ColorWhen::kAuto;
  set_terminal(flags);
}

void note_global_values(CLI::App& app) {
  note_values(app.get_option("--server"), Values::kServer);
  note_values(app.get_option("--cluster"), Values::kCluster);
  note_values(app.get_option("--profile"), Values::kProfile);
  note_values(app.get_option("--store"), Values::kFile);
}

// Older spellings, which count only as the first words: what they mean, and what to say.
struct OlderSpelling {
  std::string_view first, second;  // second: empty for one word
  const char* now;
};

constexpr OlderSpelling kOlderSpellings[] = {{"read", "", "query"},
                                             {"change", "", "mutate"},
                                             {"check", "", "lint"},
                                             {"query", "lint", "lint"},
                                             {"query", "check", "lint"}};

// The arguments in today's words, the program left out; warns where they changed.
std::vector<std::string> todays_words(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (const OlderSpelling& older : kOlderSpellings) {
    const std::size_t count = older.second.empty() ? 1 : 2;
    if (words.size() < count || words[0] != older.first || (count == 2 && words[1] != older.second)) continue;
    const std::string spelled = count == 1 ? words[0] : words[0] + " " + words[1];
    warn("`omnigraph " + spelled + "` is deprecated; use `omnigraph " + older.now + "`");
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
    words.insert(words.begin(), older.now);
    break;
  }
  if (!words.empty() && words[0] == "help") {  // `help [CMD…]` = `CMD… --help`
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  return words;
}

void add_commands(CLI::App& app, Context& context, Run& run) {
  add_query_commands(app, context, run);
  add_load_commands(app, context, run);
  add_graph_commands(app, context, run);
  add_tables_command(app, context, run);
  add_branch_commands(app, context, run);
  add_history_commands(app, context, run);
  add_changes_commands(app, context, run);
  add_blob_commands(app, context, run);
  add_server_commands(app, context, run);
  add_lint_command(app, context, run);
  add_optimize_command(app, context, run);
  add_repair_command(app, context, run);
  add_cleanup_command(app, context, run);
  add_verify_command(app, context, run);
  add_cluster_commands(app, context, run);
  add_policy_commands(app, context, run);
  add_queries_commands(app, context, run);
  add_embed_command(app, run);
  add_local_commands(app, context, run);
  add_config_commands(app, context, run);
  add_demo_command(app, run);
  add_explain_command(app, run);
  add_completions_command(app, run);
  add_version(app, run);
}

// What the whole command line has to fulfil before the command may touch anything.
int checked(const CLI::App& app, Context& context, const Run& command) {
  const CLI::App& leaf = leaf_of(app);
  const std::string path = path_of(leaf, false);
  const ProjectFlags& project = context.flags.project;
  if (!takes_project_flags(path) && (!project.config.empty() || !project.target.empty())) {
    return usage_failure(app, std::string("`")
                                  .append(path)
                                  .append("` takes no ")
                                  .append(project.config.empty() ? "--target" : "--config FILE"));
  }
  if (const auto fits = check_scope_flags(path, context.flags); !fits) return report(fits.error());
  if (context.flags.as.starts_with("omnigraph:")) {
    return report(bad_request("--as '" + context.flags.as + "': actor ids starting with omnigraph: are reserved"));
  }
  return command();
}

int run_checked(int argc, char** argv) {
  CLI::App app("Omnigraph: a typed property graph on open tables, with branches and a control plane.", "omnigraph");
  app.formatter(std::make_shared<HelpLayout>());
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_version_flag("-v,--version", "omnigraph " + std::string(base::version()));
  Context context;
  Run command;
  TerminalFlags terminal;
  std::string color = "auto";
  add_global_flags(app, context.flags);
  add_terminal_flags(app, terminal, color);
  note_global_values(app);
  add_commands(app, context, command);
  app.footer(kLegend);  // after the commands, which would inherit it
  if (argc > 1 && std::string_view(argv[1]) == "__complete") {
    print(complete(app, std::vector<std::string>(argv + 2, argv + argc)));
    return kExitOk;
  }
  std::vector<std::string> words = todays_words(argc, argv);
  if (std::ranges::find(words, "--json") != words.end()) report_as_json();
  if (const auto ready = prepare_words(app, words); !ready) return usage_failure(app, ready.error().message);
  std::ranges::reverse(words);  // as the parser takes them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return parse_error(app, error);
  }
  set_up_terminal(terminal, color);
  if (!command) {
    std::fputs(app.help().c_str(), stderr);
    return kExitUsage;
  }
  return checked(app, context, command);
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
