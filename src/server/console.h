// The console's files (web/console), which the program carries (base/embedded_file.h). Thread safety: immutable.
#pragma once

#include <span>

#include "base/embedded_file.h"

namespace omnigraph::server {

[[nodiscard]] std::span<const base::EmbeddedFile> console_files();

}  // namespace omnigraph::server
