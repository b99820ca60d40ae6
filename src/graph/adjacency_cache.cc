#include "graph/adjacency_cache.h"

#include <algorithm>
#include <vector>

#include "graph/indexed_table.h"
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

// Whether every row of the table has its ordinal as row id.
bool row_ids_are_ordinals(const TableView& nodes) {
  const auto& fragments = nodes.manifest().fragments;
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    std::uint64_t next = nodes.fragment_start(i);
    for (const lance::RowIdSequence::Segment& segment : fragments[i].row_ids->segments()) {
      if (!segment.values.empty() || segment.range.start != next) return false;
      next = segment.range.end;
    }
  }
  return true;
}

// The edges of a fragment that is too small for an index; false: some endpoint is not resolved.
Result<bool> add_loose_edges(const TableView& edges, std::size_t fragment, bool out, const TableView& from,
                             const TableView& to, std::vector<index::Adjacency::Edge>& loose) {
  OG_ASSIGN_OR_RETURN(const auto sources, edges.fragment_system(fragment, out ? 3 : 4));
  OG_ASSIGN_OR_RETURN(const auto targets, edges.fragment_system(fragment, out ? 4 : 3));
  const std::uint64_t rows = edges.manifest().fragments[fragment].physical_rows;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const auto source = sources->locate(static_cast<std::int64_t>(i));
    const auto target = targets->locate(static_cast<std::int64_t>(i));
    const columnar::Array& source_chunk = *sources->chunk(source.chunk);
    const columnar::Array& target_chunk = *targets->chunk(target.chunk);
    if (source_chunk.is_null(source.index) || target_chunk.is_null(target.index)) return false;
    const auto a = source_chunk.value<std::uint64_t>(source.index);
    const auto b = target_chunk.value<std::uint64_t>(target.index);
    if (a >= from.physical_rows() || b >= to.physical_rows()) return false;
    loose.push_back({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b),
                     edges.fragment_start(fragment) + static_cast<Ordinal>(i)});
  }
  return true;
}

// From the stored rows of the edge files (index/edge_rows.h); null: they do not suffice.
Result<AdjacencyPtr> assemble(const TableView& edges, const TableView& sources, const TableView& targets,
                              AdjacencyDirection direction) {
  const auto* indexed = dynamic_cast<const IndexedTable*>(&edges);
  if (indexed == nullptr || !row_ids_are_ordinals(sources) || !row_ids_are_ordinals(targets)) return nullptr;
  const bool out = direction == AdjacencyDirection::kOut;
  const TableView& from = out ? sources : targets;
  const TableView& to = out ? targets : sources;
  index::Adjacency::Pieces pieces{.files = {},
                                  .first = {},
                                  .loose = {},
                                  .deleted_edges = edges.deleted_words(),
                                  .deleted_from = from.deleted_words(),
                                  .deleted_to = to.deleted_words(),
                                  .from_count = from.physical_rows()};
  const auto& fragments = edges.manifest().fragments;
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    if (fragments[i].physical_rows < kIndexedRowsMin) {
      OG_ASSIGN_OR_RETURN(const bool added, add_loose_edges(edges, i, out, from, to, pieces.loose));
      if (!added) return nullptr;
      continue;
    }
    index::EdgeRowsPtr rows = indexed->edge_rows(i, out ? index::IndexKind::kOut : index::IndexKind::kIn);
    if (rows == nullptr || !rows->is_complete()) return nullptr;
    if (rows->from_end() > from.physical_rows() || rows->to_end() > to.physical_rows()) return nullptr;
    pieces.files.push_back(std::move(rows));
    pieces.first.push_back(edges.fragment_start(i));
  }
  if (pieces.files.empty()) return nullptr;
  std::ranges::sort(pieces.loose);
  return std::make_shared<const index::Adjacency>(index::Adjacency::assemble(pieces));
}

Result<Built> build(const TableView& edges, const TableView& sources, const TableView& targets,
                    AdjacencyDirection direction) {
  OG_ASSIGN_OR_RETURN(AdjacencyPtr assembled, assemble(edges, sources, targets, direction));
  if (assembled != nullptr) return Built{std::move(assembled), true};
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

AdjacencyCache::AdjacencyCache(std::uint64_t bytes_max)
    : bytes_max_(bytes_max), use_(base::CacheUse::of("adjacency")), ledger_(use_) {
  use_.bytes_max += static_cast<std::int64_t>(bytes_max_);
}

AdjacencyCache::~AdjacencyCache() {
  use_.bytes_max -= static_cast<std::int64_t>(bytes_max_);
  ledger_.add(-ledger_.bytes());
  for (const auto& [key, slot] : slots_) use_.entries -= static_cast<std::int64_t>(slot->entries.size());
}

void AdjacencyCache::keep(Slot& slot, Entry entry) {
  const auto bytes_of = [](const Entry& kept) { return static_cast<std::int64_t>(kept.adjacency->memory_bytes()); };
  ledger_.add(bytes_of(entry));
  ++use_.entries;
  slot.entries.push_front(std::move(entry));
  while (slot.entries.size() > 1 &&
         (slot.entries.size() > kEntriesMax || ledger_.bytes() > static_cast<std::int64_t>(bytes_max_))) {
    ledger_.add(-bytes_of(slot.entries.back()));
    --use_.entries;
    ++use_.evictions;
    slot.entries.pop_back();
  }
}

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
    ++use_.hits;
    return entries.front().adjacency;
  }
  ++use_.misses;
  OG_ASSIGN_OR_RETURN(Built built, build(*edges, *sources, *targets, direction));
  keep(*slot, {edges_key, sources, targets, built.all_resolved, built.adjacency});
  return built.adjacency;
}

}  // namespace omnigraph::graph
