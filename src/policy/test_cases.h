// The expectations of `omnigraph policy test`: who should be allowed what (chapter 08 section 8).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/bundle.h"

namespace omnigraph::policy {

struct TestCase {
  std::string id;
  Request request;
  bool allow = false;
};

// YAML: `version: 1`, `cases: [{id, actor, action, branch?, target_branch?, expect: allow|deny}]`. kBadRequest with
// line and column.
[[nodiscard]] Result<std::vector<TestCase>> read_test_cases(std::string_view yaml);

// One line a case that came out otherwise: `<id>: expected Allow but got deny`.
[[nodiscard]] std::vector<std::string> run_test_cases(const Bundle& bundle, const std::vector<TestCase>& cases);

}  // namespace omnigraph::policy
