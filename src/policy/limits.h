// Limits of policy texts. Exceeding one is an error that names it.
#pragma once

#include <cstddef>

namespace omnigraph::policy {

// A bundle is read by every server at boot and by people; a megabyte is some ten thousand rules.
inline constexpr std::size_t kPolicyTextSizeMax = std::size_t{1} << 20;
// Brackets, braces, `if` and set or record types inside each other: what the parsers recurse over. About a dozen frames
// of the stack a level.
inline constexpr std::size_t kNestingMax = 100;
// Levels of an expression tree, `a + b + c` having two: what the evaluator and the type checker recurse over.
inline constexpr std::size_t kExpressionHeightMax = 400;
// Nodes of all expressions of one text. Operands that the core language needs twice (`x has a.b`, `x is T in e`) are
// copied, and copies of copies would grow without bound.
inline constexpr std::size_t kExpressionNodesMax = 500'000;
// Mistakes reported for one text.
inline constexpr std::size_t kMistakesMax = 8;

}  // namespace omnigraph::policy
