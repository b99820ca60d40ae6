// Which errors tell of the objects themselves and not of the store: a report lists them and goes on.
#pragma once

#include "base/error.h"

namespace omnigraph::graph {

[[nodiscard]] inline bool is_damage(const Error& error) {
  return error.code == Code::kCorruptObject || error.code == Code::kUnsupportedFormat ||
         error.code == Code::kResourceLimit;
}

}  // namespace omnigraph::graph
