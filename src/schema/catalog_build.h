// From resolved declarations to the catalog: constraints normalized, types sorted by name (chapter 01 section 5).
#pragma once

#include <vector>

#include "schema/catalog.h"
#include "schema/resolve.h"

namespace omnigraph::schema {

// REQUIRES: check_admission and check_catalog found nothing. Constraints that are tolerated only in an accepted
// schema are left out: nothing can be checked by them.
[[nodiscard]] Catalog build_catalog(const std::vector<ResolvedType>& types);

}  // namespace omnigraph::schema
