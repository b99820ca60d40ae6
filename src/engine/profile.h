// A read with its plan: only planned, or run and measured (exec/profile.h). Thread safety: as Graph.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "engine/graph.h"
#include "exec/profile.h"

namespace omnigraph::engine {

struct ProfiledRead {
  ReadAnswer answer;  // without rows if it was only planned
  exec::ReadProfile profile;
  // To the storage while it ran, of the whole process: confirming the head, opening tables. Operators make none.
  std::uint64_t requests = 0;
  double total_us = 0;  // compiling, opening, planning and running
};

// Arguments and errors of Graph::query.
[[nodiscard]] Result<ProfiledRead> profile_query(Graph& graph, std::string_view source, std::string_view name,
                                                 std::string_view parameters, const ReadTarget& target,
                                                 exec::ProfileScope::Mode mode);

}  // namespace omnigraph::engine
