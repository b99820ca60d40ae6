// login, logout, profile list, profile show.

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/text.h"
#include "cli/command.h"
#include "cli/credentials.h"
#include "cli/scope.h"

namespace omnigraph::cli {

namespace {

using base::JsonWriter;

void nullable(JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
  json.key(key).string_or_null(value ? std::string_view(*value) : std::string_view(), value.has_value());
}

struct LoginArguments {
  std::string name, token;
  bool json = false;
};

Result<void> check_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (!name.empty() && std::ranges::all_of(name, allowed)) return {};
  return std::unexpected(bad_request("'" + name + "' is no server name: use letters, digits, '.', '_' and '-'"));
}

// One line of standard input, which a terminal does not show.
std::string read_secret(const std::string& prompt) {
  termios shown{};
  const bool terminal = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &shown) == 0;
  if (terminal) {
    std::fprintf(stderr, "%s", prompt.c_str());
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::fprintf(stderr, "\n");
  }
  return line;
}

// `text` and the file of the tokens, or both as JSON.
void print_credentials(const LoginArguments& arguments, const std::string& text,
                       std::optional<bool> declared = std::nullopt) {
  const std::string path = credentials_path(operator_home()).string();
  if (!arguments.json) return print(text + path + "\n");
  std::string compact;
  JsonWriter json(compact);
  json.begin_object().key("server").string(arguments.name).key("credentials_path").string(path);
  if (declared) json.key("declared").boolean(*declared);
  json.end_object();
  print_json(compact);
}

Result<void> run_login(Context& context, const LoginArguments& arguments, bool token_given) {
  OG_RETURN_IF_ERROR(check_name(arguments.name));
  OG_RETURN_IF_ERROR(context.load_config());
  const std::string typed = token_given ? arguments.token : read_secret("Token for " + arguments.name + ": ");
  const std::string token(base::trim_unicode(typed));
  if (token.empty())
    return std::unexpected(bad_request("no token provided; pass --token or one line on standard input"));
  if (std::ranges::any_of(token, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; })) {
    return std::unexpected(
        bad_request("the token holds a control character; tokens are one line of visible characters"));
  }
  const bool declared = context.config.servers.contains(arguments.name);
  OG_RETURN_IF_ERROR(store_token(operator_home(), arguments.name, token));
  if (!declared) {
    std::fprintf(stderr,
                 "note: `servers:` of the operator config does not name '%s' yet; the token is used once it does\n",
                 arguments.name.c_str());
  }
  print_credentials(arguments, "stored the token of '" + arguments.name + "' in ", declared);
  return {};
}

Result<void> run_logout(const LoginArguments& arguments) {
  OG_RETURN_IF_ERROR(check_name(arguments.name));
  OG_RETURN_IF_ERROR(remove_token(operator_home(), arguments.name));
  print_credentials(arguments, "no token of '" + arguments.name + "' is in ");
  return {};
}

const char* kind_name(ScopeKind kind) {
  return kind == ScopeKind::kServer ? "server" : kind == ScopeKind::kCluster ? "cluster" : "store";
}

// What a profile names, as written.
std::optional<std::string> target_of(const ProfileConfig& profile) {
  return profile.server ? profile.server : profile.cluster ? profile.cluster : profile.store;
}

Result<void> run_profile_list(Context& context, bool as_json) {
  OG_RETURN_IF_ERROR(context.load_config());
  const auto active = environment_profile();
  std::string compact, text;
  JsonWriter json(compact);
  json.begin_array();
  for (const auto& [name, profile] : context.config.profiles) {
    const auto scope = scope_of_profile(name, context.config);
    const std::string kind = scope ? kind_name(scope->kind) : "invalid";
    const std::optional<std::string> target = scope ? target_of(profile) : std::nullopt;
    const std::string binding = kind + ": " + (scope ? *target : scope.error().message);
    json.begin_object().key("name").string(name).key("binding").string(binding).key("scope_kind").string(kind);
    nullable(json, "target", target);
    json.key("valid").boolean(scope.has_value());
    nullable(json, "error", scope ? std::nullopt : std::optional<std::string>(scope.error().message));
    nullable(json, "default_graph", profile.default_graph);
    json.key("active").boolean(active == name).end_object();
    text += name + (active == name ? " (active)" : "") + "  " + binding + "\n";
  }
  json.end_array();
  if (as_json) {
    print_json(compact);
  } else {
    print(text);
  }
  return {};
}

// What `profile show` says about one scope.
struct ProfileView {
  std::string name, kind = "none";
  std::optional<std::string> target, endpoint, default_graph;
};

