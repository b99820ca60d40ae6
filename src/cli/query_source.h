// What `query` and `mutate` run: a query of a file or of the command line, a stored one by its name, or an alias.
// Thread safety: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace omnigraph::cli {

// The flags of both verbs, and of `alias` those for parameters.
struct QueryFlags {
  std::vector<std::string> words;  // NAME; with --alias its ARGS
  std::string named;               // --name, an older spelling of NAME
  std::string file, text, alias;
  std::string params, params_file;
  std::optional<Option> text_option;

  void add_to(Command& command, const char* name_help);
  void add_parameters_to(Command& command);
  [[nodiscard]] bool ad_hoc() const { return !file.empty() || (text_option && text_option->given()); }
  // --params or --params-file: a JSON object or empty. Errors: of reading the file.
  [[nodiscard]] Result<std::string> parameters() const;
};

// One query, ready to be sent or run.
struct QueryCall {
  std::string text{};                   // empty: the stored query `name` is called
  std::string name{};                   // empty: the only query of `text`
  std::string file{};                   // where the text is from; empty: the command line
  std::string parameters{};             // a JSON object or empty
  std::optional<std::string> format{};  // of an alias
  std::optional<OperatorAlias> on{};    // the operator's alias that says where it is stored
  std::string alias{};
};

// What the flags ask for. A project alias becomes the context's running one. Errors: kBadRequest; usage errors for
// more words than a NAME.
[[nodiscard]] Result<QueryCall> query_call(Context& context, const QueryFlags& flags, bool mutation);
// `alias NAME ARGS`: an operator's alias, else a reading alias of the project file.
[[nodiscard]] Result<QueryCall> alias_call(Context& context, const std::string& name,
                                           const std::vector<std::string>& words, const QueryFlags& flags,
                                           bool mutation);
// Refuses a query of the other kind before anything is opened, naming the other verb. A server knows its stored ones.
[[nodiscard]] Result<void> check_kind(const QueryCall& call, bool mutation);

}  // namespace omnigraph::cli
