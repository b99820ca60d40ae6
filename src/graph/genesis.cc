#include "graph/genesis.h"

#include "base/hash.h"
#include "base/ulid.h"
#include "graph/layout.h"
#include "graph/next_manifest.h"

namespace omnigraph::graph {
namespace {

// Adds the empty table of one type to the record and its first commit.
void add_table(StoreParts& parts, const schema::Catalog& catalog, schema::TypeRef type, CommitRecord& record,
               Commit& commit, std::vector<NewObject>& objects) {
  const std::string key = catalog.table_key(type);
  const std::string table_id = base::new_ulid(parts.clock);
  const std::uint64_t version = new_detached_version();
  auto manifest = std::make_shared<const lance::Manifest>(
      first_manifest(catalog, type, version, parts.file.exclusive_writer,
                     {.table_key = key, .commit_id = commit.id, .at_us = commit.at_us}));
  record.schema.types.push_back(first_identity(catalog, type, table_id, *manifest));
  TableEntry entry;
  entry.id = table_id;
  entry.version = version;
  entry.manifest =
      table_root(type.kind, catalog.name_of(type), table_id) + "/_versions/" + lance::manifest_name(version);
  entry.head_version = 1;
  entry.branch = record.branch;
  objects.push_back({entry.manifest, Buffer::from(lance::serialize_manifest(*manifest))});
  parts.tables->note_manifest(entry.manifest, std::move(manifest));
  record.tables[key] = entry;
  commit.tables[key] = std::move(entry);
}

}  // namespace

Error graph_exists() { return conflict("a graph already exists here; open it, or choose another place"); }

Result<void> publish_genesis(StoreParts& parts, const LoadedSchemaPtr& schema,
                             const std::optional<std::string>& actor) {
  OG_ASSIGN_OR_RETURN(const Head head, parts.log->confirmed_head(kMainBranch));
  if (head.record != nullptr) return std::unexpected(graph_exists());
  CommitRecord record;
  record.branch = std::string(kMainBranch);
  record.incarnation = base::new_ulid(parts.clock);
  record.seq = parts.log->first_seq();
  record.schema.digest = base::sha256_hex(schema->source);
  Commit commit;
  commit.id = base::new_ulid(parts.clock);
  commit.version = 1;
  commit.actor = actor;
  commit.at_us = parts.clock.now_us();
  commit.kind = CommitKind::kInit;
  std::vector<NewObject> objects{{schema_key(record.schema.digest), Buffer::from(std::string(schema->source))}};
  const schema::Catalog& catalog = *schema->catalog;
  for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) {
    add_table(parts, catalog, {schema::EntityKind::kNode, i}, record, commit, objects);
  }
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
    add_table(parts, catalog, {schema::EntityKind::kEdge, i}, record, commit, objects);
  }
  parts.snapshots->note_schema(record.schema.digest, schema);
  record.head_id = commit.id;
  record.head_version = commit.version;
  record.commits.push_back(std::move(commit));
  Uploads uploads;
  OG_ASSIGN_OR_RETURN(
      const Published published,
      parts.publisher->publish(std::move(record), objects,
                               {.source = nullptr, .confirmed = {head.confirmed}, .uploads = &uploads}));
  if (published.outcome != PublishOutcome::kWon) return std::unexpected(graph_exists());
  parts.follow_up(published.record);
  return {};
}

}  // namespace omnigraph::graph
