#include "cli/query_source.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "client/raw_json.h"
#include "query/compile.h"

namespace omnigraph::cli {

namespace {

const char* noun_of(bool mutation) { return mutation ? "mutation" : "query"; }
const char* verb_of(bool mutation) { return mutation ? "mutate" : "query"; }

// A query file: in the working directory, else in the roots of the project file; for its aliases the other way round.
Result<std::string> query_file(Context& context, const std::string& file, bool roots_first) {
  std::error_code failed;
  const bool here = std::filesystem::exists(file, failed);
  if (here && !roots_first) return base::read_file(file);
  const auto project = context.project();
  if (project && *project != nullptr) {
    if (const auto found = find_in_query_roots(**project, file)) return base::read_file(*found);
  }
  return base::read_file(file);
}

Result<std::string> not_blank(std::string text, const std::string& what) {
  if (!base::trim_unicode(text).empty()) return text;
  return std::unexpected(bad_request(what + " must not be empty: it holds no query"));
}

Result<std::map<std::string, std::string>> members_of(const std::string& json, const std::string& what) {
  std::map<std::string, std::string> members;
  if (base::trim_ascii(json).empty()) return members;
  const auto compact = client::compact_json(json);
  if (!compact || !compact->starts_with('{')) return std::unexpected(bad_request(what + " must be one JSON object"));
  for (auto& [name, value] : client::json_members(*compact)) members[std::move(name)] = std::string(value);
  return members;
}

std::string object_of(const std::map<std::string, std::string>& members) {
  std::string json = "{";
  for (const auto& [name, value] : members) {
    if (json.size() > 1) json.push_back(',');
    base::append_json_string(json, name);
    json.append(":").append(value);
  }
  return json.append("}");
}

// What an alias brings to the parameters of a call; later ones win.
struct AliasParameters {
  std::string alias;
  const std::vector<std::string>& names;  // bound to the words in order
  const std::string& defaults;            // a JSON object or empty
  std::vector<std::string> text_names{};  // parameters whose words stay text
};

Result<std::string> bind_words(const AliasParameters& alias, const std::vector<std::string>& words,
                               const std::string& given) {
  if (words.size() > alias.names.size()) {
    std::string takes;
    for (const std::string& name : alias.names) takes.append(takes.empty() ? "" : ", ").append(name);
    return std::unexpected(bad_request("alias '" + alias.alias + "' takes " + std::to_string(alias.names.size()) +
                                       " arguments (" + (takes.empty() ? "none" : takes) + "), but " +
                                       std::to_string(words.size()) + " are given"));
  }
  OG_ASSIGN_OR_RETURN(auto members, members_of(alias.defaults, "`params` of alias '" + alias.alias + "'"));
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool text = std::ranges::find(alias.text_names, alias.names[i]) != alias.text_names.end();
    auto json = text ? std::nullopt : client::compact_json(words[i]);
    if (!json) base::append_json_string(json.emplace(), words[i]);
    members[alias.names[i]] = std::move(*json);
  }
  OG_ASSIGN_OR_RETURN(auto more, members_of(given, "the parameters"));
  for (auto& [name, value] : more) members[name] = std::move(value);
  return object_of(members);
}

bool keeps_text(const query::ast::Parameter& parameter) {
  return parameter.type_text == "String" || parameter.type_text == "Date" || parameter.type_text == "DateTime";
}

Error unknown_alias(const std::string& name, const OperatorConfig& config, const ProjectFile* project) {
  std::vector<std::string> names;
  for (const auto& [known, alias] : config.aliases) names.push_back(known);
  if (project != nullptr) {
    for (const auto& [known, alias] : project->aliases) names.push_back(known);
  }
  std::string listed;
  for (const std::string& known : names) listed.append(listed.empty() ? "" : ", ").append(known);
  std::string text =
      "unknown alias '" + name + "'; " +
      (names.empty() ? std::string("none is defined, see `aliases` of the operator config") : "known: " + listed);
  if (const std::string hint = base::did_you_mean(name, names); !hint.empty()) text.append("; ").append(hint);
  return bad_request(std::move(text));
}

Result<QueryCall> operator_call(const std::string& name, const OperatorAlias& alias,
                                const std::vector<std::string>& words, const std::string& given) {
  QueryCall call{.name = alias.query, .format = alias.format, .on = alias, .alias = name};
  OG_ASSIGN_OR_RETURN(call.parameters,
                      bind_words({.alias = name, .names = alias.args, .defaults = alias.params}, words, given));
  return call;
}

Result<QueryCall> project_call(Context& context, const ProjectAlias& alias, const std::vector<std::string>& words,
                               const std::string& given, bool mutation) {
  if (alias.mutation != mutation) {
    return std::unexpected(bad_request("alias '" + alias.name + "' is a " + (alias.mutation ? "mutation" : "read") +
                                       "; run it with `omnigraph " + verb_of(alias.mutation) + " --alias " +
                                       alias.name + "`"));
  }
  QueryCall call{.name = alias.query_name, .file = alias.query_file, .format = alias.format, .alias = alias.name};
  OG_ASSIGN_OR_RETURN(std::string source, query_file(context, alias.query_file, /*roots_first=*/true));
  OG_ASSIGN_OR_RETURN(call.text, not_blank(std::move(source), "'" + alias.query_file + "'"));
  OG_ASSIGN_OR_RETURN(const auto file, query::parse_file(call.text, call.file));
  OG_ASSIGN_OR_RETURN(const query::ast::Query* selected, query::select_query(file, call.name));
  AliasParameters parameters{.alias = alias.name, .names = alias.args, .defaults = alias.params};
  for (const query::ast::Parameter& parameter : selected->parameters) {
    if (keeps_text(parameter)) parameters.text_names.push_back(parameter.name);
  }
  OG_ASSIGN_OR_RETURN(call.parameters, bind_words(parameters, words, given));
  context.run_project_alias(alias);
  return call;
}

}  // namespace

