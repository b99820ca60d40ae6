#include "cli/capability.h"

#include <algorithm>
#include <array>
#include <span>

namespace omnigraph::cli {

namespace {

constexpr std::string_view kRead = "server graph store profile";
constexpr std::string_view kWrite = "server graph store as profile";
constexpr std::string_view kMaintain = "cluster graph store profile";

// The longest path that fits decides.
constexpr CommandKind kKinds[] = {
    {"query", Capability::kData, kRead},
    {"mutate", Capability::kData, kWrite},
    {"blob", Capability::kData, kRead},
    {"tables", Capability::kData, kRead},
    {"shell", Capability::kData, kWrite},
    {"load", Capability::kData, kWrite},
    {"ingest", Capability::kData, kWrite},
    {"branch", Capability::kData, kWrite},
    {"snapshot", Capability::kData, kWrite},
    {"export", Capability::kData, kWrite},
    {"schema", Capability::kData, kWrite},
    {"schema plan", Capability::kDirect, "store profile"},
    {"commit", Capability::kData, kRead},
    {"changes", Capability::kData, kRead},
    {"graphs", Capability::kServed, "server profile"},
    {"init", Capability::kDirect, ""},
    {"optimize", Capability::kDirect, kMaintain},
    {"repair", Capability::kDirect, kMaintain},
    {"cleanup", Capability::kDirect, kMaintain},
    {"verify", Capability::kDirect, kMaintain},
    {"lint", Capability::kDirect, kMaintain},
    {"policy", Capability::kClusterControl, "cluster graph profile"},
    {"queries", Capability::kClusterControl, "cluster graph profile"},
    {"cluster", Capability::kClusterControl, ""},
    {"cluster apply", Capability::kClusterControl, "as"},
    {"cluster approve", Capability::kClusterControl, "as"},
    {"alias", Capability::kLocal, ""},
    {"config", Capability::kLocal, ""},
    {"completions", Capability::kLocal, ""},
    {"demo", Capability::kLocal, ""},
    {"embed", Capability::kLocal, ""},
    {"explain", Capability::kLocal, ""},
    {"login", Capability::kLocal, ""},
    {"logout", Capability::kLocal, ""},
    {"profile", Capability::kLocal, ""},
    {"version", Capability::kLocal, ""},
};

std::string_view first_word(std::string_view path) { return path.substr(0, path.find(' ')); }

// Two words for some groups, else one.
std::string_view label_of(std::string_view path) {
  const std::string_view group = first_word(path);
  const bool two =
      group == "schema" || group == "queries" || group == "blob" || group == "changes" || group == "graphs";
  return two ? path : group;
}

std::string_view kind_name(Capability capability) {
  switch (capability) {
    case Capability::kData: return "data";
    case Capability::kServed: return "served";
    case Capability::kDirect: return "direct (storage-native)";
    case Capability::kClusterControl: return "cluster control";
    case Capability::kLocal: return "local";
  }
  return "";
}

std::string_view tail_of(const CommandKind& kind) {
  const std::string_view group = first_word(kind.path);
  switch (kind.capability) {
    case Capability::kData: return "";
    case Capability::kServed: return " Address the server with --server <name|url> or --profile <name>.";
    case Capability::kDirect:
      return group == "optimize" || group == "repair" || group == "cleanup" || group == "verify"
                 ? " Pass a storage URI, or --cluster <dir> --graph <id>."
                 : " Pass a storage URI.";
    case Capability::kClusterControl:
      return group == "cluster" ? " It operates on a cluster config directory (pass --config <dir>)."
                                : " It operates on a cluster (pass --cluster <dir|uri>, or select a cluster profile).";
    case Capability::kLocal: return " It does not address a graph.";
  }
  return "";
}

struct Flag {
  std::string_view name;
  const std::string& value;
  std::string_view clause;
};

// `alias` has an address of its own; all that contradicts it is named at once.
Result<void> check_alias_flags(std::span<const Flag> flags) {
  std::string given;
  for (const Flag& flag : flags) {
    if (!flag.value.empty()) given.append(given.empty() ? "--" : ", --").append(flag.name);
  }
  if (given.empty()) return {};
  return std::unexpected(bad_request("`alias` uses the server, graph, and stored query of its definition; " + given +
                                     " does not apply. `omnigraph query --alias NAME` takes another server or graph."));
}

}  // namespace

const CommandKind* command_kind(std::string_view path) {
  const CommandKind* best = nullptr;
  for (const CommandKind& kind : kKinds) {
    const bool fits = path == kind.path || (path.starts_with(kind.path) && path[kind.path.size()] == ' ');
    if (fits && (best == nullptr || kind.path.size() > best->path.size())) best = &kind;
  }
  return best;
}

bool takes_project_flags(std::string_view path) {
  const CommandKind* kind = command_kind(path);
  if (kind == nullptr) return false;
  switch (kind->capability) {
    case Capability::kData:
    case Capability::kServed:
    case Capability::kDirect: return true;
    case Capability::kClusterControl: return first_word(path) == "policy";
    case Capability::kLocal: return first_word(path) == "alias" || first_word(path) == "config";
  }
  return false;
}

bool accepts_flag(const CommandKind& kind, std::string_view flag) {
  for (std::string_view rest = kind.accepts; !rest.empty();) {
    const std::string_view word = first_word(rest);
    if (word == flag) return true;
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return false;
}

Result<void> check_scope_flags(std::string_view path, const ScopeFlags& flags) {
  const std::array judged{
      Flag{"server", flags.server, "--server addresses a served graph"},
      Flag{"cluster", flags.cluster, "--cluster addresses a cluster-scoped command"},
      Flag{"graph", flags.graph, "--graph selects a graph within a server or cluster scope"},
      Flag{"store", flags.store, "--store addresses a single graph's storage directly"},
      Flag{"as", flags.as, "--as sets the actor for a direct-engine or actor-bound cluster operation"},
      Flag{"profile", flags.profile, "--profile selects a scope bundle"},
  };
  const CommandKind* kind = command_kind(path);
  if (kind == nullptr) return {};
  if (path == "alias") return check_alias_flags(judged);
  for (const Flag& flag : judged) {
    if (flag.value.empty() || accepts_flag(*kind, flag.name)) continue;
    return std::unexpected(bad_request(std::string("`")
                                           .append(label_of(path))
                                           .append("` is a ")
                                           .append(kind_name(kind->capability))
                                           .append(" command; ")
                                           .append(flag.clause)
                                           .append(" and does not apply.")
                                           .append(tail_of(*kind))));
  }
  return {};
}

}  // namespace omnigraph::cli
