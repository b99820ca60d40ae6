// Bounds that a front end puts around the reads of a thread (exec/read_scope.h).
#pragma once

#include "exec/read_scope.h"

namespace omnigraph::engine {

using ReadBounds = exec::ReadScope;

}  // namespace omnigraph::engine
