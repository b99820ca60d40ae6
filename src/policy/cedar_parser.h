// Policies from text. Recursive descent over the tokens; after a mistake reading goes on behind the next `;`, so that
// several are reported at once (kMistakesMax).
// Errors: kBadRequest with line and column; templates (`?principal`, `?resource`) are read and refused.
// Thread safety: free function.
// Source: Cedar policy language reference, "Grammar".
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/cedar_ast.h"

namespace omnigraph::policy::cedar {

// In the order of the text, with ids policy0, policy1, ..
[[nodiscard]] Result<std::vector<Policy>> parse_policies(std::string_view text);

}  // namespace omnigraph::policy::cedar
