#include "graph/carry_over.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "graph/layout.h"

namespace omnigraph::graph {
namespace {

using Positions = std::vector<std::uint32_t>;

// Row ids that were live in `before` and are not at the positions `deleted` now; null: the whole fragment is gone.
void collect_gone(const FragmentRows& before, const Positions* deleted, std::vector<std::uint64_t>& gone) {
  static const Positions kNone;
  const Positions& known = before.deleted ? *before.deleted : kNone;
  const auto note = [&](std::uint32_t position) { gone.push_back(before.fragment.row_ids->at(position)); };
  if (deleted != nullptr) {
    Positions fresh;
    std::ranges::set_difference(*deleted, known, std::back_inserter(fresh));
    for (const std::uint32_t position : fresh) note(position);
    return;
  }
  auto next = known.begin();
  for (std::uint32_t position = 0; position < before.fragment.physical_rows; ++position) {
    if (next != known.end() && *next == position) {
      ++next;
    } else {
      note(position);
    }
  }
}

// All deleted positions of a new fragment: its own, and those of rows in `gone`; counts the latter.
Positions deleted_now(const FragmentRows& added, const std::vector<std::uint64_t>& gone, std::size_t& found) {
  Positions out = added.deleted ? *added.deleted : Positions();
  if (gone.empty()) return out;
  const Positions own = out;
  std::vector<std::uint64_t> row_ids;
  added.fragment.row_ids->append_to(row_ids);
  for (std::size_t at = 0; at < row_ids.size(); ++at) {
    const auto position = static_cast<std::uint32_t>(at);
    if (!std::ranges::binary_search(gone, row_ids[at]) || std::ranges::binary_search(own, position)) continue;
    out.push_back(position);
    ++found;
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

Result<std::optional<PreparedTable>> carry_over(TableCache& tables, const LoadedRecord& record, const std::string& key,
                                                const RewrittenTable& rewrite) {
  const TableEntry& entry = record.record.tables.at(key);
  OG_ASSIGN_OR_RETURN(const ManifestPtr manifest, tables.manifest(record, entry.manifest));
  if (manifest->fields != rewrite.fields) return std::nullopt;
  const std::string root = table_root_of(entry.manifest);
  std::map<std::uint64_t, std::size_t> indexes;
  for (std::size_t i = 0; i < manifest->fragments.size(); ++i) indexes[manifest->fragments[i].id] = i;
  PreparedTable table;
  std::vector<std::uint64_t> gone;
  for (const FragmentRows& before : rewrite.removed) {
    const auto index = indexes.find(before.fragment.id);
    if (index == indexes.end()) {  // emptied, or folded into another fragment under the same row ids
      collect_gone(before, nullptr, gone);
      continue;
    }
    const lance::Fragment& now = manifest->fragments[index->second];
    if (now.files != before.fragment.files) return std::nullopt;
    table.removed_fragments.push_back(index->second);
    if (now.deletion_file == before.fragment.deletion_file) continue;
    PositionsPtr deleted = std::make_shared<const Positions>();
    if (now.deletion_file) {
      OG_ASSIGN_OR_RETURN(deleted, tables.deletions(record, root, now));
    }
    // Nothing brings a deleted row back; if something did, the new files would lack it.
    if (before.deleted && !std::ranges::includes(*deleted, *before.deleted)) return std::nullopt;
    collect_gone(before, deleted.get(), gone);
  }
  if (table.removed_fragments.empty()) return std::nullopt;
  std::ranges::sort(table.removed_fragments);
  std::ranges::sort(gone);
  std::size_t found = 0;
  for (const FragmentRows& added : rewrite.added) {
    Positions deleted = deleted_now(added, gone, found);
    if (deleted.size() == added.fragment.physical_rows) continue;
    if (!deleted.empty()) table.added_deletions.emplace(table.added.size(), std::move(deleted));
    table.added.push_back(added.fragment);
    table.added.back().deletion_file.reset();
  }
  if (found != gone.size()) {
    return std::unexpected(internal_error("the new files of table '" + key + "' lack " +
                                          std::to_string(gone.size() - found) + " of its rows; nothing was published"));
  }
  table.next_row_id = manifest->next_row_id;
  table.live_rows = manifest->live_rows();
  table.is_rewrite = true;
  return table;
}

std::string key_of_table(const TableMap& tables, std::string_view table_id) {
  for (const auto& [key, entry] : tables) {
    if (entry.id == table_id) return key;
  }
  return {};
}

schema::TypeRef type_of_table(const schema::Catalog& catalog, std::string_view key) {
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) {
    const schema::TypeRef type{schema::EntityKind::kNode, i};
    if (catalog.table_key(type) == key) return type;
  }
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
    const schema::TypeRef type{schema::EntityKind::kEdge, i};
    if (catalog.table_key(type) == key) return type;
  }
  OG_CHECK(false);
}

}  // namespace omnigraph::graph
