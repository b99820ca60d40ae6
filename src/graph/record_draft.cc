#include "graph/record_draft.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "base/ulid.h"
#include "graph/layout.h"
#include "graph/next_manifest.h"
#include "graph/parallel_io_threads.h"

namespace omnigraph::graph {

std::vector<Moment> WriteBase::confirmed() const {
  std::vector<Moment> moments{head.confirmed};
  if (source) moments.push_back(source->confirmed);
  return moments;
}

CommitRecord forked_record(const std::string& branch, const Head& head, const LoadedRecord& source,
                           const CommitLog& log) {
  const CommitRecord& from = source.record;
  CommitRecord record;
  record.branch = branch;
  record.incarnation = base::new_ulid_after(head.record ? head.record->record.incarnation : std::string(), log.clock());
  record.seq = head.record ? head.record->record.seq + 1 : log.first_seq();
  record.forked_from = RecordPosition{.branch = from.branch, .seq = from.seq, .id = from.head_id};
  record.head_id = from.head_id;
  record.head_version = from.head_version;
  record.schema = from.schema;
  record.tables = from.tables;
  return record;
}

namespace {

// The state that a record describes, under another place in its log; no commits, no attachments.
CommitRecord state_at(const CommitRecord& record, std::uint64_t seq) {
  CommitRecord state;
  state.branch = record.branch;
  state.incarnation = record.incarnation;
  state.seq = seq;
  state.forked_from = record.forked_from;
  state.head_id = record.head_id;
  state.head_version = record.head_version;
  state.schema = record.schema;
  state.tables = record.tables;
  state.purges = record.purges;
  return state;
}

}  // namespace

Result<std::int64_t> head_commit_time(CommitLog& log, const LoadedRecord& record) {
  RecordPtr holder;
  const CommitRecord* at = &record.record;
  while (at->commits.empty() && at->forked_from) {
    Result<RecordPtr> next = log.read(at->forked_from->branch, at->forked_from->seq);
    if (!next && next.error().code == Code::kNotFound) return 0;
    if (!next) return std::unexpected(std::move(next).error());
    holder = std::move(*next);
    at = &holder->record;
  }
  return at->commits.empty() ? 0 : at->commits.back().at_us;
}

Result<RecordDraft> RecordDraft::start(StoreParts& parts, const std::string& branch, const WriteBase& base) {
  const RecordPtr& from = base.record();
  std::int64_t at_us = 0;
  std::shared_future<Result<std::int64_t>> later;
  if (parts.tables->remote() && from->record.commits.empty() && parallel_io_threads() > 1) {
    try {
      later = std::async(std::launch::async, [log = parts.log, from] { return head_commit_time(*log, *from); }).share();
    } catch (const std::system_error&) {
      // No thread to be had: asked for here.
    }
  }
  if (!later.valid()) {
    OG_ASSIGN_OR_RETURN(at_us, head_commit_time(*parts.log, *from));
  }
  CommitRecord record;
  if (base.source) {
    record = forked_record(branch, base.head, *from, *parts.log);
  } else {
    record = state_at(from->record, from->record.seq + 1);
  }
  RecordDraft draft(parts, from, std::move(record), at_us);
  draft.head_time_ = std::move(later);
  return draft;
}

Result<SnapshotPtr> RecordDraft::snapshot() const {
  if (snapshot_ != nullptr) return snapshot_;
  if (record_.commits.empty() && !replaced_) {
    OG_ASSIGN_OR_RETURN(snapshot_, parts_->snapshots->at_head(base_));
    return snapshot_;
  }
  // Reads take what is new from here and everything else from where the state before, in the end the base, has it.
  auto added = std::make_shared<std::map<std::string, Buffer>>();
  for (std::size_t i = objects_in_states_; i < objects_.size(); ++i) added->emplace(objects_[i].key, objects_[i].bytes);
  // The record that is there to be looked for.
  const bool same_log = carrier_->record.branch == record_.branch;
  CommitRecord state = state_at(record_, same_log ? carrier_->record.seq : record_.seq);
  newest_state_ = std::make_shared<const LoadedRecord>(
      LoadedRecord{std::move(state), Buffer(), std::move(added), newest_state_ != nullptr ? newest_state_ : carrier_});
  objects_in_states_ = objects_.size();
  OG_ASSIGN_OR_RETURN(snapshot_, parts_->snapshots->of_unpublished(newest_state_));
  return snapshot_;
}

void RecordDraft::changed() { snapshot_.reset(); }

void RecordDraft::schema_changed() {
  appended_.clear();
  catalog_.reset();
  changed();
}

std::uint64_t RecordDraft::new_bytes() const {
  std::uint64_t bytes = 0;
  for (const NewObject& object : objects_) bytes += object.bytes.size();
  return bytes;
}

Commit RecordDraft::next_commit(const CommitFacts& facts) const {
  Commit commit;
  commit.parents = {record_.head_id};
  // Greater than the ids of all its parents, whatever the clock says.
  std::string_view newest_parent = record_.head_id;
  if (facts.merged) {
    commit.parents.push_back(facts.merged->id);
    newest_parent = std::max(newest_parent, std::string_view(facts.merged->id));
  }
  commit.id = base::new_ulid_after(std::string(newest_parent), parts_->clock);
  commit.version = record_.head_version + 1;
  commit.merged = facts.merged;
  commit.actor = facts.actor;
  std::int64_t parent_at_us = parent_at_us_;
  // A failure to learn it ends in finish().
  if (head_time_.valid()) parent_at_us = std::max(parent_at_us, head_time_.get().value_or(0));
  commit.at_us = std::max(parts_->clock.now_us(), parent_at_us + 1);
  commit.kind = facts.kind;
  commit.content_preserving = facts.content_preserving;
  return commit;
}

std::size_t RecordDraft::add(Commit commit) {
  record_.head_id = commit.id;
  record_.head_version = commit.version;
  parent_at_us_ = commit.at_us;
  record_.commits.push_back(std::move(commit));
  changed();
  return record_.commits.size() - 1;
}

std::size_t RecordDraft::fast_forward(const CommitFacts& facts, RecordPtr source) {
  Commit commit = next_commit(facts);
  TableMap tables;
  for (const auto& [key, theirs] : source->record.tables) {
    TableEntry entry = theirs;
    if (const auto ours = record_.tables.find(key); ours != record_.tables.end() && ours->second.id == theirs.id) {
      const bool same = ours->second.version == theirs.version;
      entry.head_version = ours->second.head_version + (same ? 0 : 1);
      entry.adopted = std::max(ours->second.adopted, theirs.adopted);
      if (same) entry.branch = ours->second.branch;
    }
    const auto before = record_.tables.find(key);
    if (before == record_.tables.end() || before->second != entry) commit.tables[key] = entry;
    tables.emplace(key, std::move(entry));
  }
  record_.tables = std::move(tables);
  record_.schema = source->record.schema;
  carrier_ = std::move(source);
  newest_state_.reset();
  objects_in_states_ = 0;
  schema_changed();
  return add(std::move(commit));
}

const Commit& RecordDraft::open_commit(const CommitFacts& facts) {
  if (!open_) open_ = next_commit(facts);
  return *open_;
}

void RecordDraft::replace_schema(SchemaReplacement change) {
  OG_CHECK(open_.has_value());
  for (const auto& [key, entry] : change.tables) {
    const auto before = record_.tables.find(key);
    if (before == record_.tables.end() || before->second != entry) open_->tables[key] = entry;
  }
  record_.schema = std::move(change.schema);
  record_.tables = std::move(change.tables);
  for (NewObject& object : change.objects) objects_.push_back(std::move(object));
  for (const std::string& table : change.purged) record_.purges[table] = record_.seq;
  open_->purged = std::move(change.purged);
  brings_uploads_ = brings_uploads_ || change.brings_uploads;
  replaced_ = true;
  schema_changed();
}

Result<std::size_t> RecordDraft::append(const CommitFacts& facts, const PreparedWrite& prepared) {
  if (catalog_ == nullptr) {
    OG_ASSIGN_OR_RETURN(const SnapshotPtr before, snapshot());
    catalog_ = before->catalog();
  }
  Commit commit = open_ ? *open_ : next_commit(facts);
  std::vector<NewVersion> versions;
  for (const PreparedTable& table : prepared.tables) {
    OG_ASSIGN_OR_RETURN(versions.emplace_back(), next_version(table, commit));
  }
  // Nothing fails from here on.
  open_.reset();
  replaced_ = false;
  for (NewVersion& version : versions) take(std::move(version), commit);
  for (const NewObject& object : prepared.small) objects_.push_back(object);
  for (const auto& [key, rows] : prepared.rows) parts_->tables->note_rows(key, rows);
  brings_uploads_ = brings_uploads_ || !prepared.uploaded.empty();
  return add(std::move(commit));
}

Result<ManifestPtr> RecordDraft::newest_manifest(schema::TypeRef type, const std::string& table_key) {
  if (const auto known = appended_.find(table_key); known != appended_.end()) return known->second;
  OG_ASSIGN_OR_RETURN(const SnapshotPtr before, snapshot());
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, before->table(type));
  // The view lives as long as its manifest is used.
  return ManifestPtr(view, &view->manifest());
}

