// Findings of the control plane (chapter 06 section 1): stable code, severity, where, and what to do about it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace omnigraph::cluster {

enum class Severity { kError, kWarning };

struct Diagnostic {
  std::string code;
  Severity severity = Severity::kError;
  std::string path;  // YAML path, resource address, file or location
  std::string message;
};

using Diagnostics = std::vector<Diagnostic>;

inline void add_error(Diagnostics& to, std::string code, std::string path, std::string message) {
  to.push_back({std::move(code), Severity::kError, std::move(path), std::move(message)});
}
inline void add_warning(Diagnostics& to, std::string code, std::string path, std::string message) {
  to.push_back({std::move(code), Severity::kWarning, std::move(path), std::move(message)});
}
inline bool has_errors(const Diagnostics& diagnostics) {
  return std::ranges::any_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

}  // namespace omnigraph::cluster
