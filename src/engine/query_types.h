// The tables that a query or a mutation will read: a far store is asked for them at once.
#pragma once

#include <vector>

#include "query/bound_query.h"

namespace omnigraph::engine {

// Each once, ascending. Of a mutation: also the endpoints of edges it inserts and the edges of nodes it deletes.
[[nodiscard]] std::vector<schema::TypeRef> types_read(const query::BoundQuery& query);

}  // namespace omnigraph::engine