// `endpoint` of a server is empty where the name is undefined, which is no error here.
Result<ProfileView> view_of_profile(const std::string& name, const OperatorConfig& config) {
  const auto found = config.profiles.find(name);
  if (found == config.profiles.end()) return std::unexpected(unknown_profile(name, config));
  const ProfileConfig& profile = found->second;
  const auto scope = scope_of_profile(name, config);
  ProfileView view{
      .name = name, .kind = {}, .target = target_of(profile), .endpoint = {}, .default_graph = profile.default_graph};
  if (scope) {
    view.kind = kind_name(scope->kind);
    view.endpoint = scope->address;
    return view;
  }
  const bool undefined_server =
      profile.server && !profile.cluster && !profile.store && !config.servers.contains(*profile.server);
  if (!undefined_server) return std::unexpected(scope.error());
  view.kind = "server";
  return view;
}

Result<ProfileView> view_of_defaults(const OperatorConfig& config) {
  ProfileView view{
      .name = "(defaults)", .kind = "none", .target = {}, .endpoint = {}, .default_graph = config.default_graph};
  const auto scope = scope_of_defaults(config);
  if (scope && *scope) {
    view.kind = kind_name((*scope)->kind);
    view.endpoint = (*scope)->address;
  } else if (!scope) {
    if (!config.default_server || config.default_store) return std::unexpected(scope.error());
    view.kind = "server";
  }
  view.target = config.default_server ? config.default_server : config.default_store;
  return view;
}

Result<void> run_profile_show(Context& context, const std::string& name, bool as_json) {
  OG_RETURN_IF_ERROR(context.load_config());
  const OperatorConfig& config = context.config;
  const auto chosen = name.empty() ? environment_profile() : std::optional<std::string>(name);
  OG_ASSIGN_OR_RETURN(const ProfileView view, chosen ? view_of_profile(*chosen, config) : view_of_defaults(config));
  if (as_json) {
    std::string compact;
    JsonWriter json(compact);
    json.begin_object().key("name").string(view.name).key("scope_kind").string(view.kind);
    nullable(json, "target", view.target);
    nullable(json, "endpoint", view.endpoint);
    nullable(json, "default_graph", view.default_graph);
    nullable(json, "output_format", config.output);
    json.end_object();
    print_json(compact);
    return {};
  }
  std::string text = view.name + "\n  scope:   " + view.kind + (view.target ? " " + *view.target : "") + "\n";
  if (view.endpoint) text += "  endpoint: " + *view.endpoint + "\n";
  if (view.default_graph) text += "  graph:   " + *view.default_graph + "\n";
  if (config.output) text += "  output:  " + *config.output + "\n";
  print(text);
  return {};
}

void add_login(Command& app, Context& context, Run& run) {
  Command command = app.command("login", "Store the bearer token of a server");
  command.examples("omnigraph login lab < token.txt");
  auto arguments = std::make_shared<LoginArguments>();
  command.text("NAME", arguments->name, "The server's name in the operator config")
      .required()
      .completes(Values::kServer);
  Option token = command.text("--token", arguments->token, "The token; else one line of standard input");
  command.json(arguments->json);
  when_chosen(command, run, [&context, arguments, token] { return run_login(context, *arguments, token.given()); });
}

void add_logout(Command& app, Run& run) {
  Command command = app.command("logout", "Forget the bearer token of a server");
  command.examples("omnigraph logout lab");
  auto arguments = std::make_shared<LoginArguments>();
  command.text("NAME", arguments->name, "The server's name in the operator config")
      .required()
      .completes(Values::kServer);
  command.json(arguments->json);
  when_chosen(command, run, [arguments] { return run_logout(*arguments); });
}

void add_profile(Command& app, Context& context, Run& run) {
  Command group = app.group("profile", "Look at the profiles of the operator config");
  group.examples("omnigraph profile list");
  Command list = group.command("list", "All profiles and what they bind");
  list.examples("omnigraph profile list");
  auto listed = std::make_shared<LoginArguments>();
  list.json(listed->json);
  when_chosen(list, run, [&context, listed] { return run_profile_list(context, listed->json); });
  Command show = group.command("show", "One profile; without NAME the active one, else the defaults");
  show.examples("omnigraph profile show");
  auto shown = std::make_shared<LoginArguments>();
  show.text("NAME", shown->name, "The profile").completes(Values::kProfile);
  show.json(shown->json);
  when_chosen(show, run, [&context, shown] { return run_profile_show(context, shown->name, shown->json); });
}

}  // namespace

void add_local_commands(CLI::App& app, Context& context, Run& run) {
  Command root(app);
  add_login(root, context, run);
  add_logout(root, run);
  add_profile(root, context, run);
}

}  // namespace omnigraph::cli
