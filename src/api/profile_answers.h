// Plans and profiles of reads as the JSON that the CLI prints and the server sends (chapter 13 section 4).
// Thread safety: free functions.
#pragma once

#include <string>

#include "api/answers.h"
#include "engine/profile.h"

namespace omnigraph::api {

// Planned only: {"query_name", "target", "graph_commit_id", "plan": {"operators": [..]}}; executed: the read answer
// plus "profile": {"operators": [..], "threads", "plan_us", "execute_us", "requests", "total_us"}. Compact.
// False: it stopped, as append_read_answer does.
bool append_profiled_read(std::string& out, const engine::ProfiledRead& read, const ReadShape& shape = {});

}  // namespace omnigraph::api
