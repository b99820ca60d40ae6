// `.pg` text to a catalog (chapter 01 sections 1 to 7). Reports every mistake it can find in one run: the first
// one is the error's message, the others follow in its context.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

struct ParseOptions {
  std::string_view file = "";  // for diagnostics
  // An already accepted schema opens although today's admission rules would refuse it (chapter 01 section 7).
  bool accepted = false;
};

// Errors: kBadRequest, `parse error: ..` or `catalog error: ..` with line, column and caret.
[[nodiscard]] Result<std::shared_ptr<const Catalog>> parse_schema(std::string_view source,
                                                                  const ParseOptions& options = {});

}  // namespace omnigraph::schema
