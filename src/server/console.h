// The console's files (web/console), which the program carries. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace omnigraph::server {

struct ConsoleFile {
  std::string_view name;
  std::span<const unsigned char> content;
};

// Written at build time (tools/cmake/embed_files.cmake).
[[nodiscard]] std::span<const ConsoleFile> console_files();

}  // namespace omnigraph::server
