#include "graph/snapshot.h"

#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "graph/layout.h"
#include "graph/memory_cost.h"
#include "graph/parallel_io.h"
#include "graph/snapshot_factory.h"
#include "graph/warm_tables.h"
#include "schema/parser.h"

namespace omnigraph::graph {
namespace {

// Bytes.
constexpr std::uint64_t kSnapshotsMax = std::uint64_t{16} << 20;
constexpr std::uint64_t kSchemasMax = std::uint64_t{16} << 20;
// Of a snapshot beside its record: as far as they were asked for it keeps the views of its tables, which may have left
// their own cache; about.
constexpr std::uint64_t kSnapshotBytes = std::uint64_t{256} << 10;
// Requests that a cold reader spends to save one round trip.
constexpr std::size_t kPrefetchedMax = 64;

using StatePtr = std::shared_ptr<const CommitRecord>;

// The record's own state, without a copy.
StatePtr state_of(const RecordPtr& record) { return {record, &record->record}; }

class RecordSnapshot final : public Snapshot, public FarSnapshot {
 public:
  RecordSnapshot(RecordPtr loaded, StatePtr state, LoadedSchemaPtr schema, std::shared_ptr<TableCache> tables,
                 std::shared_ptr<AdjacencyCache> adjacency)
      : loaded_(std::move(loaded)),
        state_(std::move(state)),
        schema_(std::move(schema)),
        tables_(std::move(tables)),
        adjacency_(std::move(adjacency)),
        nodes_(schema_->catalog->nodes.size()),
        edges_(schema_->catalog->edges.size()) {}

  const std::string& commit_id() const override { return state_->head_id; }
  std::uint64_t version() const override { return state_->head_version; }
  const CommitRecord& record() const override { return *state_; }
  const std::shared_ptr<const schema::Catalog>& catalog() const override { return schema_->catalog; }
  const std::string& schema_source() const override { return schema_->source; }

  Result<TableViewPtr> table(schema::TypeRef type) const override {
    std::vector<TableViewPtr>& slots = type.kind == schema::EntityKind::kNode ? nodes_ : edges_;
    OG_CHECK(type.index < slots.size());
    {
      const std::lock_guard lock(mutex_);
      if (slots[type.index] != nullptr) return slots[type.index];
    }
    OG_ASSIGN_OR_RETURN(const TableEntry* entry, entry_of(type));
    Result<TableViewPtr> view = tables_->view(loaded_, state_->schema, schema_->catalog, type, *entry);
    if (!view) return std::unexpected(explained(std::move(view).error()));
    const std::lock_guard lock(mutex_);
    if (slots[type.index] == nullptr) slots[type.index] = std::move(*view);
    return slots[type.index];
  }

  void warm(std::span<const schema::TypeRef> types) const override {
    if (!tables_->remote()) return;
    std::vector<TableWanted> wanted;
    std::unique_lock lock(mutex_);
    for (const schema::TypeRef type : types) {
      if (!warmed_.insert(type).second) continue;
      const auto entry = state_->tables.find(schema_->catalog->table_key(type));
      if (entry != state_->tables.end()) wanted.push_back({loaded_, entry->second});
    }
    lock.unlock();
    warm_tables(*tables_, wanted);
  }

  Result<AdjacencyPtr> adjacency(std::uint32_t edge_index, AdjacencyDirection direction) const override {
    const schema::EdgeType& edge = schema_->catalog->edges[edge_index];
    const schema::TypeRef type{schema::EntityKind::kEdge, edge_index};
    OG_ASSIGN_OR_RETURN(const TableEntry* entry, entry_of(type));
    OG_ASSIGN_OR_RETURN(const TableViewPtr edges, table(type));
    OG_ASSIGN_OR_RETURN(const TableViewPtr sources, node_table(edge.source_index));
    OG_ASSIGN_OR_RETURN(const TableViewPtr targets, node_table(edge.target_index));
    return adjacency_->get(entry->manifest, edges, sources, targets, direction);
  }

 private:
  Result<const TableEntry*> entry_of(schema::TypeRef type) const {
    const std::string key = schema_->catalog->table_key(type);
    const auto found = state_->tables.find(key);
    if (found == state_->tables.end()) {
      return std::unexpected(
          corrupt_object(record_key(state_->branch, state_->seq), "the commit record lacks table '" + key + "'"));
    }
    return &found->second;
  }

  // What is missing of history names the commit that was asked for, not the last one of its record.
  Error explained(Error error) const {
    const std::string& named = loaded_->record.head_id;
    const std::size_t at = error.message.find(named);
    if (error.code == Code::kGone && named != state_->head_id && at != std::string::npos) {
      error.message.replace(at, named.size(), state_->head_id);
    }
    return error;
  }

