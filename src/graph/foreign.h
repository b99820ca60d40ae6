// The ordinary version chain of a table as it lies in the store: what other tools see, and what they may have put on
// top (chapter 09 section 5, "Lance HEAD on main").
// Thread safety: free functions on values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "graph/table_cache.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

struct RegularVersion {
  std::uint64_t version = 0;  // 0: the chain is empty
  std::string key;
  ManifestPtr manifest;               // null: empty, or a form that is not read here
  std::optional<Error> unreadable{};  // why
  bool ours = false;                  // it names its own number
  std::string commit_id;              // ours: whose content it is
};

// The newest regular version below `table_root`. One list and one get. Errors: of the store.
[[nodiscard]] Result<RegularVersion> newest_regular(objectstore::ObjectStore& store, const std::string& table_root);
// A given one; kNotFound if it is not there.
[[nodiscard]] Result<RegularVersion> regular_version(objectstore::ObjectStore& store, const std::string& table_root,
                                                     std::uint64_t version);

// Whether another tool changed the table since `entry` was published or repaired.
[[nodiscard]] bool is_drifted(const RegularVersion& newest, const TableEntry& entry);

// Value of a table metadata key; empty: none.
[[nodiscard]] std::string table_metadata(const lance::Manifest& manifest, std::string_view name);

}  // namespace omnigraph::graph
