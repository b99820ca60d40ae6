#include "graph/vector_fill.h"

#include "base/text.h"

namespace omnigraph::graph {

void put_filled(WriteTransaction& transaction, std::shared_ptr<const StagedRows> rows, PutMode mode, bool generated_ids,
                std::shared_ptr<const VectorFill> fill) {
  if (fill == nullptr) return transaction.put(std::move(rows), mode, generated_ids);
  auto* filling = dynamic_cast<FillingTransaction*>(&transaction);
  OG_CHECK(filling != nullptr);
  filling->put_filled(std::move(rows), mode, generated_ids, std::move(fill));
}

std::vector<FilledColumn> filled_columns(const schema::Catalog& catalog, schema::TypeRef type) {
  std::vector<FilledColumn> columns;
  if (type.kind != schema::EntityKind::kNode) return columns;
  const schema::NodeType& node = catalog.nodes[type.index];
  for (std::size_t p = 0; p < node.properties.size(); ++p) {
    const schema::Property& property = node.properties[p];
    if (!property.embed) continue;
    columns.push_back({p, node.index_of(property.embed->source), property.type.vector_dimension});
  }
  return columns;
}

bool is_blank(const columnar::Array& texts, std::int64_t row) {
  return texts.is_null(row) || base::trim_unicode(texts.string_value(row)).empty();
}

}  // namespace omnigraph::graph
