#include "graph/next_manifest.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/ulid.h"
#include "base/version.h"
#include "graph/foreign.h"
#include "graph/layout.h"
#include "lance/deletions.h"

namespace omnigraph::graph {
namespace {

using lance::Fragment;
using lance::Manifest;

std::string new_uuid() {
  std::string bytes = base::random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string hex = base::to_hex(bytes);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, 1, '-');
  return hex;
}

bool same_files(const Fragment& a, const Fragment& b) {
  return a.files == b.files && a.physical_rows == b.physical_rows;
}

// Files of other tools that were adopted; ours are 2.0 throughout (chapter 10 section 4.5).
bool has_newer_files(const Manifest& manifest) {
  return std::ranges::any_of(manifest.fragments, [](const Fragment& fragment) {
    return std::ranges::any_of(fragment.files,
                               [](const lance::DataFileEntry& file) { return file.minor_version != 0; });
  });
}

std::vector<Fragment> without_ids(std::vector<Fragment> fragments) {
  for (Fragment& fragment : fragments) fragment.id = 0;
  return fragments;
}

void stamp(Manifest& manifest, std::uint64_t version, const ManifestOrigin& origin) {
  manifest.version = version;
  manifest.timestamp_us = origin.at_us;
  manifest.writer_library = "omnigraph";
  manifest.writer_version = std::string(base::version());
  manifest.transaction_file.clear();
  manifest.table_metadata[std::string(kVersionMetadata)] = std::to_string(version);
  manifest.table_metadata[std::string(kCommitMetadata)] = origin.commit_id;
  manifest.table_metadata[std::string(kTableMetadata)] = origin.table_key;
}

// The deletion file of a fragment of `manifest` and both copies of its bitmap.
void mark_deleted(Fragment& fragment, const std::vector<std::uint32_t>& positions, std::uint64_t read_version,
                  std::string_view table_root, std::vector<NewObject>& objects) {
  const lance::DeletionFileEntry entry{.type = lance::DeletionFileType::kBitmap,
                                       .read_version = read_version,
                                       .id = base::random_u64(),
                                       .deleted_rows = positions.size(),
                                       .base_id = std::nullopt};
  const Buffer bitmap = Buffer::from(lance::write_deletion_bitmap(positions));
  objects.push_back({deletion_copy_key(table_root, fragment, entry), bitmap});
  objects.push_back({deletion_file_key(table_root, fragment.id, entry), bitmap});
  fragment.deletion_file = entry;
}

bool same_rows(const Fragment& a, const Fragment& b) { return same_files(a, b) && a.deletion_file == b.deletion_file; }

// Fragments of `from` that are not in `to` as they are, and the reverse.
std::pair<std::vector<Fragment>, std::vector<Fragment>> exchanged(const Manifest& from, const Manifest& to) {
  std::map<std::uint64_t, const Fragment*> old;
  for (const Fragment& fragment : from.fragments) old[fragment.id] = &fragment;
  std::pair<std::vector<Fragment>, std::vector<Fragment>> out;
  for (const Fragment& fragment : to.fragments) {
    const auto found = old.find(fragment.id);
    if (found != old.end() && same_rows(*found->second, fragment)) {
      old.erase(found);
    } else {
      out.second.push_back(fragment);
    }
  }
  for (const auto& [id, fragment] : old) out.first.push_back(*fragment);
  return out;
}

// Whether fragments of a number both have are the same, and none of `to` takes a number that may have been another's.
bool numbers_agree(const Manifest& from, const Manifest& to) {
  std::map<std::uint64_t, const Fragment*> old;
  for (const Fragment& fragment : from.fragments) old[fragment.id] = &fragment;
  return std::ranges::all_of(to.fragments, [&](const Fragment& fragment) {
    const auto found = old.find(fragment.id);
    if (found != old.end()) return same_files(*found->second, fragment);
    return !from.max_fragment_id || fragment.id > *from.max_fragment_id;
  });
}

// An index knows fragments by their numbers and rows by their row ids. Above a foreign version both may have been given
// out twice, so there every fragment must be one that the index was made with.
bool index_fits(const Manifest& previous, const Manifest& copy) {
  if (!numbers_agree(previous, copy)) return false;
  if (table_metadata(previous, kVersionMetadata) == std::to_string(previous.version)) return true;
  return std::ranges::all_of(copy.fragments, [&](const Fragment& fragment) {
    return std::ranges::any_of(previous.fragments, [&](const Fragment& known) { return known.id == fragment.id; });
  });
}

// The rewrite that `to` records, if it is also what leads from `from` to it: nothing else lies between them.
std::optional<lance::Transaction::Rewrite> same_rewrite(const Manifest& from, const Manifest& to) {
  const auto* rewrite = to.transaction ? std::get_if<lance::Transaction::Rewrite>(&to.transaction->operation) : nullptr;
  if (rewrite == nullptr || from.fields != to.fields || rewrite->groups.size() != 1) return std::nullopt;
  const auto [removed, added] = exchanged(from, to);
  if (!std::ranges::equal(removed, rewrite->groups[0].first, same_rows)) return std::nullopt;
  if (!std::ranges::equal(added, rewrite->groups[0].second, same_rows)) return std::nullopt;
  if (!numbers_agree(from, to)) return std::nullopt;
  return *rewrite;
}

std::vector<std::int32_t> field_ids_of(const Manifest& manifest, std::string_view name) {
  std::vector<std::int32_t> ids;
  std::set<std::int32_t> inside;
  for (const lance::SchemaField& field : manifest.fields) {  // a parent precedes its children
    if ((field.parent_id == -1 && field.name == name) || inside.contains(field.parent_id)) {
      ids.push_back(field.id);
      inside.insert(field.id);
    }
  }
  return ids;
}

}  // namespace

