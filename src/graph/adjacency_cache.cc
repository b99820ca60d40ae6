#include "graph/adjacency_cache.h"

#include <algorithm>
#include <vector>

#include "graph/layout.h"

namespace omnigraph::graph {
namespace {

// Versions of one edge table kept at a time: heads of a few branches and a reader or two of history.
constexpr std::size_t kEntriesMax = 4;
// Beyond this many rows comparing costs as much as building.
constexpr Ordinal kComparedRowsMax = 100'000;

bool same_rows(const lance::Fragment& a, const lance::Fragment& b) {
  return a.id == b.id && a.physical_rows == b.physical_rows && a.deletion_file == b.deletion_file && a.files == b.files;
}

// Row numbers of endpoints, as ordinals of the node view.
struct Endpoints {
  std::vector<std::uint32_t> ordinals;  // by live edge
  bool all_resolved = true;
};

Result<Endpoints> resolve(const TableView& edges, const TableView& nodes, const columnar::ChunkedArray& rows,
                          const std::shared_ptr<const columnar::ChunkedArray>& ids) {
  Endpoints out;
  out.ordinals.reserve(edges.live_rows());
  Ordinal edge = 0;
  for (std::size_t c = 0; c < rows.chunk_count(); ++c) {
    const columnar::Array& chunk = *rows.chunk(c);
    for (std::int64_t i = 0; i < chunk.length(); ++i, ++edge) {
      if (edges.is_deleted(edge)) continue;
      if (chunk.is_valid(i)) {
        out.ordinals.push_back(nodes.ordinal_of_row(chunk.value<std::uint64_t>(i)));
        continue;
      }
      out.all_resolved = false;
      const auto place = ids->locate(edge);
      OG_ASSIGN_OR_RETURN(const Ordinal found, nodes.find(ids->chunk(place.chunk)->string_value(place.index)));
      out.ordinals.push_back(found);
    }
  }
  return out;
}

struct Built {
  AdjacencyPtr adjacency;
  bool all_resolved = false;
};

Result<Built> build(const TableView& edges, const TableView& sources, const TableView& targets,
                    AdjacencyDirection direction) {
  OG_ASSIGN_OR_RETURN(const auto source_rows, edges.source_rows());
  OG_ASSIGN_OR_RETURN(const auto target_rows, edges.destination_rows());
  OG_ASSIGN_OR_RETURN(const auto source_ids, edges.sources());
  OG_ASSIGN_OR_RETURN(const auto target_ids, edges.destinations());
  OG_ASSIGN_OR_RETURN(const Endpoints from, resolve(edges, sources, *source_rows, source_ids));
  OG_ASSIGN_OR_RETURN(const Endpoints to, resolve(edges, targets, *target_rows, target_ids));
  std::vector<std::uint32_t> live;
  live.reserve(edges.live_rows());
  for (Ordinal edge = 0; edge < edges.physical_rows(); ++edge) {
    if (!edges.is_deleted(edge)) live.push_back(edge);
  }
  const bool out = direction == AdjacencyDirection::kOut;
  auto adjacency = std::make_shared<const index::Adjacency>(
      out ? index::Adjacency::build(from.ordinals, to.ordinals, live, sources.physical_rows(), targets.physical_rows())
          : index::Adjacency::build(to.ordinals, from.ordinals, live, targets.physical_rows(),
                                    sources.physical_rows()));
  return Built{std::move(adjacency), from.all_resolved && to.all_resolved};
}

}  // namespace

bool only_appended(const TableView& before, const TableView& after) {
  if (&before == &after) return true;
  const auto& old_fragments = before.manifest().fragments;
  const auto& new_fragments = after.manifest().fragments;
  std::size_t same = 0;
  while (same < old_fragments.size() && same < new_fragments.size() &&
         same_rows(old_fragments[same], new_fragments[same])) {
    ++same;
  }
  const Ordinal old_start = same < old_fragments.size() ? before.fragment_start(same) : before.physical_rows();
  const std::uint64_t first_new_id = before.manifest().next_row_id;
  if (before.physical_rows() - old_start > kComparedRowsMax) return false;
  if (after.physical_rows() - old_start > kComparedRowsMax) return false;
  for (Ordinal o = old_start; o < after.physical_rows(); ++o) {
    const bool was_live = o < before.physical_rows() && !before.is_deleted(o);
    const bool is_live = !after.is_deleted(o);
    if (was_live != is_live && (was_live || after.row_id(o) < first_new_id)) return false;
    if (was_live && before.row_id(o) != after.row_id(o)) return false;
  }
  for (Ordinal o = std::max(old_start, after.physical_rows()); o < before.physical_rows(); ++o) {
    if (!before.is_deleted(o)) return false;
  }
  return true;
}

Result<AdjacencyPtr> AdjacencyCache::get(const std::string& edges_key, const TableViewPtr& edges,
                                         const TableViewPtr& sources, const TableViewPtr& targets,
                                         AdjacencyDirection direction) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Slot>& known = slots_[{table_root_of(edges_key), direction}];
    if (known == nullptr) known = std::make_shared<Slot>();
    slot = known;
  }
  const std::lock_guard lock(slot->mutex);
  auto& entries = slot->entries;
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    if (entry->edges_key != edges_key) continue;
    const bool same = entry->sources == sources && entry->targets == targets;
    if (!same && !(entry->all_resolved && only_appended(*entry->sources, *sources) &&
                   only_appended(*entry->targets, *targets))) {
      continue;
    }
    entry->sources = sources;  // the next comparison starts from here
    entry->targets = targets;
    entries.splice(entries.begin(), entries, entry);
    return entries.front().adjacency;
  }
  OG_ASSIGN_OR_RETURN(Built built, build(*edges, *sources, *targets, direction));
  entries.push_front({edges_key, sources, targets, built.all_resolved, built.adjacency});
  if (entries.size() > kEntriesMax) entries.pop_back();
  return built.adjacency;
}

}  // namespace omnigraph::graph
