// What each command may address: the table of chapter 05 section 2.2, and its refusals. A command that is new needs a
// row in capability.cc. Thread safety: free functions over constants.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace omnigraph::cli {

enum class Capability { kData, kServed, kDirect, kClusterControl, kLocal };

// The global flags that select a scope, in the order in which they are judged.
struct ScopeFlags {
  std::string server, graph, store, cluster, profile, as;  // empty: not given
};

// Flags of the older project file, which data, direct and policy commands and `graphs list` take.
struct ProjectFlags {
  std::string config, target;  // empty: not given
};

struct CommandKind {
  std::string_view path;  // "branch create"; a bare first word stands for all commands below it
  Capability capability;
  std::string_view accepts;  // of "server graph store cluster profile as", blank-separated
};

// `path`: the words of the command without the program. nullptr: no row.
[[nodiscard]] const CommandKind* command_kind(std::string_view path);
// The first given flag that `path` does not take: kBadRequest. Before any file or network access.
[[nodiscard]] Result<void> check_scope_flags(std::string_view path, const ScopeFlags& flags);
// Whether the command takes --config FILE and --target NAME.
[[nodiscard]] bool takes_project_flags(std::string_view path);
[[nodiscard]] bool accepts_flag(const CommandKind& kind, std::string_view flag);

}  // namespace omnigraph::cli