std::uint64_t new_detached_version() { return base::random_u64() | lance::kDetachedVersionMin; }

std::vector<columnar::Field> table_fields(const schema::Catalog& catalog, schema::TypeRef type) {
  std::vector<columnar::Field> fields{{"id", columnar::utf8(), false}};
  if (type.kind == schema::EntityKind::kEdge) {
    fields.push_back({"src", columnar::utf8(), false});
    fields.push_back({"dst", columnar::utf8(), false});
    fields.push_back({"SrcRow", columnar::primitive(columnar::TypeId::kUint64), true});
    fields.push_back({"DstRow", columnar::primitive(columnar::TypeId::kUint64), true});
  }
  for (const schema::Property& property : catalog.properties_of(type)) {
    fields.push_back(
        {property.name, schema::column_type(property.type), property.type.nullable || property.type.is_blob()});
  }
  return fields;
}

Manifest first_manifest(const schema::Catalog& catalog, schema::TypeRef type, std::uint64_t version,
                        bool exclusive_writer, const ManifestOrigin& origin) {
  Manifest manifest;
  manifest.fields = lance::schema_fields(table_fields(catalog, type));
  manifest.stable_row_ids = true;
  manifest.exclusive_writer = exclusive_writer;
  stamp(manifest, version, origin);
  manifest.transaction = lance::Transaction{
      .read_version = 0, .uuid = new_uuid(), .operation = lance::Transaction::Overwrite{{}, manifest.fields}};
  return manifest;
}

TypeIdentity first_identity(const schema::Catalog& catalog, schema::TypeRef type, std::string table_id,
                            const Manifest& manifest) {
  TypeIdentity identity{
      .table_key = catalog.table_key(type), .id = std::move(table_id), .properties = {}, .key_order = {}};
  for (const schema::Property& property : catalog.properties_of(type)) {
    identity.properties.push_back(
        {.name = property.name, .id = base::new_ulid(), .field_ids = field_ids_of(manifest, property.name)});
  }
  identity.key_order = catalog.constraints_of(type).key;
  return identity;
}

Result<NextManifest> next_manifest(const Manifest& base, const PreparedTable& prepared, std::string_view table_root,
                                   std::uint64_t version, const ManifestOrigin& origin) {
  NextManifest next;
  Manifest& manifest = next.manifest;
  manifest = base;
  auto kept = manifest.fragments.begin();
  auto removed = prepared.removed_fragments.begin();  // ascending
  for (std::size_t i = 0; i < base.fragments.size(); ++i) {
    if (removed != prepared.removed_fragments.end() && *removed == i) {
      ++removed;
      continue;
    }
    const auto at = manifest.fragments.begin() + static_cast<std::ptrdiff_t>(i);
    if (kept != at) *kept = std::move(*at);
    if (const auto deletions = prepared.deletions.find(i); deletions != prepared.deletions.end()) {
      mark_deleted(*kept, deletions->second, base.version, table_root, next.deletions);
    }
    ++kept;
  }
  OG_CHECK(removed == prepared.removed_fragments.end());
  manifest.fragments.erase(kept, manifest.fragments.end());
  std::uint64_t next_id = manifest.max_fragment_id ? std::uint64_t{*manifest.max_fragment_id} + 1 : 0;
  for (std::size_t i = 0; i < prepared.added.size(); ++i) {
    if (next_id > 0xffffffffu) {
      return std::unexpected(
          Error{Code::kResourceLimit, "table '" + origin.table_key + "' has used up its fragment numbers"});
    }
    Fragment& fragment = manifest.fragments.emplace_back(prepared.added[i]);
    fragment.id = next_id;
    if (const auto deletions = prepared.added_deletions.find(i); deletions != prepared.added_deletions.end()) {
      mark_deleted(fragment, deletions->second, base.version, table_root, next.deletions);
    }
    manifest.max_fragment_id = static_cast<std::uint32_t>(next_id++);
  }
  manifest.next_row_id = std::max(base.next_row_id, prepared.next_row_id);
  manifest.mixed_file_versions = has_newer_files(manifest);
  manifest.stable_row_ids = true;
  stamp(manifest, version, origin);
  manifest.transaction = transaction_between(base, manifest);
  if (prepared.is_rewrite && !prepared.added.empty()) {
    auto [before, after] = exchanged(base, manifest);
    manifest.transaction->operation = lance::Transaction::Rewrite{{{std::move(before), std::move(after)}}};
  }
  return next;
}

