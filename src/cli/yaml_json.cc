#include "cli/yaml_json.h"

#include <yaml-cpp/yaml.h>

#include "base/json_writer.h"
#include "client/raw_json.h"

namespace omnigraph::cli {

namespace {

// YAML's plain numbers are JSON's but for a leading '+', hexadecimal and the like, which stay strings.
bool is_json_number(const std::string& text) {
  if (text.empty() || (text.front() != '-' && (text.front() < '0' || text.front() > '9'))) return false;
  return client::compact_json(text).has_value();
}

void append_scalar(std::string& out, const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const bool quoted = node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str";
  if (quoted) {
    base::append_json_string(out, text);
  } else if (text == "true" || text == "false" || is_json_number(text)) {
    out.append(text);
  } else {
    base::append_json_string(out, text);
  }
}

void append(std::string& out, const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null: out.append("null"); return;
    case YAML::NodeType::Scalar: append_scalar(out, node); return;
    case YAML::NodeType::Sequence: {
      out.push_back('[');
      bool first = true;
      for (const YAML::Node& item : node) {
        if (!std::exchange(first, false)) out.push_back(',');
        append(out, item);
      }
      out.push_back(']');
      return;
    }
    case YAML::NodeType::Map: {
      out.push_back('{');
      bool first = true;
      for (const auto& entry : node) {
        if (!std::exchange(first, false)) out.push_back(',');
        base::append_json_string(out, entry.first.Scalar());
        out.push_back(':');
        append(out, entry.second);
      }
      out.push_back('}');
    }
  }
}

}  // namespace

bool yaml_present(const YAML::Node& node) { return node.IsDefined() && !node.IsNull(); }

std::optional<std::string> yaml_text(const YAML::Node& node) {
  if (!yaml_present(node)) return std::nullopt;
  if (!node.IsScalar()) throw YAML::Exception(node.Mark(), "expected a string");
  return node.Scalar();
}

std::string json_of(const YAML::Node& node) {
  std::string out;
  append(out, node);
  return out;
}

std::string json_object_of(const YAML::Node& node, const std::string& where) {
  if (!node.IsDefined() || node.IsNull()) return "";
  if (!node.IsMap()) throw YAML::Exception(node.Mark(), "`" + where + "` must be a mapping");
  return json_of(node);
}

}  // namespace omnigraph::cli
