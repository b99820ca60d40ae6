// The objects that a state of the graph references, besides commit records.
// Thread safety: free functions; a FreshReader as its parts.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph/commit_log.h"
#include "graph/object_reader.h"
#include "graph/snapshot_factory.h"
#include "graph/store_parts.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

// Every object of a table version: the manifest, its data files, both copies of each deletion bitmap.
[[nodiscard]] std::set<std::string> objects_of_version(const std::string& manifest_key,
                                                       const lance::Manifest& manifest);
// The dataset folder a key lies in; empty for keys outside of tables/.
[[nodiscard]] std::string table_root_of_object(std::string_view key);

// Reads of the store itself, past what this process remembers of it: who judges what is stored must not trust a cache.
struct FreshReader {
  explicit FreshReader(StoreParts& parts)
      : log(std::make_shared<CommitLog>(parts.store, parts.clock, parts.file.first_seq())),
        objects(std::make_shared<const ObjectReader>(parts.store, log, ObjectReader::Copies::kIgnored)),
        tables(std::make_shared<TableCache>(objects, !parts.store->local_root().has_value())),
        snapshots(std::make_shared<SnapshotFactory>(tables)) {}

  const std::shared_ptr<CommitLog> log;
  const std::shared_ptr<const ObjectReader> objects;
  const std::shared_ptr<TableCache> tables;
  const std::shared_ptr<SnapshotFactory> snapshots;
};

using RecordAt = std::pair<std::string, std::uint64_t>;  // branch, seq

// Runs `read` with one record after another, all of which reference what it reads, until it succeeds. Records that a
// cleanup takes meanwhile are passed over; false: all were. Other errors are those of `read`.
[[nodiscard]] Result<bool> with_some_record(FreshReader& reader, const std::vector<RecordAt>& records,
                                            const std::function<Result<void>(const RecordPtr&)>& read);

}  // namespace omnigraph::graph
