// Change history as the JSON that the CLI prints and the server sends (chapter 03 section 7). Compact; every function
// appends one JSON value. Thread safety: free functions.
#pragma once

#include <string>

#include "engine/changes.h"

namespace omnigraph::api {

void append_cause(std::string& out, const engine::ChangeCause& cause);
void append_change(std::string& out, const engine::Change& change);
void append_block(std::string& out, const engine::ChangeBlock& block);  // {"cause","changes"}
void append_commit_changes(std::string& out, const engine::CommitChangesPage& page);
void append_poll_page(std::string& out, const engine::ChangePollPage& page);
void append_baseline(std::string& out, const engine::Baseline& baseline);

}  // namespace omnigraph::api
