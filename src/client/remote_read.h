// A served read answer: rows keep the JSON text the server sent. Thread safety: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph.h"

namespace omnigraph::client {

struct RemoteRead {
  std::string body;  // the whole answer, compact
  std::string query_name;
  engine::ReadTarget target;
  std::vector<std::string> columns;             // without any in the answer: the sorted union of the row keys
  std::vector<std::string> rows;                // each a compact JSON object
  std::vector<std::vector<std::string>> cells;  // JSON text by row and column; `null` where a row has no such key
};

// Errors: kInternal for a body that is no read answer.
[[nodiscard]] Result<RemoteRead> remote_read_of(std::string compact_body);

}  // namespace omnigraph::client
