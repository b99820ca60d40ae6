// TableView over the fragments of one manifest.
#pragma once

#include <memory>
#include <string>

#include "graph/table_cache.h"

namespace omnigraph::graph {

// Reads the deletion bitmaps; data files are opened at their first use. What the view keeps, now and later, is added to
// `cost`, its manifest included, its data files not.
// Errors: as TableCache; kUnsupportedFormat for files outside the dataset, kCorruptObject for a manifest without
// stable row ids.
[[nodiscard]] Result<TableViewPtr> make_fragment_view(TableCache& cache, const RecordPtr& record,
                                                      const TypeIdentity& identity,
                                                      const std::shared_ptr<const schema::Catalog>& catalog,
                                                      schema::TypeRef type, const std::string& manifest_key,
                                                      ManifestPtr manifest,
                                                      base::CacheCostPtr cost = std::make_shared<base::CacheCost>());

}  // namespace omnigraph::graph
