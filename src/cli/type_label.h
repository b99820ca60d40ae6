// How text output names a type of the graph.
#pragma once

#include <string>
#include <string_view>

namespace omnigraph::cli {

// node:T -> node type 'T'
[[nodiscard]] inline std::string type_label(std::string_view type_key) {
  const std::size_t colon = type_key.find(':');
  std::string label(type_key.substr(0, colon));
  return label.append(" type '").append(type_key.substr(colon + 1)).append("'");
}

}  // namespace omnigraph::cli
