// What `embed` fills in and which rows it touches (chapter 04 section 7). Thread safety: free functions and values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::cli {

struct SeedTarget {
  std::string target;               // the property that takes the vector
  std::vector<std::string> fields;  // whose values make the text, in order
};

struct SeedSpec {
  std::uint32_t dimension = 0;
  std::map<std::string, SeedTarget, std::less<>> types;
};
// `{"dimension":N,"types":{"T":{"target":"vec","fields":["a"]}}}`; other members are ignored. `where` names it in
// errors (kBadRequest).
[[nodiscard]] Result<SeedSpec> read_seed_spec(std::string_view json, const std::string& where);

// `[T:]field=value`.
struct SeedSelector {
  std::optional<std::string> type;
  std::string field, value;
};
[[nodiscard]] Result<SeedSelector> read_seed_selector(std::string_view text);

// A seed manifest, its paths resolved.
struct SeedManifest {
  std::string input, output;
  SeedSpec spec;
};
[[nodiscard]] Result<SeedManifest> read_seed_manifest(const std::string& path);

}  // namespace omnigraph::cli
