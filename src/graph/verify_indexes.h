// The check of what lies below index/ for one table version (see verify.h). Thread safety: as verify_table.h.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "graph/verify_table.h"
#include "objectstore/object_store.h"

namespace omnigraph::graph {

// Makes every declared index of the version's data files again and compares. What is missing is no finding; what is not
// whole is one that harms nobody. `seen`: keys that were checked for another version, and are passed over; those of
// this one are added. REQUIRES: check_files found nothing.
[[nodiscard]] Result<void> check_indexes(const TableCheck& check, objectstore::ObjectStore& store,
                                         std::set<std::string>& seen, const FindingSink& sink);

}  // namespace omnigraph::graph
