// Page tokens of a diff: the two heads it looks at and how far it came (engine/sealed_token.h).
// Errors: kBadRequest `change cursor rejected: ..`. Thread safety: free functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/record.h"

namespace omnigraph::engine {

struct DiffPageToken {
  graph::RecordPosition source, target;  // records of the two heads
  std::string request;                   // digest of what else was asked for
  std::uint64_t done = 0;                // changes passed, filtered ones included
};

[[nodiscard]] std::string encode_diff_page(const std::string& graph_id, const DiffPageToken& token);
// `request`: digest of the request that brings the token.
[[nodiscard]] Result<DiffPageToken> decode_diff_page(const std::string& graph_id, std::string_view text,
                                                     const std::string& request);

}  // namespace omnigraph::engine
