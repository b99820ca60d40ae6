// The checks of one table version, and of an edge table against its node tables (see verify.h).
// Thread safety: none; one check at a time.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/object_reader.h"
#include "graph/record.h"
#include "graph/snapshot.h"
#include "graph/table_cache.h"
#include "graph/verify.h"

namespace omnigraph::graph {

// Where findings go. One kind is reported once a table version, with its first case and their number.
using FindingSink = std::function<void(VerifyFinding)>;

struct TableCheck {
  RecordPtr record;          // one that references the version
  const Snapshot* snapshot;  // a state that has it
  schema::TypeRef type;
  const TableEntry* entry;
  TableCache* tables;
  bool deep = false;
};

// Data files and deletion bitmaps: there, whole, both copies alike. kGone when the record went meanwhile.
[[nodiscard]] Result<void> check_files(const TableCheck& check, const FindingSink& sink);
// Row ids, ids, keys, unique tuples, values. REQUIRES: check_files found nothing.
[[nodiscard]] Result<void> check_rows(const TableCheck& check, const FindingSink& sink);
// Keys of blob objects that live rows reference; with `deep` the payloads inside the rows are compared to their
// digests.
[[nodiscard]] Result<void> check_blobs(
    const TableCheck& check, const FindingSink& sink,
    const std::function<void(std::string_view key, std::string_view sha256, std::uint64_t size)>& visit_object);
// Endpoints and cardinality of an edge table in one state. REQUIRES: check_files found nothing in the three tables.
[[nodiscard]] Result<void> check_edges(const TableCheck& check, const FindingSink& sink);

// Of an error `corrupt_object: <key>: <what>` the key, else `otherwise`.
[[nodiscard]] std::string key_in(const Error& error, std::string_view otherwise);

}  // namespace omnigraph::graph