Result<RecordDraft::NewVersion> RecordDraft::next_version(const PreparedTable& table, const Commit& commit) {
  NewVersion version;
  version.table_key = catalog_->table_key(table.type);
  OG_ASSIGN_OR_RETURN(const ManifestPtr before, newest_manifest(table.type, version.table_key));
  TableEntry& entry = version.entry = record_.tables.at(version.table_key);
  const std::string root = table_root_of(entry.manifest);
  entry.version = new_detached_version();
  OG_ASSIGN_OR_RETURN(NextManifest next,
                      next_manifest(*before, table, root, entry.version,
                                    {.table_key = version.table_key, .commit_id = commit.id, .at_us = commit.at_us}));
  auto manifest = std::make_shared<const lance::Manifest>(std::move(next.manifest));
  entry.manifest = root + "/_versions/" + lance::manifest_name(entry.version);
  // A version of this very commit (its schema change made one) is replaced before anyone sees it.
  const auto made = commit.tables.find(version.table_key);
  if (made != commit.tables.end() &&
      std::ranges::any_of(objects_, [&](const NewObject& object) { return object.key == made->second.manifest; })) {
    version.replaced = made->second.manifest;
  }
  entry.rows = table.live_rows;
  entry.bytes = data_bytes(*manifest);
  entry.head_version += version.replaced.empty() ? 1 : 0;
  entry.branch = record_.branch;
  if (table.adopted) entry.adopted = table.adopted;
  version.objects.push_back({entry.manifest, Buffer::from(lance::serialize_manifest(*manifest))});
  for (NewObject& deletion : next.deletions) version.objects.push_back(std::move(deletion));
  version.manifest = std::move(manifest);
  version.counts = table.counts;
  return version;
}

