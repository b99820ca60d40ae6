#include "graph/foreign_drift.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "graph/damage.h"
#include "graph/layout.h"
#include "lance/transaction_name.h"

namespace omnigraph::graph {
namespace {

constexpr std::string_view kColumn = "column '";

// Columns by their path, with the logical type.
std::map<std::string, const lance::SchemaField*> columns_of(const lance::Manifest& manifest) {
  std::map<std::int32_t, std::string> paths;
  std::map<std::string, const lance::SchemaField*> out;
  for (const lance::SchemaField& field : manifest.fields) {
    const auto parent = paths.find(field.parent_id);
    std::string path = parent == paths.end() ? field.name : parent->second + "." + field.name;
    out.emplace(path, &field);
    paths.emplace(field.id, std::move(path));
  }
  return out;
}

// Why the columns of `theirs` are not those of the type; empty: they are.
std::string column_obstacle(const lance::Manifest& ours, const lance::Manifest& theirs) {
  const auto expected = columns_of(ours), found = columns_of(theirs);
  for (const auto& [path, field] : expected) {
    const auto other = found.find(path);
    if (other == found.end()) {
      if (path == "SrcRow" || path == "DstRow") continue;  // endpoints are resolved again
      return std::string(kColumn).append(path).append("' of the type is missing");
    }
    if (other->second->logical_type != field->logical_type) {
      return std::string(kColumn)
          .append(path)
          .append("' has type ")
          .append(other->second->logical_type)
          .append(" where the type has ")
          .append(field->logical_type);
    }
  }
  for (const auto& [path, field] : found) {
    if (!expected.contains(path)) return std::string(kColumn).append(path).append("' is not in the schema");
  }
  return {};
}

std::vector<std::int32_t> field_ids(const lance::Manifest& manifest, const std::string& name) {
  std::vector<std::int32_t> ids;
  std::set<std::int32_t> inside;
  for (const lance::SchemaField& field : manifest.fields) {
    if ((field.parent_id != -1 || field.name != name) && !inside.contains(field.parent_id)) continue;
    ids.push_back(field.id);
    inside.insert(field.id);
  }
  return ids;
}

class DriftFinder {
 public:
  DriftFinder(StoreParts& parts, const RecordPtr& head, const std::string& key)
      : parts_(parts),
        head_(head),
        key_(key),
        entry_(head->record.tables.at(key)),
        root_(table_root_of(entry_.manifest)) {}

  Result<TableDrift> run() {
    OG_ASSIGN_OR_RETURN(drift_.newest, newest_regular(*parts_.store, root_));
    if (!is_drifted(drift_.newest, entry_)) return std::move(drift_);
    drift_.kind = DriftKind::kUnverifiable;
    OG_ASSIGN_OR_RETURN(const RegularVersion base, walk_to_base());
    if (drift_.newest.manifest == nullptr) {
      drift_.obstacle = drift_.newest.unreadable->message;
      return std::move(drift_);
    }
    Result<void> compared = compare(base);
    if (!compared && !is_damage(compared.error())) return std::unexpected(std::move(compared).error());
    if (!compared) {
      drift_.kind = DriftKind::kUnverifiable;
      drift_.obstacle = compared.error().message;
    }
    return std::move(drift_);
  }

 private:
  // Notes the foreign versions and returns the newest one below them that we made or dealt with; empty: there is none.
  Result<RegularVersion> walk_to_base() {
    const std::string prefix = root_ + "/_versions/";
    objectstore::ListOptions options{.start_after = drift_.newest.key};
    drift_.operations.push_back(operation_name(drift_.newest.key));
    for (bool more = true; more;) {
      OG_ASSIGN_OR_RETURN(const objectstore::Listing page, parts_.store->list(prefix, options));
      for (const objectstore::ObjectInfo& object : page.objects) {
        const auto version = lance::version_of_name(std::string_view(object.key).substr(prefix.size()));
        if (!version || *version >= lance::kDetachedVersionMin) continue;
        OG_ASSIGN_OR_RETURN(RegularVersion found, regular_version(*parts_.store, root_, *version));
        if (found.ours || (entry_.adopted == *version && found.manifest != nullptr)) {
          std::ranges::reverse(drift_.operations);
          return found;
        }
        drift_.operations.push_back(operation_name(found.key));
      }
      more = page.truncated && !page.objects.empty();
      if (more) options.start_after = page.objects.back().key;
    }
    std::ranges::reverse(drift_.operations);
    return RegularVersion();
  }

