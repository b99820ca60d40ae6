// The cache of base/lru_cache.h, under the name this room knows it by.
#pragma once

#include "base/lru_cache.h"

namespace omnigraph::graph {

using base::LruCache;

}  // namespace omnigraph::graph