  const RecordPtr loaded_;  // where attached bytes are found
  const StatePtr state_;    // tables as of this snapshot's commit
  const LoadedSchemaPtr schema_;
  const std::shared_ptr<TableCache> tables_;
  const std::shared_ptr<AdjacencyCache> adjacency_;
  mutable std::mutex mutex_;  // guards all below
  mutable std::set<schema::TypeRef> warmed_;
  mutable std::vector<TableViewPtr> nodes_;
  mutable std::vector<TableViewPtr> edges_;
};

std::uint64_t memory_of(const LoadedSchema& schema) {
  // Of a type or property as the catalog has it, its indexes and its text; about.
  constexpr std::uint64_t kTypeBytes = 2048;
  constexpr std::uint64_t kPropertyBytes = 512;
  std::uint64_t bytes = 2 * schema.source.size();
  for (const auto& type : schema.catalog->nodes) bytes += kTypeBytes + type.properties.size() * kPropertyBytes;
  for (const auto& type : schema.catalog->edges) bytes += kTypeBytes + type.properties.size() * kPropertyBytes;
  return bytes;
}

std::string snapshot_key(const CommitRecord& record, std::size_t commit) {
  return record.branch + " " + std::to_string(record.seq) + " " + std::to_string(commit);
}

}  // namespace

SnapshotFactory::SnapshotFactory(std::shared_ptr<TableCache> tables)
    : tables_(std::move(tables)),
      adjacency_(std::make_shared<AdjacencyCache>()),
      snapshots_("snapshots", kSnapshotsMax),
      schemas_("schemas", kSchemasMax) {}

Result<SnapshotPtr> SnapshotFactory::at_head(const RecordPtr& record) {
  const std::string key = snapshot_key(record->record, record->record.commits.size());
  if (SnapshotPtr known = snapshots_.find(key)) return known;
  OG_ASSIGN_OR_RETURN(SnapshotPtr made, make(record, state_of(record)));
  return snapshots_.insert(key, std::move(made), kSnapshotBytes + memory_of(*record));
}

Result<SnapshotPtr> SnapshotFactory::at_commit(const RecordPtr& record, std::size_t index) {
  const std::vector<Commit>& commits = record->record.commits;
  OG_CHECK(index < commits.size());
  if (index + 1 == commits.size()) return at_head(record);
  const std::string key = snapshot_key(record->record, index);
  if (SnapshotPtr known = snapshots_.find(key)) return known;
  CommitRecord state = record->record;
  state.head_id = commits[index].id;
  state.head_version = commits[index].version;
  for (const auto& [table, entry] : commits[index].tables) state.tables[table] = entry;
  const std::uint64_t bytes = kSnapshotBytes + memory_of(*record) + memory_of(state);
  OG_ASSIGN_OR_RETURN(SnapshotPtr made, make(record, std::make_shared<const CommitRecord>(std::move(state))));
  return snapshots_.insert(key, std::move(made), bytes);
}

Result<SnapshotPtr> SnapshotFactory::of_unpublished(const RecordPtr& record) { return make(record, state_of(record)); }

Result<SnapshotPtr> SnapshotFactory::make(const RecordPtr& record, std::shared_ptr<const CommitRecord> state) {
  if (tables_->remote() && schemas_.find(record->record.schema.digest) == nullptr) warm_up(*record, *state);
  OG_ASSIGN_OR_RETURN(LoadedSchemaPtr loaded, schema(*record));
  return std::make_shared<RecordSnapshot>(record, std::move(state), std::move(loaded), tables_, adjacency_);
}

void SnapshotFactory::warm_up(const LoadedRecord& record, const CommitRecord& state) {
  // What one other record carries comes with one request: by place, the keys that are there.
  std::map<std::pair<std::string, std::uint64_t>, std::vector<const std::string*>> carried;
  std::vector<std::vector<const std::string*>> groups;
  const std::string schema_object = schema_key(record.record.schema.digest);
  const auto add = [&](const std::string& key) {
    const ObjectReader::Where where = tables_->objects()->where(record, key);
    if (where.place == ObjectReader::Place::kStore) groups.push_back({&key});
    if (where.place == ObjectReader::Place::kRecord) carried[{where.at->branch, where.at->seq}].push_back(&key);
  };
  add(schema_object);
  std::size_t count = 0;
  for (const auto& [key, entry] : state.tables) {
    if (count++ < kPrefetchedMax && !tables_->knows_manifest(entry.manifest)) add(entry.manifest);
  }
  for (auto& [place, keys] : carried) groups.push_back(std::move(keys));
  // What fails here is asked for again when it is needed, and fails there.
  (void)parallel_io(groups.size(), [&](std::size_t i) -> Result<void> {
    for (const std::string* key : groups[i]) {
      if (key == &schema_object) {
        (void)schema(record);
      } else {
        (void)tables_->manifest(record, *key);
      }
    }
    return {};
  });
}

Result<LoadedSchemaPtr> SnapshotFactory::schema(const LoadedRecord& record) {
  const std::string& digest = record.record.schema.digest;
  if (LoadedSchemaPtr known = schemas_.find(digest)) return known;
  const std::string key = schema_key(digest);
  OG_ASSIGN_OR_RETURN(const Buffer source, tables_->objects()->get(record, key));
  // The beginning of a schema is a schema, so that a torn file would be taken for one with fewer types.
  if (base::sha256_hex(source.text()) != digest) {
    return std::unexpected(corrupt_object(key, "its content is not the schema that its name is the SHA-256 of"));
  }
  auto catalog = schema::parse_schema(source.text(), {.file = "", .accepted = true});
  if (!catalog) return std::unexpected(corrupt_object(key, "it does not parse: " + catalog.error().message));
  auto loaded = std::make_shared<const LoadedSchema>(LoadedSchema{std::string(source.text()), std::move(*catalog)});
  return schemas_.insert(digest, loaded, memory_of(*loaded));
}

void SnapshotFactory::note_schema(const std::string& digest, LoadedSchemaPtr schema) {
  const std::uint64_t bytes = memory_of(*schema);
  schemas_.insert(digest, std::move(schema), bytes);
}

}  // namespace omnigraph::graph
