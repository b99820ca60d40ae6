// YAML values as JSON: parameters that a configuration file holds. Throws YAML::Exception for values without a JSON
// form, to be caught where the file is parsed. Thread safety: free functions.
#pragma once

#include <string>

namespace YAML {
class Node;
}

namespace omnigraph::cli {

// Compact. Plain scalars are null, booleans and numbers where they read as such, quoted ones always strings.
[[nodiscard]] std::string json_of(const YAML::Node& node);
// As json_of; a node that is no mapping is an error naming `where`. Empty for a node that is not there.
[[nodiscard]] std::string json_object_of(const YAML::Node& node, const std::string& where);

}  // namespace omnigraph::cli
