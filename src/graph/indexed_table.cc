#include "graph/indexed_table.h"

namespace omnigraph::graph {

Result<std::vector<index::TextSegmentPtr>> text_segments(const TableView& table, std::size_t property,
                                                         index::TermKind kind) {
  if (const auto* indexed = dynamic_cast<const IndexedTable*>(&table)) return indexed->text_segments(property, kind);
  OG_ASSIGN_OR_RETURN(const auto column, table.property(property));
  std::vector<index::TextSegmentPtr> segments;
  const auto& fragments = table.manifest().fragments;
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    segments.push_back(index::TextSegment::build(*column, table.fragment_start(i),
                                                 static_cast<std::int64_t>(fragments[i].physical_rows), kind));
  }
  return segments;
}

std::vector<index::VectorSegmentPtr> vector_segments(const TableView& table, std::size_t property) {
  if (const auto* indexed = dynamic_cast<const IndexedTable*>(&table)) return indexed->vector_segments(property);
  return std::vector<index::VectorSegmentPtr>(table.manifest().fragments.size());
}

std::vector<index::OrderedIndexPtr> ordered_indexes(const TableView& table, std::size_t property) {
  if (const auto* indexed = dynamic_cast<const IndexedTable*>(&table)) return indexed->ordered_indexes(property);
  return std::vector<index::OrderedIndexPtr>(table.manifest().fragments.size());
}

}  // namespace omnigraph::graph
