// Adjacency of edge tables, taken from stored rows of their data files (index/edge_rows.h) where these and the node
// tables allow it, else built from their endpoint columns; shared by all snapshots for which it is the same:
// same edge table version, and nodes that only gained rows behind the ones it knows. Of each direction of an edge table
// the newest stays; the others go when all together exceed a budget of memory.
// Thread safety: all methods may be called concurrently; one direction of one edge table is built by one thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/cache_use.h"
#include "base/result.h"
#include "graph/snapshot.h"
#include "graph/table_view.h"
#include "index/adjacency.h"

namespace omnigraph::graph {

using AdjacencyPtr = std::shared_ptr<const index::Adjacency>;

class AdjacencyCache {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{512} << 20;
  explicit AdjacencyCache(std::uint64_t bytes_max = kBytesMax);
  ~AdjacencyCache();
  AdjacencyCache(const AdjacencyCache&) = delete;
  AdjacencyCache& operator=(const AdjacencyCache&) = delete;

  // `edges_key` names the edge table's version (its manifest key). Errors: those of the views.
  [[nodiscard]] Result<AdjacencyPtr> get(const std::string& edges_key, const TableViewPtr& edges,
                                         const TableViewPtr& sources, const TableViewPtr& targets,
                                         AdjacencyDirection direction);

 private:
  struct Entry {
    std::string edges_key;
    TableViewPtr sources, targets;
    bool all_resolved = false;  // no endpoint was looked up by id
    AdjacencyPtr adjacency;
  };
  struct Slot {
    std::mutex mutex;          // held while building
    std::list<Entry> entries;  // newest first
  };
  void keep(Slot& slot, Entry entry);  // and drops what is too much. REQUIRES: slot.mutex is held
  using SlotKey = std::pair<std::string, AdjacencyDirection>;  // folder of the edge table

  const std::uint64_t bytes_max_;
  base::CacheUse& use_;
  base::CacheLedger ledger_;
  std::mutex mutex_;  // guards slots_
  std::map<SlotKey, std::shared_ptr<Slot>> slots_;
};

// Whether every live row of `before` has the same ordinal in `after`, and every further live row of `after` has a row
// id that `before` had not given out. Compares only where the fragments differ; gives up (false) on large differences.
[[nodiscard]] bool only_appended(const TableView& before, const TableView& after);

}  // namespace omnigraph::graph
