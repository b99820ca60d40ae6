#include "graph/schema_change.h"

#include <map>
#include <set>
#include <utility>

#include "base/hash.h"
#include "base/ulid.h"
#include "graph/history_cut.h"
#include "graph/layout.h"
#include "graph/next_manifest.h"
#include "graph/publish_loop.h"
#include "graph/schema_change_data.h"
#include "graph/schema_change_table.h"
#include "schema/parser.h"

namespace omnigraph::graph {
namespace {

Result<schema::MigrationPlan> plan_on(const Snapshot& head, const schema::Catalog& desired,
                                      const SchemaChangeOptions& options) {
  SnapshotMigrationData data(head);
  return schema::plan_migration(
      *head.catalog(), desired,
      {.allow_data_loss = options.allow_data_loss, .data = options.allow_validated ? &data : nullptr});
}

Result<LoadedSchemaPtr> load_schema(std::string_view source, const SchemaChangeOptions& options) {
  OG_ASSIGN_OR_RETURN(auto catalog, schema::parse_schema(source, {.file = options.file, .accepted = false}));
  return std::make_shared<const LoadedSchema>(LoadedSchema{std::string(source), std::move(catalog)});
}

// The tables and identities of a draft under another schema.
class DraftMigration {
 public:
  DraftMigration(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts, const SchemaTarget& target)
      : parts_(parts), draft_(draft), target_(target), commit_(draft.open_commit(facts)) {}

  Result<void> run() {
    OG_ASSIGN_OR_RETURN(before_, draft_.snapshot());
    const std::string digest = base::sha256_hex(target_.schema->source);
    change_.schema.digest = digest;
    change_.objects.push_back({schema_key(digest), Buffer::from(std::string(target_.schema->source))});
    const schema::Catalog& desired = *target_.schema->catalog;
    for (std::uint32_t i = 0; i < desired.nodes.size(); ++i) {
      OG_RETURN_IF_ERROR(type({schema::EntityKind::kNode, i}, target_.match.nodes[i]));
    }
    for (std::uint32_t i = 0; i < desired.edges.size(); ++i) {
      OG_RETURN_IF_ERROR(type({schema::EntityKind::kEdge, i}, target_.match.edges[i]));
    }
    for (const auto& [key, entry] : before_->record().tables) {
      if (target_.hard && !kept_tables_.contains(entry.id)) change_.purged.push_back(entry.id);
    }
    parts_.snapshots->note_schema(digest, target_.schema);
    draft_.replace_schema(std::move(change_));
    return {};
  }

 private:
  Result<void> type(schema::TypeRef type, const schema::TypeMatch& match) {
    return match.accepted ? existing(type, match) : added(type);
  }

  [[nodiscard]] const TypeIdentity* like(const std::string& key) const {
    return target_.like == nullptr ? nullptr : target_.like->schema.find(key);
  }

  Result<void> existing(schema::TypeRef type, const schema::TypeMatch& match) {
    const schema::TypeRef from{type.kind, *match.accepted};
    const std::string old_key = before_->catalog()->table_key(from);
    const std::string key = target_.schema->catalog->table_key(type);
    TableMigration migration{
        .desired = target_.schema->catalog.get(), .type = type, .match = &match, .like = like(key)};
    OG_ASSIGN_OR_RETURN(MigratedTable table,
                        migrate_table(*before_, from, migration, target_.in_memory ? nullptr : parts_.store.get()));
    TableEntry entry = before_->record().tables.at(old_key);
    kept_tables_.insert(entry.id);
    if (target_.hard && table.lost_property) change_.purged.push_back(entry.id);
    if (table.manifest) {
      put_manifest(entry,
                   restamped(std::move(*table.manifest), previous_manifest(from), new_detached_version(), origin(key)));
      entry.head_version += 1;
      entry.branch = draft_.record().branch;
    }
    for (NewObject& object : table.small) change_.objects.push_back(std::move(object));
    change_.brings_uploads = change_.brings_uploads || table.uploaded;
    change_.schema.types.push_back(std::move(table.identity));
    change_.tables[key] = std::move(entry);
    return {};
  }

  [[nodiscard]] const lance::Manifest& previous_manifest(schema::TypeRef type) {
    kept_views_.push_back(*before_->table(type));  // migrate_table has opened it
    return kept_views_.back()->manifest();
  }

  Result<void> added(schema::TypeRef type) {
    const schema::Catalog& desired = *target_.schema->catalog;
    const std::string key = desired.table_key(type);
    const TypeIdentity* known = like(key);
    TableEntry entry;
    entry.id = known != nullptr ? known->id : base::new_ulid(parts_.clock);
    entry.head_version = 1;
    entry.branch = draft_.record().branch;
    entry.manifest = known != nullptr ? target_.like->tables.at(key).manifest  // its folder goes on
                                      : table_root(type.kind, desired.name_of(type), entry.id) + "/_versions/new";
    const std::uint64_t version = new_detached_version();
    lance::Manifest manifest = first_manifest(desired, type, version, parts_.file.exclusive_writer, origin(key));
    TypeIdentity identity = first_identity(desired, type, entry.id, manifest);
    if (known != nullptr) {
      identity.key_order = known->key_order;
      for (PropertyIdentity& property : identity.properties) {
        for (const PropertyIdentity& theirs : known->properties) {
          if (theirs.name == property.name) property.id = theirs.id;
        }
      }
    }
    put_manifest(entry, std::move(manifest));
    change_.schema.types.push_back(std::move(identity));
    change_.tables[key] = std::move(entry);
    return {};
  }

