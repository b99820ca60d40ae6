// A file that the build puts into the program (tools/cmake/OmnigraphEmbed.cmake). Thread safety: immutable.
#pragma once

#include <string_view>

namespace omnigraph::base {

struct EmbeddedFile {
  std::string_view name;  // relative to its folder, '/'-separated
  std::string_view content;
};

}  // namespace omnigraph::base
