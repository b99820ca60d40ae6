#include "policy/yaml_fields.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace omnigraph::policy {

void refuse(const YAML::Mark& mark, std::string message) {
  if (!mark.is_null()) {
    message += " (line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ")";
  }
  throw YamlRefused{std::move(message)};
}

void check_keys(const YAML::Node& map, std::string_view where, std::initializer_list<std::string_view> known) {
  if (!map.IsMap()) refuse(map.Mark(), "policy " + std::string(where) + " must be a map");
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>();
    if (std::ranges::find(known, key) == known.end()) {
      refuse(entry.first.Mark(), "policy " + std::string(where) + " has unknown field `" + key + "`");
    }
    if (!seen.insert(key).second) {
      refuse(entry.first.Mark(), "policy " + std::string(where) + " repeats field `" + key + "`");
    }
  }
}

std::string text_of(const YAML::Node& node, std::string_view what) {
  if (!node.IsDefined() || !node.IsScalar()) {
    refuse(node.IsDefined() ? node.Mark() : YAML::Mark::null_mark(),
           "policy " + std::string(what) + " must be a string");
  }
  auto text = node.as<std::string>();
  if (base::trim_unicode(text).empty()) refuse(node.Mark(), "policy " + std::string(what) + " must not be blank");
  return text;
}

bool has_value(const YAML::Node& node) { return node.IsDefined() && !node.IsNull(); }

void check_version(const YAML::Node& root) {
  const YAML::Node version = root["version"];
  if (version.IsDefined() && version.IsScalar() && version.Scalar() == "1") return;
  refuse(version.IsDefined() ? version.Mark() : YAML::Mark::null_mark(), "policy version must be 1");
}

}  // namespace omnigraph::policy
