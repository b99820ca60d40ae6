// The operator's settings: `config.yaml` in $OMNIGRAPH_HOME, else ~/.omnigraph (chapter 05 section 3).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace omnigraph::cli {

struct OperatorConfig {
  std::optional<std::string> actor;
  std::optional<std::string> default_store;
  std::optional<std::string> output;  // table kv csv jsonl json
  std::size_t table_max_column_width = 80;
  bool table_wrap = false;
};

[[nodiscard]] std::filesystem::path operator_home();
// A missing file is an empty config. Unknown keys go to `warnings`. Errors: `could not parse operator config ..`.
[[nodiscard]] Result<OperatorConfig> read_operator_config(const std::filesystem::path& home,
                                                          std::vector<std::string>& warnings);

}  // namespace omnigraph::cli
