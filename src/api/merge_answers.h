// Merges and their previews as the JSON that the CLI prints and the server sends (chapter 03 section 6).
// Thread safety: free functions.
#pragma once

#include <string>

#include "base/json_writer.h"
#include "engine/merge.h"

namespace omnigraph::api {

void write_merge_answer(base::JsonWriter& json, const engine::MergeAnswer& answer);
// `with_changes`: the `changes` of this page too.
void write_diff(base::JsonWriter& json, const engine::DiffAnswer& diff, bool with_changes);

}  // namespace omnigraph::api
