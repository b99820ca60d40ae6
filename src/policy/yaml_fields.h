// Reading YAML by hand with every mistake named: unknown and repeated keys, wrong kinds, blank texts. For the readers
// of this room alone. Mistakes leave by a throw, as those of yaml-cpp do, and end in read_yaml().
#pragma once

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/bundle.h"

namespace omnigraph::policy {

struct YamlRefused {
  std::string message;
};

// Adds line and column where there is a place.
[[noreturn]] void refuse(const YAML::Mark& mark, std::string message);
// Messages begin with `policy <where>`.
void check_keys(const YAML::Node& map, std::string_view where, std::initializer_list<std::string_view> known);
// A string that is not blank.
[[nodiscard]] std::string text_of(const YAML::Node& node, std::string_view what);
[[nodiscard]] bool has_value(const YAML::Node& node);  // neither absent nor null
void check_version(const YAML::Node& root);            // `policy version must be 1`

// Runs `read` on the parsed text. kBadRequest: what it refused, or what YAML did; `file` names the text.
template <class Read>
auto read_yaml(std::string_view text, std::string_view file, const Read& read) -> Result<decltype(read(YAML::Node()))> {
  try {
    return read(YAML::Load(std::string(text)));
  } catch (const YamlRefused& refused) {
    return std::unexpected(bad_request(refused.message));
  } catch (const YAML::Exception& error) {
    return std::unexpected(bad_request(std::string(file).append(" is not valid YAML: ").append(error.what())));
  }
}

}  // namespace omnigraph::policy
