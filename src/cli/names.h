// Names in messages. Thread safety: free functions.
#pragma once

#include <string>
#include <vector>

namespace omnigraph::cli {

[[nodiscard]] inline std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace omnigraph::cli
