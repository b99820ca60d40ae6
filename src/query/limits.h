// Limits of the query language's parser. Exceeding one is a parse error.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omnigraph::query {

// `not { }` blocks, function calls and lists inside one another. Parser and binder recurse this deep; written
// queries need a handful.
inline constexpr std::size_t kNestingDepthMax = 64;
// Operations on top of each other: `a + b + c` is 2 high. The binder and the evaluation recurse this deep.
inline constexpr std::uint32_t kExpressionHeightMax = 256;
// One typing slip rarely causes more; a file that is no query at all should not fill the screen.
inline constexpr std::size_t kReportedMistakesMax = 10;
// Variables of a query, and one for each `not { }` or `optional { }` inside another: sets of them are bitmaps of this
// size. Written queries need a dozen.
inline constexpr std::size_t kQueryVariablesMax = 256;
// Params are flat: an array of scalars is depth 2.
inline constexpr std::size_t kParameterDepthMax = 64;

// Node and edge variables of one read query, with one place for each level of `not { }` and one for its result: a plan
// keeps them in sets of this size.
inline constexpr std::size_t kVariablesMax = 256;

}  // namespace omnigraph::query
