// Removes history that is no longer wanted, and what interrupted writes left (chapter 09 sections 3 and 9).
//
// Order: old temporary files; survey of all logs; mark; records with their pointers, oldest first; sync of the logs;
// unreferenced objects that were 24 h old when the mark began. Nothing else is ever removed, however long a run stalls.
// Interrupted anywhere, the graph is whole and another run finishes. Runs may overlap each other and any other work.
// Thread safety: free function; may be called concurrently.
// Errors: of the store; kCorruptObject, kUnsupportedFormat for what a kept commit needs and cannot be read: then
// nothing was removed but temporary files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/cleanup_retention.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {

struct CleanupOptions {
  RetentionPolicy policy{};  // empty: every commit stays; left-overs and tables of hard drops go
  // The store's present time; unset: asked of the store, by rewriting the pointer of main's head commit.
  std::optional<std::int64_t> store_now_us{};
};

struct CleanupReport {
  struct Table {
    std::uint64_t bytes_removed = 0;
    std::uint64_t versions_removed = 0;
    std::string error;  // why nothing of the table could be removed; empty = all is well
  };
  std::map<std::string, Table> tables;  // by table key; those of live heads, and dropped ones of which something went
  std::uint64_t commits_removed = 0;
  std::uint64_t blobs_removed = 0;
  std::uint64_t bytes_removed = 0;  // of everything
  std::uint64_t carriers = 0;       // records kept because bytes of newer commits still travel inside them
  std::vector<HistoryHolder> holders;
};

[[nodiscard]] Result<CleanupReport> cleanup(StoreParts& parts, const CleanupOptions& options);

}  // namespace omnigraph::graph
