#include "cli/context.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "api/answers.h"
#include "engine/storage_uri.h"

namespace omnigraph::cli {

Result<void> Context::load_config() {
  if (config_loaded_) return {};
  std::vector<std::string> warnings;
  OG_ASSIGN_OR_RETURN(config, read_operator_config(operator_home(), warnings));
  for (const std::string& warning : warnings) warn(warning);
  config_loaded_ = true;
  return {};
}

std::optional<std::string> Context::actor() const {
  if (!flags.as.empty()) return flags.as;
  return config.actor;
}

Result<std::string> Context::graph_uri(const std::string& own_uri) const {
  if (!own_uri.empty() && !flags.store.empty()) {
    return std::unexpected(bad_request("a graph URI and --store are mutually exclusive; pass one of them"));
  }
  for (const std::string& uri : {own_uri, flags.store, config.default_store.value_or("")}) {
    if (uri.empty()) continue;
    if (uri.starts_with("http://") || uri.starts_with("https://")) {
      return std::unexpected(bad_request("'" + uri + "' is a served graph; this build's command line reads storage "
                                         "directly, so pass the graph's folder"));
    }
    return uri;
  }
  return std::unexpected(bad_request("no graph addressed; pass the graph's folder as an argument or with --store"));
}

Result<std::shared_ptr<engine::Graph>> Context::open_graph(const std::string& own_uri, const char* echo_label) {
  OG_RETURN_IF_ERROR(load_config());
  OG_ASSIGN_OR_RETURN(const std::string uri, graph_uri(own_uri));
  if (echo_label != nullptr) echo(echo_label, uri);
  return engine::Graph::open(uri);
}

void Context::echo(std::string_view label, std::string_view uri) const {
  if (flags.quiet) return;
  std::fprintf(stderr, "omnigraph %.*s \xe2\x86\x92 %.*s (direct, %s)\n", static_cast<int>(label.size()), label.data(),
               static_cast<int>(uri.size()), uri.data(), engine::local_path_of(uri) ? "local" : "remote");
}

int finish_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return kExitOk;
  // A reader that went away (`| head`) is no failure; a full disk is.
  if (errno == EPIPE) return kExitOk;
  std::fprintf(stderr, "Error: cannot write to standard output: %s\n", std::generic_category().message(errno).c_str());
  return kExitFailure;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) std::_Exit(finish_output());
}

void print_json(const std::string& compact) {
  print(base::pretty_json(compact));
  print("\n");
}

int report(const Error& error, bool json) {
  if (error.code == Code::kPreconditionFailed) {
    if (json) {
      print_json(api::error_body(error));
    } else {
      std::fprintf(stderr, "Error: %s\n", error.render().c_str());
    }
    return kExitPrecondition;
  }
  std::fprintf(stderr, "Error: %s\n", error.render().c_str());
  return kExitFailure;
}

void warn(std::string_view text) {
  std::fprintf(stderr, "warning: %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace omnigraph::cli
