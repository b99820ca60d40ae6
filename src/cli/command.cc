#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <limits>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/option_values.h"

namespace omnigraph::cli {

const CLI::Option* option_of(const CLI::App* command, const std::string& name) {
  for (const CLI::App* at = command; at != nullptr; at = at->get_parent()) {
    if (const CLI::Option* option = at->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::hidden() {
  option_->group("");
  return *this;
}

Option& Option::shows_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::non_empty() {
  option_->check(cli::non_empty());
  return *this;
}

Option& Option::one_of(std::vector<std::string> values, const char* noun) {
  std::string listed;
  for (const std::string& value : values) listed.append(listed.empty() ? "" : ",").append(value);
  note_values(option_, values);
  option_->check(CLI::Validator(
      [values = std::move(values), noun](std::string& given) {
        if (std::ranges::find(values, given) != values.end()) return std::string();
        std::string text = std::string("unknown ").append(noun).append(" '").append(given).append("'; one of");
        for (std::size_t i = 0; i < values.size(); ++i) text.append(i == 0 ? " " : ", ").append(values[i]);
        const std::string hint = base::did_you_mean(given, values);
        return hint.empty() ? text : text.append("; ").append(hint);
      },
      std::string("{").append(listed).append("}")));
  return *this;
}

Option& Option::within(double low, double high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::completes(Values values) {
  note_values(option_, values);
  return *this;
}

Option& Option::opaque() {
  note_opaque(option_);
  return *this;
}

bool Option::given() const { return option_->count() > 0; }

Command Command::group(const char* name, const char* help) {
  CLI::App* below = app_->add_subcommand(name, help);
  below->require_subcommand(0, 1);
  below->fallthrough();
  return Command(*below);
}

Command Command::command(const char* name, const char* help) { return Command(*app_->add_subcommand(name, help)); }

Command& Command::examples(std::string_view lines) {
  std::string footer(lines.find('\n') == std::string_view::npos ? "EXAMPLE\n" : "EXAMPLES\n");
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    footer.append("  ").append(lines.substr(at, end - at)).append("\n");
    at = end + 1;
  }
  app_->footer(std::move(footer));
  return *this;
}

Command& Command::hidden() {
  app_->group("");
  return *this;
}

Command& Command::alias(const char* name) {
  app_->alias(name);
  return *this;
}

Option Command::text(const char* names, std::string& into, const char* help) {
  return Option(app_->add_option(names, into, help));
}

Option Command::text(const char* names, std::optional<std::string>& into, const char* help) {
  return Option(app_->add_option(names, into, help));
}

Option Command::texts(const char* names, std::vector<std::string>& into, const char* help) {
  return Option(app_->add_option(names, into, help)->allow_extra_args(false));
}

Option Command::words(const char* name, std::vector<std::string>& into, int at_least, int at_most, const char* help) {
  auto* option = app_->add_option(name, into, help)->expected(at_least, at_most);
  option->transform(CLI::Validator(
      [](std::string& word) {
        if (word.starts_with(kWordGuard)) word.erase(0, 1);
        return std::string();
      },
      ""));
  if (at_least > 0) option->required();
  return Option(option);
}

Option Command::number(const char* names, std::optional<std::uint64_t>& into, const char* help) {
  // The parser library would take -1 for 2^64-1.
  const auto without_sign = [](const std::string& value) {
    return value.starts_with('-') ? "'" + value + "' is below 0" : std::string();
  };
  return Option(app_->add_option(names, into, help)->check(without_sign));
}

Option Command::real(const char* names, double& into, const char* help) {
  return Option(app_->add_option(names, into, help));
}

Option Command::flag(const char* names, bool& into, const char* help) {
  return Option(app_->add_flag(names, into, help));
}

Option Command::on_flag(const char* names, std::function<void()> action, const char* help) {
  return Option(app_->add_flag_callback(names, std::move(action), help));
}

Option Command::own_uri(std::string& into, bool positional) {
  return text(positional ? "URI,--uri" : "--uri", into, "The graph's storage: a folder, file:// or s3:// URI")
      .non_empty()
      .completes(Values::kFile);
}

Option Command::json(bool& into) { return flag("--json", into, "Print JSON"); }

void Command::on_chosen(std::function<void()> action) { app_->callback(std::move(action)); }

}  // namespace omnigraph::cli
