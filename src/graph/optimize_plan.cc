#include "graph/optimize_plan.h"

#include <algorithm>
#include <set>

namespace omnigraph::graph {
namespace {

// A fragment with more deleted rows than one in this many is written anew.
constexpr std::uint64_t kDeletedShare = 10;
// What packed pages take in memory, about (chapter 10 section 8.2).
constexpr std::uint64_t kUnpackedFactor = 4;

struct Size {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

std::uint64_t deleted_rows(const lance::Fragment& fragment) {
  return fragment.deletion_file ? fragment.deletion_file->deleted_rows : 0;
}

Size live_size(const lance::Fragment& fragment) {
  Size size{.rows = fragment.physical_rows - std::min(fragment.physical_rows, deleted_rows(fragment)), .bytes = 0};
  if (size.rows == 0) return size;
  std::uint64_t bytes = 0;
  for (const lance::DataFileEntry& file : fragment.files) bytes += file.file_size_bytes;
  if (fragment.physical_rows >= lance::kPackedRowsMin) bytes *= kUnpackedFactor;
  size.bytes = bytes * size.rows / fragment.physical_rows;
  return size;
}

// Ids of the structs' header fields.
std::vector<std::int32_t> struct_headers(const lance::Manifest& manifest) {
  std::vector<std::int32_t> ids;
  for (const lance::SchemaField& field : manifest.fields) {
    if (field.parent_id == -1 && field.logical_type == "struct") ids.push_back(field.id);
  }
  return ids;
}

// Files of other tools may be removed by their clean-up, and are not packed; a struct without a header cannot be
// rewritten by such tools (chapter 10 sections 4.10 and 8.1).
bool is_foreign(const lance::Fragment& fragment, const std::vector<std::int32_t>& headers) {
  std::set<std::int32_t> ids;
  for (const lance::DataFileEntry& file : fragment.files) {
    if (!file.path.ends_with(".lnc") || file.minor_version != 0) return true;
    ids.insert(file.fields.begin(), file.fields.end());
  }
  return std::ranges::any_of(headers, [&](std::int32_t id) { return !ids.contains(id); });
}

struct Group {
  std::vector<std::size_t> fragments;
  Size size;
  bool needed = false;  // even if it is a single fragment
};

}  // namespace

FragmentGroups plan_rewrite(const lance::Manifest& manifest, const FragmentTarget& target) {
  const std::vector<std::int32_t> headers = struct_headers(manifest);
  std::vector<Group> groups;
  for (std::size_t i = 0; i < manifest.fragments.size(); ++i) {
    const lance::Fragment& fragment = manifest.fragments[i];
    const Size size = live_size(fragment);
    const bool needed = size.rows == 0 || deleted_rows(fragment) * kDeletedShare > fragment.physical_rows ||
                        is_foreign(fragment, headers);
    if (!needed && (size.rows >= target.rows || size.bytes >= target.bytes)) continue;
    // The first group with room: afterwards no two groups fit together, so that the outcome is left alone.
    auto group = std::ranges::find_if(groups, [&](const Group& g) {
      return g.size.rows + size.rows <= target.rows && g.size.bytes + size.bytes <= target.bytes;
    });
    if (group == groups.end()) group = groups.emplace(groups.end());
    group->fragments.push_back(i);
    group->size.rows += size.rows;
    group->size.bytes += size.bytes;
    group->needed = group->needed || needed;
  }
  FragmentGroups out;
  for (Group& group : groups) {
    if (group.needed || group.fragments.size() > 1) out.push_back(std::move(group.fragments));
  }
  return out;
}

}  // namespace omnigraph::graph