Manifest restamped(Manifest changed, const Manifest& base, std::uint64_t version, const ManifestOrigin& origin) {
  stamp(changed, version, origin);
  changed.transaction = transaction_between(base, changed);
  return changed;
}

bool keeps_fields(const Manifest& manifest, const std::vector<lance::SchemaField>& fields) {
  return std::all_of(manifest.fields.begin(), manifest.fields.end(), [&](const lance::SchemaField& field) {
    return std::any_of(fields.begin(), fields.end(), [&](const lance::SchemaField& other) {
      return other.id == field.id && other.logical_type == field.logical_type;
    });
  });
}

Manifest regular_copy(const Manifest& manifest, const Manifest* previous, std::uint64_t version,
                      const ManifestOrigin& origin) {
  Manifest copy = manifest;
  stamp(copy, version, origin);
  if (previous != nullptr) {
    // Numbers that anyone has used on this chain stay used, and indexes that a foreign tool registered stay registered.
    copy.max_fragment_id = std::max(copy.max_fragment_id, previous->max_fragment_id);
    copy.next_row_id = std::max(copy.next_row_id, previous->next_row_id);
    if (!keeps_fields(*previous, copy.fields) || !index_fits(*previous, copy)) {
      copy.index_section.clear();
    } else if (copy.index_section.empty()) {
      copy.index_section = previous->index_section;
    }
    std::optional<lance::Transaction::Rewrite> rewrite = same_rewrite(*previous, manifest);
    copy.transaction = transaction_between(*previous, copy);
    if (rewrite) copy.transaction->operation = std::move(*rewrite);
  } else {
    copy.transaction = lance::Transaction{
        .read_version = 0, .uuid = new_uuid(), .operation = lance::Transaction::Overwrite{copy.fragments, copy.fields}};
  }
  return copy;
}

lance::Transaction transaction_between(const Manifest& from, const Manifest& to) {
  lance::Transaction transaction{.read_version = from.version, .uuid = new_uuid(), .operation = {}};
  const auto overwrite = [&] {
    transaction.operation = lance::Transaction::Overwrite{to.fragments, to.fields};
    return transaction;
  };
  if (from.fields != to.fields) return overwrite();
  lance::Transaction::Update update;
  auto old = from.fragments.begin();  // both lists ascend
  const auto pass_old_below = [&](std::uint64_t id) {
    for (; old != from.fragments.end() && old->id < id; ++old) update.removed_fragment_ids.push_back(old->id);
  };
  for (const Fragment& fragment : to.fragments) {
    pass_old_below(fragment.id);
    if (old == from.fragments.end() || old->id != fragment.id) {
      // A number below the highest one used would look new to us and old to others.
      if (from.max_fragment_id && fragment.id <= *from.max_fragment_id) return overwrite();
      update.added.push_back(fragment);
      continue;
    }
    if (!same_files(*old, fragment)) return overwrite();
    if (old->deletion_file != fragment.deletion_file) update.updated.push_back(fragment);
    ++old;
  }
  pass_old_below(~std::uint64_t{0});
  update.added = without_ids(std::move(update.added));
  if (update.removed_fragment_ids.empty() && update.updated.empty()) {
    transaction.operation = lance::Transaction::Append{std::move(update.added)};
  } else {
    transaction.operation = std::move(update);
  }
  return transaction;
}

std::uint64_t data_bytes(const Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const Fragment& fragment : manifest.fragments) {
    for (const lance::DataFileEntry& file : fragment.files) bytes += file.file_size_bytes;
  }
  return bytes;
}

}  // namespace omnigraph::graph
