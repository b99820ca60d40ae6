// Limits of the query language's parser. Exceeding one is a parse error.
#pragma once

#include <cstddef>

namespace omnigraph::query {

// `not { }` blocks, function calls and lists inside one another. Parser and binder recurse this deep; written
// queries need a handful.
inline constexpr std::size_t kNestingDepthMax = 64;
// One typing slip rarely causes more; a file that is no query at all should not fill the screen.
inline constexpr std::size_t kReportedMistakesMax = 10;
// Params are flat: an array of scalars is depth 2.
inline constexpr std::size_t kParameterDepthMax = 64;

}  // namespace omnigraph::query
