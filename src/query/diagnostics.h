// Builds the errors of the query language: message, place and the line with a caret.
// Thread safety: value types; the source must outlive them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/source_text.h"

namespace omnigraph::query {

// One syntax mistake. `text` says what was expected; `help` may be empty.
struct Mistake {
  base::SourceSpan span;
  std::string text;
  std::string help{};
};

struct SourceRef {
  std::string_view text;
  std::string_view file;  // may be empty
};

// The text in single quotes, as messages show names.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string dollar(std::string_view variable);  // $name

// `parse error: TEXT at LINE:COLUMN`, further mistakes in the context. REQUIRES: mistakes not empty.
[[nodiscard]] Error parse_error(const SourceRef& source, const std::vector<Mistake>& mistakes);

// `type error: CODE: TEXT`; without the code when `code` is empty.
[[nodiscard]] Error type_error(const SourceRef& source, std::string_view code, std::string_view text,
                               base::SourceSpan span, std::string_view help = "");

}  // namespace omnigraph::query
