#include "policy/test_cases.h"

#include <algorithm>
#include <set>

#include "policy/limits.h"
#include "policy/yaml_fields.h"

namespace omnigraph::policy {

namespace {

bool expects_allow(const YAML::Node& node, const std::string& id) {
  const std::string text = text_of(node, "test '" + id + "' field `expect`");
  if (text != "allow" && text != "deny") {
    refuse(node.Mark(), "policy test '" + id + "' expects '" + text + "'; write allow or deny");
  }
  return text == "allow";
}

TestCase read_case(const YAML::Node& node) {
  check_keys(node, "test case", {"id", "actor", "action", "branch", "target_branch", "expect"});
  TestCase out;
  out.id = text_of(node["id"], "test id");
  const std::string name = "test '" + out.id + "'";
  out.request.actor = text_of(node["actor"], name + " field `actor`");
  std::string action = text_of(node["action"], name + " field `action`");
  std::ranges::replace(action, '-', '_');
  const auto known = action_of(action);
  if (!known) refuse(node["action"].Mark(), "policy " + name + " uses unknown action '" + action + "'");
  out.request.action = *known;
  if (has_value(node["branch"])) out.request.branch = text_of(node["branch"], name + " field `branch`");
  if (has_value(node["target_branch"])) {
    out.request.target_branch = text_of(node["target_branch"], name + " field `target_branch`");
  }
  out.allow = expects_allow(node["expect"], out.id);
  return out;
}

std::vector<TestCase> read_cases(const YAML::Node& root) {
  check_keys(root, "tests", {"version", "cases"});
  check_version(root);
  const YAML::Node cases = root["cases"];
  if (!cases.IsDefined() || !cases.IsSequence()) refuse(root.Mark(), "policy tests need a list `cases`");
  std::vector<TestCase> out;
  std::set<std::string> ids;
  for (const auto& node : cases) {
    out.push_back(read_case(node));
    if (!ids.insert(out.back().id).second) refuse(node.Mark(), "duplicate policy test id '" + out.back().id + "'");
  }
  return out;
}

}  // namespace

Result<std::vector<TestCase>> read_test_cases(std::string_view yaml) {
  if (yaml.size() > kPolicyTextSizeMax) {
    return std::unexpected(bad_request("the test file has " + std::to_string(yaml.size()) + " bytes; at most " +
                                       std::to_string(kPolicyTextSizeMax) + " are read"));
  }
  return read_yaml(yaml, "policy test file", read_cases);
}

std::vector<std::string> run_test_cases(const Bundle& bundle, const std::vector<TestCase>& cases) {
  std::vector<std::string> failures;
  for (const TestCase& each : cases) {
    const Decision decision = bundle.authorize(each.request);
    const std::string wanted = each.id + ": expected " + (each.allow ? "Allow" : "Deny") + " but got ";
    if (!decision.failure.empty()) {
      failures.push_back(wanted + "an error: " + decision.message);
    } else if (decision.allowed != each.allow) {
      failures.push_back(wanted + (decision.allowed ? "allow" : "deny"));
    }
  }
  return failures;
}

}  // namespace omnigraph::policy
