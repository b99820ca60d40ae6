#include "engine/graph_cleanup.h"

#include <charconv>
#include <limits>
#include <string>
#include <utility>

namespace omnigraph::engine {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {{"", 1},     {"s", 1},      {"m", 60},
                                                                 {"h", 3600}, {"d", 86'400}, {"w", 604'800}};

}  // namespace

Result<std::uint64_t> parse_duration(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::string shown(text);
  if (failed != std::errc()) {
    return std::unexpected(
        bad_request("invalid duration '" + shown + "'; use a number and one of s m h d w, e.g. 30d"));
  }
  for (const auto& [name, seconds] : kUnits) {
    if (unit != name) continue;
    // Ages are compared in microseconds.
    if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()} / kMicrosPerSecond / seconds) {
      return std::unexpected(bad_request("invalid duration '" + shown + "': it is too long"));
    }
    return number * seconds;
  }
  return std::unexpected(
      bad_request("unknown duration unit '" + std::string(unit) + "' in '" + shown + "'; use one of s m h d w"));
}

Result<graph::CleanupReport> cleanup_graph(Graph& graph, const CleanupRequest& request) {
  graph::CleanupOptions options;
  options.policy.keep = request.keep;
  if (request.older_than_secs) {
    options.policy.older_than_us = static_cast<std::int64_t>(*request.older_than_secs) * kMicrosPerSecond;
  }
  return graph::cleanup(graph.storage().parts(), options);
}

}  // namespace omnigraph::engine
