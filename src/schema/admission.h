// Admission rules of chapter 01 sections 4, 5 and 7: what a well-formed `.pg` text may still not say.
#pragma once

#include <vector>

#include "schema/diagnostics.h"
#include "schema/resolve.h"

namespace omnigraph::schema {

// Rules with the prefix `parse error: `: annotations, constraints, embeddings.
// `accepted`: body @unique over Blob, list or Vector, @range and @check over a list and invalid patterns pass, as an
// older build admitted them.
void check_admission(const std::vector<ResolvedType>& types, bool accepted, Diagnostics& diagnostics);

// Rules with the prefix `catalog error: `: duplicate names, endpoints, limits.
void check_catalog(const std::vector<ResolvedType>& types, Diagnostics& diagnostics);

// What makes a constraint one of those that only an accepted schema may hold; it is kept in the text and not enforced.
[[nodiscard]] bool is_tolerated_only(const ast::Constraint& constraint, const ResolvedType& type);

}  // namespace omnigraph::schema