  // Replaces the version in `entry`, whose manifest key names the folder.
  void put_manifest(TableEntry& entry, lance::Manifest manifest) {
    entry.version = manifest.version;
    entry.manifest = table_root_of(entry.manifest) + "/_versions/" + lance::manifest_name(manifest.version);
    entry.bytes = data_bytes(manifest);
    change_.objects.push_back({entry.manifest, Buffer::from(lance::serialize_manifest(manifest))});
    parts_.tables->note_manifest(entry.manifest, std::make_shared<const lance::Manifest>(std::move(manifest)));
  }

  [[nodiscard]] ManifestOrigin origin(const std::string& key) const {
    return {.table_key = key, .commit_id = commit_.id, .at_us = commit_.at_us};
  }

  StoreParts& parts_;
  RecordDraft& draft_;
  const SchemaTarget& target_;
  const Commit commit_;
  SnapshotPtr before_;
  std::vector<TableViewPtr> kept_views_;
  std::set<std::string> kept_tables_;
  SchemaReplacement change_;
};

class PurgedSnapshot final : public Snapshot {
 public:
  // By table key: the record that purged the table, and the table's id.
  using Purged = std::map<std::string, std::pair<std::uint64_t, std::string>>;
  PurgedSnapshot(SnapshotPtr whole, std::shared_ptr<CommitLog> log, Purged purged)
      : whole_(std::move(whole)), log_(std::move(log)), purged_(std::move(purged)) {}
  const std::string& commit_id() const override { return whole_->commit_id(); }
  std::uint64_t version() const override { return whole_->version(); }
  const CommitRecord& record() const override { return whole_->record(); }
  const std::shared_ptr<const schema::Catalog>& catalog() const override { return whole_->catalog(); }
  const std::string& schema_source() const override { return whole_->schema_source(); }

  Result<TableViewPtr> table(schema::TypeRef type) const override {
    OG_RETURN_IF_ERROR(check_whole(type));
    return whole_->table(type);
  }
  Result<std::shared_ptr<const index::Adjacency>> adjacency(std::uint32_t edge_index,
                                                            AdjacencyDirection direction) const override {
    const schema::EdgeType& edge = catalog()->edges[edge_index];
    for (const schema::TypeRef type : {schema::TypeRef{schema::EntityKind::kEdge, edge_index},
                                       schema::TypeRef{schema::EntityKind::kNode, edge.source_index},
                                       schema::TypeRef{schema::EntityKind::kNode, edge.target_index}}) {
      OG_RETURN_IF_ERROR(check_whole(type));
    }
    return whole_->adjacency(edge_index, direction);
  }

 private:
  [[nodiscard]] Result<void> check_whole(schema::TypeRef type) const {
    const auto found = purged_.find(catalog()->table_key(type));
    if (found == purged_.end()) return {};
    const auto& [seq, table_id] = found->second;
    return std::unexpected(history_purged(*log_, record().branch, seq, table_id, commit_id()));
  }

  const SnapshotPtr whole_;
  const std::shared_ptr<CommitLog> log_;
  const Purged purged_;
};

}  // namespace

Result<schema::MigrationPlan> plan_schema_change(const Snapshot& head, std::string_view source,
                                                 const SchemaChangeOptions& options) {
  if (head.record().schema.digest == base::sha256_hex(source)) return plan_on(head, *head.catalog(), options);
  OG_ASSIGN_OR_RETURN(const LoadedSchemaPtr desired, load_schema(source, options));
  return plan_on(head, *desired->catalog, options);
}

Result<SchemaChangeOutcome> apply_schema_change(StoreParts& parts, std::string_view source,
                                                const std::optional<std::string>& actor,
                                                const SchemaChangeOptions& options) {
  const std::string digest = base::sha256_hex(source);
  LoadedSchemaPtr desired;
  SchemaChangeOutcome outcome;
  const auto body = [&](DraftAttempt& attempt) -> Result<bool> {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr head, attempt.draft.snapshot());
    outcome = {};
    outcome.version = head->version();
    if (head->record().schema.digest == digest) return false;
    if (desired == nullptr) {
      OG_ASSIGN_OR_RETURN(desired, load_schema(source, options));
    }
    OG_ASSIGN_OR_RETURN(outcome.plan, plan_on(*head, *desired->catalog, options));
    if (const schema::MigrationStep* refused = outcome.plan.first_unsupported()) {
      return std::unexpected(schema::step_refusal(*refused));
    }
    const CommitFacts facts{.kind = CommitKind::kSchema, .actor = actor};
    OG_RETURN_IF_ERROR(
        migrate_draft(parts, attempt.draft, facts,
                      {.schema = desired, .match = outcome.plan.match, .hard = options.allow_data_loss}));
    OG_RETURN_IF_ERROR(attempt.draft.append(facts, {}));
    return true;
  };
  OG_ASSIGN_OR_RETURN(const RecordPtr record, publish_draft(parts, std::string(kMainBranch), body));
  if (record != nullptr) {
    outcome.applied = true;
    outcome.commit = record->record.commits.back();
    outcome.version = record->record.head_version;
  }
  return outcome;
}

Result<void> migrate_draft(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts,
                           const SchemaTarget& target) {
  return DraftMigration(parts, draft, facts, target).run();
}

SnapshotPtr without_purged(SnapshotPtr snapshot, const std::shared_ptr<CommitLog>& log, const CommitRecord& head) {
  PurgedSnapshot::Purged purged;
  for (const auto& [key, entry] : snapshot->record().tables) {
    const auto found = head.purges.find(entry.id);
    if (found == head.purges.end() || snapshot->record().seq >= found->second) continue;
    purged.emplace(key, std::pair(found->second, found->first));
  }
  if (purged.empty()) return snapshot;
  return std::make_shared<PurgedSnapshot>(std::move(snapshot), log, std::move(purged));
}

}  // namespace omnigraph::graph
