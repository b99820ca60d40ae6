// Reading YAML: optional members, and values as JSON (parameters that a configuration file holds). Throws
// YAML::Exception for values of another form than asked for, to be caught where the file is parsed. Thread safety: free
// functions.
#pragma once

#include <optional>
#include <string>

namespace YAML {
class Node;
}

namespace omnigraph::cli {

[[nodiscard]] bool yaml_present(const YAML::Node& node);                     // there, and not null
[[nodiscard]] std::optional<std::string> yaml_text(const YAML::Node& node);  // nullopt: absent; throws for no scalar

// Compact. Plain scalars are null, booleans and numbers where they read as such, quoted ones always strings.
[[nodiscard]] std::string json_of(const YAML::Node& node);
// As json_of; a node that is no mapping is an error naming `where`. Empty for a node that is not there.
[[nodiscard]] std::string json_object_of(const YAML::Node& node, const std::string& where);

}  // namespace omnigraph::cli
