#include "graph/head_chain.h"

#include "graph/foreign.h"
#include "graph/layout.h"
#include "graph/next_manifest.h"

namespace omnigraph::graph {
namespace {

// Others advance the chain too; whoever loses this often leaves it to them.
constexpr int kTriesMax = 8;

}  // namespace

void HeadChain::note(const RecordPtr& record) {
  const std::lock_guard lock(mutex_);
  for (const Commit& commit : record->record.commits) {
    for (const auto& [key, entry] : commit.tables) pending_.insert(key);
  }
  if (latest_ == nullptr || latest_->record.seq < record->record.seq) latest_ = record;
}

void HeadChain::note_all(const RecordPtr& record) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : record->record.tables) pending_.insert(key);
  if (latest_ == nullptr || latest_->record.seq < record->record.seq) latest_ = record;
}

Result<void> HeadChain::advance() {
  std::set<std::string> keys;
  RecordPtr record;
  {
    const std::lock_guard lock(mutex_);
    keys.swap(pending_);
    record = latest_;
  }
  Result<void> outcome;
  for (const std::string& key : keys) {
    const auto entry = record->record.tables.find(key);
    if (entry == record->record.tables.end()) continue;  // dropped
    if (Result<void> done = advance_table(record, key, entry->second); !done) outcome = std::move(done);
  }
  return outcome;
}

Result<void> HeadChain::advance_table(const RecordPtr& record, const std::string& table_key, const TableEntry& entry) {
  const std::string root = table_root_of(entry.manifest);
  const std::string& commit_id = record->record.head_id;
  OG_ASSIGN_OR_RETURN(const ManifestPtr content, tables_->manifest(*record, entry.manifest));
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    auto known = newest_.find(root);
    // Drift may have been repaired, here or by another process.
    if (known == newest_.end() || known->second.drifted) {
      OG_ASSIGN_OR_RETURN(Newest found, look(root, entry));
      known = newest_.insert_or_assign(root, std::move(found)).first;
    }
    Newest& newest = known->second;
    if (newest.drifted || newest.commit_id >= commit_id) return {};
    // It has the content that this table got at an older commit, and nothing has changed since.
    if (!newest.commit_id.empty() && newest.commit_id >= table_metadata(*content, kCommitMetadata)) return {};
    const std::uint64_t version = newest.version + 1;
    auto copy = std::make_shared<const lance::Manifest>(
        regular_copy(*content, newest.manifest.get(), version,
                     {.table_key = table_key, .commit_id = commit_id, .at_us = content->timestamp_us}));
    const std::string bytes = lance::serialize_manifest(*copy);
    // Durable, unlike the attachments: no record holds a second copy of this object.
    auto outcome =
        store_->put_if_absent(root + "/_versions/" + lance::manifest_name(version), std::as_bytes(std::span(bytes)));
    if (outcome && *outcome == objectstore::PutOutcome::kCreated) {
      newest = {.version = version, .manifest = std::move(copy), .commit_id = commit_id, .drifted = false};
      return {};
    }
    newest_.erase(known);
    if (!outcome) return std::unexpected(std::move(outcome).error());
  }
  return {};
}

Result<HeadChain::Newest> HeadChain::look(const std::string& table_root, const TableEntry& entry) {
  OG_ASSIGN_OR_RETURN(const RegularVersion found, newest_regular(*store_, table_root));
  if (is_drifted(found, entry)) return Newest{.version = found.version, .manifest = nullptr, .drifted = true};
  return Newest{.version = found.version, .manifest = found.manifest, .commit_id = found.commit_id};
}

}  // namespace omnigraph::graph
