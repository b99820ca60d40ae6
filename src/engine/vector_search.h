// How this process searches vectors: OMNIGRAPH_VECTOR_SEARCH, `exact` (the default) or `approximate` (chapter 04
// section 2.4). For front ends, at their start. Thread safety: free function.
#pragma once

#include "base/result.h"

namespace omnigraph::engine {

// Errors: kBadRequest naming the variable, for any other value.
[[nodiscard]] Result<void> configure_vector_search();

}  // namespace omnigraph::engine
