// Places in source text: line, column and the excerpt with a caret that both languages show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace omnigraph::base {

// Byte range [begin, end) of a source text.
struct SourceSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct SourcePlace {
  std::size_t line = 1;    // from 1
  std::size_t column = 1;  // from 1, in code points
};

[[nodiscard]] SourcePlace place_of(std::string_view source, std::size_t offset);

// Several lines, no final newline:
//   --> ships.gq:2:24
//   |
// 2 |   match { $s: Ship  $s docksIn $p }
//   |                        ^^^^^^^
//   = did you mean 'docksAt' (Ship -> Port)?
// Carets are placed by display width. `file` may be empty (then only line:column); `help` may be empty.
[[nodiscard]] std::string render_excerpt(std::string_view source, SourceSpan span, std::string_view file,
                                         std::string_view help);

}  // namespace omnigraph::base
