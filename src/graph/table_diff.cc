#include "graph/table_diff.h"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>

#include "graph/row_equal.h"

namespace omnigraph::graph {
namespace {

// Names of data files are random, so they name their content for ever.
std::string content_of(const lance::Fragment& fragment) {
  std::string name;
  for (const lance::DataFileEntry& file : fragment.files) name.append(file.path).push_back('|');
  return name;
}

// Deleted bits of the rows [first, min(first + 64, end)) of a view, from bit 0 on.
std::uint64_t deleted_word(const TableView& view, std::uint64_t first, std::uint64_t end) {
  const auto words = view.deleted_words();
  if (words.empty()) return 0;
  const std::uint64_t at = first >> 6, shift = first & 63;
  std::uint64_t word = words[at] >> shift;
  if (shift != 0 && at + 1 < words.size()) word |= words[at + 1] << (64 - shift);
  if (end - first < 64) word &= (std::uint64_t{1} << (end - first)) - 1;
  return word;
}

// Rows of both sides that can be part of a change.
struct Candidates {
  std::vector<Ordinal> before, after;
};

void add_live_rows(const TableView& view, std::size_t i, std::vector<Ordinal>& out) {
  const Ordinal start = view.fragment_start(i);
  const auto rows = static_cast<Ordinal>(view.manifest().fragments[i].physical_rows);
  for (Ordinal o = start; o < start + rows; ++o) {
    if (!view.is_deleted(o)) out.push_back(o);
  }
}

// Both sides have the fragment's files: only rows deleted on one side alone differ.
void add_deletion_changes(const TableView& before, std::size_t b, const TableView& after, std::size_t a,
                          Candidates& out) {
  const std::uint64_t rows = before.manifest().fragments[b].physical_rows;
  const std::uint64_t start_b = before.fragment_start(b), start_a = after.fragment_start(a);
  for (std::uint64_t at = 0; at < rows; at += 64) {
    const std::uint64_t gone_b = deleted_word(before, start_b + at, start_b + rows);
    const std::uint64_t gone_a = deleted_word(after, start_a + at, start_a + rows);
    for (std::uint64_t word = gone_a & ~gone_b; word != 0; word &= word - 1) {
      out.before.push_back(static_cast<Ordinal>(start_b + at + static_cast<std::uint64_t>(std::countr_zero(word))));
    }
    for (std::uint64_t word = gone_b & ~gone_a; word != 0; word &= word - 1) {
      out.after.push_back(static_cast<Ordinal>(start_a + at + static_cast<std::uint64_t>(std::countr_zero(word))));
    }
  }
}

Candidates find_candidates(const TableView& before, const TableView& after) {
  const auto& old_fragments = before.manifest().fragments;
  const auto& new_fragments = after.manifest().fragments;
  std::unordered_map<std::string, std::size_t> by_content;
  for (std::size_t i = 0; i < old_fragments.size(); ++i) by_content.emplace(content_of(old_fragments[i]), i);
  std::vector<bool> shared(old_fragments.size());
  Candidates out;
  for (std::size_t a = 0; a < new_fragments.size(); ++a) {
    const auto found = by_content.find(content_of(new_fragments[a]));
    if (found == by_content.end() || old_fragments[found->second].physical_rows != new_fragments[a].physical_rows) {
      add_live_rows(after, a, out.after);
      continue;
    }
    const std::size_t b = found->second;
    shared[b] = true;
    if (old_fragments[b].deletion_file == new_fragments[a].deletion_file) continue;
    add_deletion_changes(before, b, after, a, out);
  }
  for (std::size_t b = 0; b < old_fragments.size(); ++b) {
    if (!shared[b]) add_live_rows(before, b, out.before);
  }
  return out;
}

struct NamedRow {
  std::string_view id;
  Ordinal ordinal = kNoOrdinal;
};

void open_files(RowReader& reader, const std::vector<Ordinal>& ordinals) {
  std::vector<std::size_t> fragments;
  for (const Ordinal o : ordinals) {
    const std::size_t i = reader.fragment_of(o);
    if (fragments.empty() || fragments.back() != i) fragments.push_back(i);
  }
  std::sort(fragments.begin(), fragments.end());
  fragments.erase(std::unique(fragments.begin(), fragments.end()), fragments.end());
  reader.open_together(fragments);
}

Result<std::vector<NamedRow>> sorted_by_id(RowReader& reader, const std::vector<Ordinal>& ordinals) {
  std::vector<NamedRow> rows;
  rows.reserve(ordinals.size());
  for (const Ordinal o : ordinals) {
    OG_ASSIGN_OR_RETURN(const std::string_view id, reader.text(RowReader::kId, o));
    rows.push_back({id, o});
  }
  std::sort(rows.begin(), rows.end(), [](const NamedRow& a, const NamedRow& b) { return a.id < b.id; });
  return rows;
}

// Rows that were only written again (folded into another fragment, compacted) keep their row ids: pairs of them with
// equal values go before anything is sorted. A row id may stand for two entities where branches parted, so the id
// decides.
Result<void> drop_rewritten(RowComparer& rows, Candidates& candidates) {
  if (candidates.before.empty() || candidates.after.empty()) return {};
  const TableView& before = *rows.a().view();
  const TableView& after = *rows.b().view();
  std::vector<bool> waiting(after.physical_rows());
  for (const Ordinal o : candidates.after) waiting[o] = true;
  std::vector<Ordinal> left;
  for (const Ordinal o : candidates.before) {
    const Ordinal other = after.ordinal_of_row(before.row_id(o));
    if (other == kNoOrdinal || !waiting[other]) {
      left.push_back(o);
      continue;
    }
    OG_ASSIGN_OR_RETURN(const std::string_view old_id, rows.a().text(RowReader::kId, o));
    OG_ASSIGN_OR_RETURN(const std::string_view new_id, rows.b().text(RowReader::kId, other));
    bool same = old_id == new_id;
    if (same) {
      OG_ASSIGN_OR_RETURN(same, rows.equal(o, other));
    }
    if (same) {
      waiting[other] = false;
    } else {
      left.push_back(o);
    }
  }
  candidates.before = std::move(left);
  std::erase_if(candidates.after, [&](Ordinal o) { return !waiting[o]; });
  return {};
}

// All rows of a table that only one side has.
Result<std::vector<EntityChange>> all_rows(const Snapshot& snapshot, schema::TypeRef type, bool is_before) {
  OG_ASSIGN_OR_RETURN(TableViewPtr view, snapshot.table(type));
  RowReader reader(view);
  std::vector<Ordinal> live;
  for (std::size_t i = 0; i < view->manifest().fragments.size(); ++i) add_live_rows(*view, i, live);
  open_files(reader, live);
  OG_ASSIGN_OR_RETURN(const std::vector<NamedRow> rows, sorted_by_id(reader, live));
  std::vector<EntityChange> changes;
  changes.reserve(rows.size());
  for (const NamedRow& row : rows) {
    changes.push_back({.id = std::string(row.id),
                       .before = is_before ? row.ordinal : kNoOrdinal,
                       .after = is_before ? kNoOrdinal : row.ordinal});
  }
  return changes;
}

// Table id -> type, of one snapshot.
std::map<std::string, schema::TypeRef> types_by_id(const Snapshot& snapshot) {
  const schema::Catalog& catalog = *snapshot.catalog();
  std::map<std::string, schema::TypeRef> types;
  const auto add = [&](schema::TypeRef type) {
    const auto entry = snapshot.record().tables.find(catalog.table_key(type));
    if (entry != snapshot.record().tables.end()) types.emplace(entry->second.id, type);
  };
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) add({schema::EntityKind::kNode, i});
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) add({schema::EntityKind::kEdge, i});
  return types;
}

