// A preview of a merge, as the JSON of chapter 03 section 6, in the other formats of the command line.
// REQUIRES everywhere: valid compact JSON. Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace omnigraph::cli {

// Counts per type, then fields old and new, then conflicts. `pages`: of one diff, the first one first.
[[nodiscard]] std::string diff_text(const std::vector<std::string>& pages);
// One line {"summary":..}, then one {"conflict":..} and {"change":..} each.
[[nodiscard]] std::string diff_lines(const std::vector<std::string>& pages);
// All pages as one document; the last page's `next_page_token` stays.
[[nodiscard]] std::string diff_json(const std::vector<std::string>& pages);

}  // namespace omnigraph::cli
