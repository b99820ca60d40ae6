// Plans and profiles of reads as text, one operator a line: what feeds an operator stands below it, indented.
// Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>

namespace omnigraph::cli {

// `answer`: the compact JSON of an explained or measured read (api/profile_answers.h). Several lines.
[[nodiscard]] std::string render_plan(std::string_view answer);

}  // namespace omnigraph::cli
