// schema plan, schema apply (chapter 01 section 8; chapter 05 sections 5.6 and 5.9).
#pragma once

#include <string>

#include "cli/command.h"

namespace omnigraph::cli {

// Below the `schema` group.
void add_schema_changes(Command schema, Context& context, Run& run);

// ROOT/graphs/ID.omni below a cluster's root belongs to the cluster, which makes and changes its graphs itself.
[[nodiscard]] bool inside_cluster(const std::string& uri);

}  // namespace omnigraph::cli
