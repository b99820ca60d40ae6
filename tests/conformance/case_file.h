// The text format of conformance cases (chapter 12 section 2.5): `== word arguments` opens a step, its body runs to the
// next one, trailing blank lines are dropped, a line starting with `#` is prose.
#pragma once

#include <string>
#include <vector>

namespace omnigraph::conformance {

struct Step {
  std::string word;       // schema load query mutate branch merge optimize reopen rows changed error
  std::string branch;     // from `@BRANCH` after the word; empty = main
  std::string arguments;  // the rest of the line
  std::string body;
  std::size_t line = 0;        // of the `==`
  std::size_t body_begin = 0;  // line numbers of the body, [begin, end)
  std::size_t body_end = 0;
};

struct CaseFile {
  std::string path;
  std::vector<std::string> lines;
  std::vector<Step> steps;
};

// Throws std::runtime_error naming file and line (tests only).
[[nodiscard]] CaseFile read_case_file(const std::string& path);
// Replaces the bodies of the steps whose line is a key.
void rewrite_case_file(const CaseFile& file, const std::vector<std::pair<std::size_t, std::string>>& bodies);

}  // namespace omnigraph::conformance