const TableEntry& entry_of(const Snapshot& snapshot, schema::TypeRef type) {
  return snapshot.record().tables.at(snapshot.catalog()->table_key(type));
}

}  // namespace

std::vector<TypePair> pair_types(const Snapshot& before, const Snapshot& after, bool changed_only) {
  std::map<std::string, TypePair> pairs;
  for (const auto& [id, type] : types_by_id(before)) pairs[id].before = type;
  for (const auto& [id, type] : types_by_id(after)) pairs[id].after = type;
  std::vector<TypePair> nodes, edges;
  for (auto& [id, pair] : pairs) {
    if (changed_only && pair.before && pair.after &&
        entry_of(before, *pair.before).version == entry_of(after, *pair.after).version) {
      continue;
    }
    pair.table_id = id;
    const schema::EntityKind kind = (pair.before ? *pair.before : *pair.after).kind;
    (kind == schema::EntityKind::kNode ? nodes : edges).push_back(std::move(pair));
  }
  nodes.insert(nodes.end(), std::make_move_iterator(edges.begin()), std::make_move_iterator(edges.end()));
  return nodes;
}

Result<std::vector<EntityChange>> diff_type(const Snapshot& before, const Snapshot& after, const TypePair& type) {
  if (!type.before && !type.after) return std::vector<EntityChange>{};
  if (!type.before) return all_rows(after, *type.after, false);
  if (!type.after) return all_rows(before, *type.before, true);
  OG_ASSIGN_OR_RETURN(RowComparer rows, RowComparer::open(before, *type.before, after, *type.after));
  Candidates candidates = find_candidates(*rows.a().view(), *rows.b().view());
  open_files(rows.a(), candidates.before);
  open_files(rows.b(), candidates.after);
  OG_RETURN_IF_ERROR(drop_rewritten(rows, candidates));
  OG_ASSIGN_OR_RETURN(const std::vector<NamedRow> olds, sorted_by_id(rows.a(), candidates.before));
  OG_ASSIGN_OR_RETURN(const std::vector<NamedRow> news, sorted_by_id(rows.b(), candidates.after));
  std::vector<EntityChange> changes;
  for (std::size_t b = 0, a = 0; b < olds.size() || a < news.size();) {
    EntityChange change;
    const bool has_before = b < olds.size() && (a == news.size() || olds[b].id <= news[a].id);
    const bool has_after = a < news.size() && (b == olds.size() || news[a].id <= olds[b].id);
    change.id = has_before ? olds[b].id : news[a].id;
    if (has_before) change.before = olds[b++].ordinal;
    if (has_after) change.after = news[a++].ordinal;
    if (has_before && has_after) {
      OG_ASSIGN_OR_RETURN(const bool same, rows.equal(change.before, change.after));
      if (same) continue;
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace omnigraph::graph
