#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/option_values.h"

namespace omnigraph::cli {

namespace {

constexpr const char* kFiles = ":files\n";

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// What the words before the last one come to.
struct Reading {
  const CLI::App* command;
  const CLI::Option* awaiting = nullptr;  // an option whose value is the last word
  std::size_t positionals = 0;
  CompletionAddress address{};
};

void note_address(CompletionAddress& address, const std::string& name, const std::string& value) {
  const std::pair<std::string_view, std::string*> places[] = {
      {"--server", &address.flags.server},   {"--graph", &address.flags.graph},     {"--store", &address.flags.store},
      {"--cluster", &address.flags.cluster}, {"--profile", &address.flags.profile}, {"--uri", &address.own_uri}};
  for (const auto& [flag, place] : places) {
    if (flag == name) *place = value;
  }
}

const CLI::App* subcommand_of(const CLI::App& command, const std::string& word) {
  const auto below = command.get_subcommands([&](const CLI::App* sub) { return sub->check_name(word); });
  return below.empty() ? nullptr : below.front();
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& command) {
  std::vector<const CLI::Option*> found;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) found.push_back(option);
  }
  return found;
}

Reading read_words(const CLI::App& root, const std::vector<std::string>& words) {
  Reading reading{.command = &root};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (reading.awaiting != nullptr) {
      note_address(reading.address, words[i - 1], word);
      reading.awaiting = nullptr;
    } else if (word.starts_with("-") && word.size() > 1) {
      const std::size_t equals = word.find('=');
      const CLI::Option* option = option_of(reading.command, word.substr(0, equals));
      if (option == nullptr || !takes_value(*option)) continue;
      if (equals == std::string::npos) {
        reading.awaiting = option;
      } else {
        note_address(reading.address, word.substr(0, equals), word.substr(equals + 1));
      }
    } else if (const CLI::App* below = subcommand_of(*reading.command, word)) {
      reading.command = below;
    } else {
      const auto places = positionals_of(*reading.command);
      if (reading.positionals < places.size() && places[reading.positionals]->check_lname("uri"))
        reading.address.own_uri = word;
      ++reading.positionals;
    }
  }
  return reading;
}

void add_matching(std::string& out, const std::vector<std::string>& candidates, const std::string& start,
                  const std::string& prefix = "") {
  for (const std::string& candidate : candidates) {
    if (candidate.starts_with(start)) out.append(prefix).append(candidate).append("\n");
  }
}

std::string values(const CLI::Option& option, const CompletionAddress& address, const std::string& start,
                   const std::string& prefix = "") {
  const OptionValues& known = values_of(&option);
  std::string out;
  if (known.kind == Values::kFile || known.kind == Values::kCluster) out = prefix.empty() ? kFiles : "";
  add_matching(out, known.closed.empty() ? live_values(known.kind, address) : known.closed, start, prefix);
  return out;
}

bool is_shown(const CLI::Option& option) { return !option.get_group().empty(); }

std::string flags(const CLI::App& command, const std::string& start) {
  std::vector<std::string> names;
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      if (!is_shown(*option)) continue;
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  std::string out;
  add_matching(out, names, start);
  return out;
}

}  // namespace

std::string complete(const CLI::App& root, const std::vector<std::string>& words) {
  const Reading reading = read_words(root, words);
  const std::string last = words.empty() ? "" : words.back();
  if (reading.awaiting != nullptr) return values(*reading.awaiting, reading.address, last);
  if (last.starts_with("-")) {
    const std::size_t equals = last.find('=');
    if (equals == std::string::npos) return flags(*reading.command, last);
    const CLI::Option* option = option_of(reading.command, last.substr(0, equals));
    if (option == nullptr || !takes_value(*option)) return "";
    return values(*option, reading.address, last.substr(equals + 1), last.substr(0, equals + 1));
  }
  std::string out;
  for (const CLI::App* below :
       reading.command->get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); })) {
    if (below->get_name().starts_with(last)) out.append(below->get_name()).append("\n");
  }
  const auto places = positionals_of(*reading.command);
  if (!places.empty())
    out.append(values(*places[std::min(reading.positionals, places.size() - 1)], reading.address, last));
  return out;
}

void add_completions_command(CLI::App& app, Run& run) {
  Command command = Command(app).command("completions", "Print the completion script of a shell");
  command.examples(
      "source <(omnigraph completions bash)\n"
      "omnigraph completions zsh > ~/.zfunc/_omnigraph\n"
      "omnigraph completions fish > ~/.config/fish/completions/omnigraph.fish");
  auto shell = std::make_shared<std::string>();
  command.text("SHELL", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
  when_chosen(command, run, [shell]() -> Result<void> {
    print(completion_script(*shell));
    return {};
  });
}

}  // namespace omnigraph::cli