  // What the version's transaction calls itself; trouble with it is no reason to fail.
  std::string operation_name(const std::string& manifest_key) {
    const Result<Buffer> manifest = parts_.store->get(manifest_key);
    lance::TransactionName name = manifest ? lance::transaction_name(*manifest) : lance::TransactionName();
    if (name.operation.empty() && !name.file.empty()) {
      const Result<Buffer> file = parts_.store->get(root_ + "/_transactions/" + name.file);
      if (file) name.operation = lance::transaction_name_of_file(*file);
    }
    return name.operation.empty() ? std::string("unknown") : std::move(name.operation);
  }

  Result<void> compare(const RegularVersion& base) {
    OG_ASSIGN_OR_RETURN(const ManifestPtr ours, parts_.tables->manifest(*head_, entry_.manifest));
    const ManifestPtr& theirs = drift_.newest.manifest;
    if (!theirs->base_paths.empty()) {
      return std::unexpected(Error{Code::kUnsupportedFormat, "version " + std::to_string(drift_.newest.version) +
                                                                 " keeps files outside the table's folder"});
    }
    if (!theirs->stable_row_ids) {
      return std::unexpected(Error{Code::kUnsupportedFormat,
                                   "version " + std::to_string(drift_.newest.version) + " has no stable row ids"});
    }
    drift_.kind = DriftKind::kSuspicious;
    drift_.obstacle = column_obstacle(*ours, *theirs);
    if (!drift_.obstacle.empty()) return {};
    if (base.key.empty()) {
      OG_ASSIGN_OR_RETURN(drift_.before, parts_.snapshots->at_head(head_));
    } else {
      OG_ASSIGN_OR_RETURN(drift_.before, snapshot_of(base.key, *base.manifest));
    }
    OG_ASSIGN_OR_RETURN(drift_.after, snapshot_of(drift_.newest.key, *theirs));
    const schema::TypeRef type = type_of_table(*drift_.before->catalog(), key_);
    OG_ASSIGN_OR_RETURN(drift_.changes, diff_type(*drift_.before, *drift_.after, {entry_.id, type, type}));
    OG_RETURN_IF_ERROR(find_duplicates(type));
    if (!drift_.changes.empty() || !drift_.obstacle.empty()) return {};
    drift_.kind = DriftKind::kVerifiedMaintenance;
    return find_rewrite(type, base.key.empty() ? *ours : *base.manifest, *theirs);
  }

  // The head with this table at another version; columns by their names, since an overwrite numbers the fields anew.
  Result<SnapshotPtr> snapshot_of(const std::string& manifest_key, const lance::Manifest& manifest) {
    LoadedRecord loaded = *head_;
    loaded.record.tables.at(key_).manifest = manifest_key;
    for (TypeIdentity& type : loaded.record.schema.types) {
      if (type.table_key != key_) continue;
      for (PropertyIdentity& property : type.properties) property.field_ids = field_ids(manifest, property.name);
    }
    return parts_.snapshots->of_unpublished(std::make_shared<const LoadedRecord>(std::move(loaded)));
  }

  // A new row with an id that the table has: the diff pairs one of them only.
  Result<void> find_duplicates(schema::TypeRef type) {
    OG_ASSIGN_OR_RETURN(const TableViewPtr before, drift_.before->table(type));
    std::unordered_set<std::string_view> seen;
    for (const EntityChange& change : drift_.changes) {
      if (change.after == kNoOrdinal) continue;
      bool twice = !seen.insert(change.id).second;
      if (change.before == kNoOrdinal) {
        OG_ASSIGN_OR_RETURN(const Ordinal known, before->find(change.id));
        twice = twice || known != kNoOrdinal;
      }
      if (!twice) continue;
      drift_.obstacle = "id '" + change.id + "' is there twice";
      return {};
    }
    return {};
  }