void QueryFlags::add_to(Command& command, const char* name_help) {
  command.words("NAME", words, 0, 1024, name_help);
  Option name = command.text("--name", named, "Same as NAME");
  name.hidden();
  Option file_option = command.text("--query", file, "A .gq file");
  file_option.non_empty().completes(Values::kFile);
  text_option = command.text("-e,--query-string", text, "Query text");
  text_option->excludes(file_option);
  command.text("--alias", alias, "Run an alias; the words are its arguments")
      .hidden()
      .non_empty()
      .excludes(file_option)
      .excludes(*text_option)
      .excludes(name)
      .completes(Values::kAlias);
  add_parameters_to(command);
}

void QueryFlags::add_parameters_to(Command& command) {
  Option given = command.text("--params", params, "Parameters, one JSON object");
  command.text("--params-file", params_file, "File with the parameters").excludes(given).completes(Values::kFile);
}

Result<std::string> QueryFlags::parameters() const {
  if (params_file.empty()) return params;
  return base::read_file(params_file);
}

Result<QueryCall> query_call(Context& context, const QueryFlags& flags, bool mutation) {
  if (!flags.alias.empty()) return alias_call(context, flags.alias, flags.words, flags, mutation);
  if (flags.words.size() > 1) {
    return std::unexpected(
        usage_error("unexpected argument '" + flags.words[1] + "'; `" + verb_of(mutation) + "` takes one NAME"));
  }
  const std::string name = flags.words.empty() ? flags.named : flags.words.front();
  if (!flags.named.empty() && flags.named != name) {
    return std::unexpected(
        usage_error("NAME '" + name + "' and --name '" + flags.named + "' differ; pass one of them"));
  }
  QueryCall call{.name = name, .file = flags.file};
  OG_ASSIGN_OR_RETURN(call.parameters, flags.parameters());
  if (!flags.file.empty()) {
    OG_ASSIGN_OR_RETURN(std::string source, query_file(context, flags.file, /*roots_first=*/false));
    OG_ASSIGN_OR_RETURN(call.text, not_blank(std::move(source), "'" + flags.file + "'"));
  } else if (flags.ad_hoc()) {
    OG_ASSIGN_OR_RETURN(call.text, not_blank(flags.text, "the query text"));
  } else if (name.empty()) {
    return std::unexpected(bad_request(
        std::string("provide a ").append(noun_of(mutation)).append(" name, or a query with --query FILE or -e TEXT")));
  }
  return call;
}

Result<QueryCall> alias_call(Context& context, const std::string& name, const std::vector<std::string>& words,
                             const QueryFlags& flags, bool mutation) {
  OG_RETURN_IF_ERROR(context.load_config());
  OG_ASSIGN_OR_RETURN(const std::string given, flags.parameters());
  if (const auto found = context.config.aliases.find(name); found != context.config.aliases.end()) {
    return operator_call(name, found->second, words, given);
  }
  OG_ASSIGN_OR_RETURN(const ProjectFile* project, context.project());
  if (project != nullptr) {
    if (const auto found = project->aliases.find(name); found != project->aliases.end()) {
      return project_call(context, found->second, words, given, mutation);
    }
  }
  return std::unexpected(unknown_alias(name, context.config, project));
}

Result<void> check_kind(const QueryCall& call, bool mutation) {
  if (call.text.empty()) return {};
  OG_ASSIGN_OR_RETURN(const auto file, query::parse_file(call.text, call.file));
  OG_ASSIGN_OR_RETURN(const query::ast::Query* selected, query::select_query(file, call.name));
  if (std::holds_alternative<query::ast::Read>(selected->body) != mutation) return {};
  return std::unexpected(
      bad_request("query '" + selected->name + "' " +
                  (mutation ? "is a read; run it with `omnigraph query`"
                            : "contains mutations (insert/update/delete); run it with `omnigraph mutate`")));
}

}  // namespace omnigraph::cli
