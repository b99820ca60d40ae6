// The example cluster `examples/festival`, which the program carries (base/embedded_file.h). Thread safety: immutable.
#pragma once

#include <span>

#include "base/embedded_file.h"

namespace omnigraph::cli {

[[nodiscard]] std::span<const base::EmbeddedFile> demo_files();

}  // namespace omnigraph::cli