  Result<std::vector<FragmentRows>> fragments_only_in(const lance::Manifest& manifest, const lance::Manifest& other) {
    std::map<std::uint64_t, const lance::Fragment*> known;
    for (const lance::Fragment& fragment : other.fragments) known[fragment.id] = &fragment;
    std::vector<FragmentRows> out;
    for (const lance::Fragment& fragment : manifest.fragments) {
      const auto same = known.find(fragment.id);
      if (same != known.end() && same->second->files == fragment.files &&
          same->second->deletion_file == fragment.deletion_file) {
        continue;
      }
      FragmentRows rows{.fragment = fragment};
      if (fragment.deletion_file) {
        OG_ASSIGN_OR_RETURN(rows.deleted, parts_.tables->deletions(*head_, root_, fragment));
      }
      out.push_back(std::move(rows));
    }
    return out;
  }

  Result<void> find_rewrite(schema::TypeRef type, const lance::Manifest& before, const lance::Manifest& after) {
    if (before.fields != after.fields) return {};
    RewrittenTable rewrite{.table_id = entry_.id, .fields = after.fields, .removed = {}, .added = {}};
    OG_ASSIGN_OR_RETURN(rewrite.removed, fragments_only_in(before, after));
    OG_ASSIGN_OR_RETURN(rewrite.added, fragments_only_in(after, before));
    if (rewrite.added.empty()) return {};  // an index, or only settings
    OG_ASSIGN_OR_RETURN(const auto olds, rows_of(*drift_.before, type, rewrite.removed));
    OG_ASSIGN_OR_RETURN(const auto news, rows_of(*drift_.after, type, rewrite.added));
    // Edges point at row ids, so files that give a row another one are not taken over.
    if (olds == news) drift_.rewrite = std::move(rewrite);
    return {};
  }

  using NumberedRow = std::pair<std::uint64_t, std::string_view>;  // row id, id
  // Of the live rows of some fragments, ascending. The texts live as long as the view's columns.
  static Result<std::vector<NumberedRow>> rows_of(const Snapshot& snapshot, schema::TypeRef type,
                                                  const std::vector<FragmentRows>& wanted) {
    OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot.table(type));
    std::set<std::uint64_t> numbers;
    for (const FragmentRows& rows : wanted) numbers.insert(rows.fragment.id);
    std::vector<NumberedRow> out;
    const auto& fragments = view->manifest().fragments;
    for (std::size_t f = 0; f < fragments.size(); ++f) {
      if (!numbers.contains(fragments[f].id)) continue;
      OG_ASSIGN_OR_RETURN(const auto ids, view->fragment_system(f, 0));
      const Ordinal start = view->fragment_start(f);
      for (std::size_t c = 0; c < ids->chunk_count(); ++c) {
        const columnar::Array& chunk = *ids->chunk(c);
        for (std::int64_t i = 0; i < chunk.length(); ++i) {
          const Ordinal o = start + static_cast<Ordinal>(ids->chunk_start(c) + i);
          if (!view->is_deleted(o)) out.emplace_back(view->row_id(o), chunk.string_value(i));
        }
      }
    }
    std::ranges::sort(out);
    return out;
  }

  StoreParts& parts_;
  const RecordPtr& head_;
  const std::string& key_;
  const TableEntry& entry_;
  const std::string root_;
  TableDrift drift_;
};

}  // namespace

std::string_view drift_kind_name(DriftKind kind) {
  switch (kind) {
    case DriftKind::kNoDrift: return "no_drift";
    case DriftKind::kVerifiedMaintenance: return "verified_maintenance";
    case DriftKind::kSuspicious: return "suspicious";
    case DriftKind::kUnverifiable: return "unverifiable";
  }
  return "";
}

Result<TableDrift> find_drift(StoreParts& parts, const RecordPtr& head, const std::string& key) {
  return DriftFinder(parts, head, key).run();
}

}  // namespace omnigraph::graph
