// Checks a write set against its base snapshot (chapter 01 section 5, chapter 03 section 2.4) and turns it into new
// data files and deletions. No record, no manifest: graph/publish does these. Nothing here is visible to readers.
// Thread safety: free function.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/record.h"
#include "graph/snapshot.h"
#include "graph/violation.h"
#include "graph/write_set.h"
#include "lance/manifest.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

struct NewObject {
  std::string key;
  Buffer bytes;
};

struct FileRows;  // graph/data_file.h

// One table after the write.
struct PreparedTable {
  schema::TypeRef type;
  // Fragments that are new: ids 0 (the manifest gives them), files, physical rows and row ids set.
  std::vector<lance::Fragment> added;
  // Base fragments (by index in the base manifest, ascending) that go whole: emptied, overwritten or folded into
  // `added`.
  std::vector<std::size_t> removed_fragments;
  // Base fragments that stay with more deleted positions: index -> all deleted positions, ascending.
  std::map<std::size_t, std::vector<std::uint32_t>> deletions;
  std::uint64_t next_row_id = 0;
  ChangeCounts counts;
  std::uint64_t live_rows = 0;
  // Positions of `added` (by index in it) that are deleted already, ascending: rows that went while maintenance wrote
  // them anew.
  std::map<std::size_t, std::vector<std::uint32_t>> added_deletions{};
  // `added` holds the rows of `removed_fragments` again: only where they lie changes.
  bool is_rewrite = false;
  // Newest foreign version of the table that this change deals with.
  std::optional<std::uint64_t> adopted{};
};

struct PreparedWrite {
  std::vector<PreparedTable> tables;  // only tables that change, ascending by type
  std::vector<NewObject> small;       // data files still in memory: attached or uploaded by the publisher
  std::vector<std::string> uploaded;  // keys already in the store
  // Of small data files among `small`, by key: what the table cache may know of them (TableCache::note_rows).
  std::map<std::string, std::shared_ptr<const FileRows>> rows;
  // Footprint: tables whose content decided the outcome (read or written), for the race check.
  std::set<schema::TypeRef> footprint;
};

// Data files reused by later attempts of one write: nothing in them depends on the head.
class PreparedFileCache;
[[nodiscard]] std::shared_ptr<PreparedFileCache> make_prepared_file_cache();

struct PrepareOptions {
  // Violations of constraints are collected here, all of them, instead of ending the work at the first. If there are
  // any, nothing is built.
  std::vector<Violation>* violations = nullptr;
  bool check_only = false;  // nothing is built and nothing reaches the store
  bool folds = true;        // small base fragments are written again with the new rows (prepare_fold.h)
};

// A violation is the error itself: kBadRequest with the texts of chapter 01 section 5, kConflict key_conflict.
// Order of checks: enum, @range, @check, missing values; @key and @unique; endpoints; @card; id conflicts. kCancelled
// after all of them: vectors to fill in are missing (graph/vector_fill.h).
[[nodiscard]] Result<PreparedWrite> prepare_write(const Snapshot& base, const WriteSet& writes,
                                                  objectstore::ObjectStore& store, PreparedFileCache& cache,
                                                  const PrepareOptions& options = {});

}  // namespace omnigraph::graph
