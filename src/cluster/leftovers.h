// Temporary files that interrupted commands left below `__cluster/` of a local root. Nothing reads them; they only take
// room. A bucket has none. Thread safety: free functions.
#pragma once

#include <cstdint>

#include "cluster/diagnostic.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

// Whoever writes a younger one may still be at it; the longest write of the control plane takes seconds.
inline constexpr std::int64_t kLeftoverAgeUs = std::int64_t{3'600} * 1'000'000;

// A warning `temporary_leftover` for each.
void name_leftovers(const StorageRoot& root, Diagnostics& diagnostics);
// Removes them; what cannot be removed is a warning of the same code. REQUIRES: the lock is held.
void remove_leftovers(const StorageRoot& root, Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
