// The parts of completion that do not look at the command tree: live values and the scripts.

#include <map>

#include "cli/completion.h"
#include "cli/credentials.h"
#include "schema/parser.h"

namespace omnigraph::cli {

namespace {

template <class Map>
std::vector<std::string> keys(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

// The graph on this machine that the words address. Others would make the shell wait for a network.
std::shared_ptr<engine::Graph> local_graph(const OperatorConfig& config, const CompletionAddress& address) {
  const auto scope = resolve_scope(address.flags, config, address.own_uri, Capability::kData, "branch list");
  if (!scope || scope->kind != ScopeKind::kStore || !is_local(scope->address)) return nullptr;
  auto graph = engine::Graph::open(scope->address);
  return graph ? *graph : nullptr;
}

std::vector<std::string> type_names(engine::Graph& graph) {
  const auto source = graph.schema_source("main");
  if (!source) return {};
  const auto catalog = schema::parse_schema(*source, {.accepted = true});
  if (!catalog) return {};
  std::vector<std::string> names;
  for (const auto& node : (*catalog)->nodes) names.push_back(node.name);
  for (const auto& edge : (*catalog)->edges) names.push_back(edge.name);
  return names;
}

constexpr std::string_view kBash = R"script(# omnigraph completion for bash: source this file
_omnigraph() {
  local line words current i
  COMPREPLY=()
  words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  current="${COMP_WORDS[COMP_CWORD]}"
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      while IFS= read -r i; do COMPREPLY+=("$i"); done < <(compgen -f -- "$current")
      compopt -o filenames 2>/dev/null
    else
      COMPREPLY+=("$line")
    fi
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}
complete -F _omnigraph omnigraph
)script";

constexpr std::string_view kZsh = R"script(#compdef omnigraph
# omnigraph completion for zsh: put this file as _omnigraph into a folder of $fpath
_omnigraph() {
  local -a found
  local line
  for line in ${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    if [[ $line == :files ]]; then _files; else found+=("$line"); fi
  done
  (( ${#found} )) && compadd -- "${found[@]}"
}
if [[ ${funcstack[1]} == _omnigraph ]]; then _omnigraph "$@"; else compdef _omnigraph omnigraph; fi
)script";

constexpr std::string_view kFish =
    R"script(# omnigraph completion for fish: put this file into ~/.config/fish/completions
function __omnigraph_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
    if test $line = :files
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c omnigraph -f -a '(__omnigraph_complete)'
)script";

}  // namespace

std::vector<std::string> live_values(Values kind, const CompletionAddress& address) {
  std::vector<std::string> warnings;
  const auto config = read_operator_config(operator_home(), warnings);
  if (!config) return {};
  switch (kind) {
    case Values::kServer: return keys(config->servers);
    case Values::kCluster: return keys(config->clusters);
    case Values::kProfile: return keys(config->profiles);
    case Values::kAlias: return keys(config->aliases);
    case Values::kBranch:
    case Values::kType: {
      const auto graph = local_graph(*config, address);
      if (graph == nullptr) return {};
      if (kind == Values::kType) return type_names(*graph);
      return graph->branches().value_or(std::vector<std::string>{});
    }
    case Values::kText:
    case Values::kFile: break;
  }
  return {};
}

std::string completion_script(std::string_view shell) {
  return std::string(shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish);
}

}  // namespace omnigraph::cli