void RecordDraft::take(NewVersion version, Commit& commit) {
  if (!version.replaced.empty()) {
    std::erase_if(objects_, [&](const NewObject& object) { return object.key == version.replaced; });
    newest_state_.reset();
    objects_in_states_ = 0;
  }
  for (NewObject& object : version.objects) objects_.push_back(std::move(object));
  appended_.insert_or_assign(version.table_key, version.manifest);
  parts_->tables->note_manifest(version.entry.manifest, std::move(version.manifest));
  commit.changes[version.table_key] = version.counts;
  commit.tables[version.table_key] = version.entry;
  record_.tables.insert_or_assign(version.table_key, std::move(version.entry));
}

Result<CommitRecord> RecordDraft::finish() const {
  if (head_time_.valid() && !head_time_.get()) return std::unexpected(head_time_.get().error());
  CommitRecord record = record_;
  if (record.commits.size() < 2) return record;  // it lists what it changed itself
  std::set<std::string> changed;
  for (const Commit& commit : record.commits) {
    for (const auto& [key, entry] : commit.tables) changed.insert(key);
  }
  TableMap state = base_->record.tables;
  for (Commit& commit : record.commits) {
    for (const auto& [key, entry] : commit.tables) state[key] = entry;
    for (const std::string& key : changed) commit.tables[key] = state[key];
  }
  return record;
}

}  // namespace omnigraph::graph
