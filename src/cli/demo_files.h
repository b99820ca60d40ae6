// The example cluster `examples/festival`, which the build puts into the program (tools/cmake/OmnigraphEmbed.cmake).
// Thread safety: immutable.
#pragma once

#include <string_view>
#include <vector>

namespace omnigraph::cli {

struct EmbeddedFile {
  std::string_view name;  // relative, '/'-separated
  std::string_view text;
};

[[nodiscard]] const std::vector<EmbeddedFile>& demo_files();

}  // namespace omnigraph::cli
