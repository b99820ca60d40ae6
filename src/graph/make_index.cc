#include "graph/make_index.h"

#include <cstdint>
#include <utility>

#include "index/edge_rows.h"
#include "index/key_index.h"
#include "index/ordered_index.h"
#include "index/text_segment.h"
#include "index/vector_segment.h"

namespace omnigraph::graph {

std::string_view index_recipe(index::IndexKind kind) {
  switch (kind) {
    case index::IndexKind::kKey: return index::KeyIndex::kRecipe;
    case index::IndexKind::kText: return index::TextSegment::recipe(index::TermKind::kToken);
    case index::IndexKind::kWords: return index::TextSegment::recipe(index::TermKind::kFuzzyWord);
    case index::IndexKind::kVector: return index::VectorSegment::kRecipe;
    case index::IndexKind::kOrdered: return index::OrderedIndex::kRecipe;
    case index::IndexKind::kOut:
    case index::IndexKind::kIn: return index::EdgeRows::kRecipe;
  }
  return {};
}

Buffer make_index(const index::IndexSource& source, const columnar::ChunkedArray& values,
                  const columnar::ChunkedArray& others) {
  const auto text = [&](index::TermKind kind) {
    return index::TextSegment::build(values, 0, static_cast<std::int64_t>(source.rows), kind, source.parameters)
        ->bytes();
  };
  switch (source.kind) {
    case index::IndexKind::kKey: return index::KeyIndex::build(values)->file(source);
    case index::IndexKind::kText: return text(index::TermKind::kToken);
    case index::IndexKind::kWords: return text(index::TermKind::kFuzzyWord);
    case index::IndexKind::kVector: return index::VectorSegment::build(values, source);
    case index::IndexKind::kOrdered: return index::OrderedIndex::build(values, source);
    case index::IndexKind::kOut: return index::EdgeRows::build(values, others, source);
    case index::IndexKind::kIn: return index::EdgeRows::build(others, values, source);
  }
  std::unreachable();
}

}  // namespace omnigraph::graph
