#include "graph/head_chain.h"

#include <system_error>
#include <utility>

#include "graph/foreign.h"
#include "graph/layout.h"
#include "graph/next_manifest.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

// Others advance the chain too; whoever loses this often leaves it to them.
constexpr int kTriesMax = 8;

}  // namespace

void HeadChain::look_ahead(const CommitRecord& record) {
  if (!tables_->remote() || record.branch != kMainBranch) return;
  std::vector<TableEntry> entries;
  const std::lock_guard lock(mutex_);
  if (ahead_.valid()) return;  // still to be collected
  for (const Commit& commit : record.commits) {
    for (const auto& [key, entry] : commit.tables) {
      if (looked_ahead_.insert(table_root_of(entry.manifest)).second) entries.push_back(entry);
    }
  }
  if (entries.empty()) return;
  try {
    ahead_ = std::async(std::launch::async, [this, entries] { return look_at(entries); });
  } catch (const std::system_error&) {
    // No thread to be had: advance() looks itself.
  }
}

HeadChain::Found HeadChain::look_at(const std::vector<TableEntry>& entries) const {
  std::vector<std::optional<Newest>> seen(entries.size());
  (void)parallel_io(entries.size(), [&](std::size_t i) -> Result<void> {
    if (auto newest = look(table_root_of(entries[i].manifest), entries[i])) seen[i] = *std::move(newest);
    return {};
  });
  Found found;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (seen[i]) found.emplace_back(table_root_of(entries[i].manifest), *std::move(seen[i]));
  }
  return found;
}

void HeadChain::collect_ahead() {
  std::future<Found> ahead;
  {
    const std::lock_guard lock(mutex_);
    ahead = std::move(ahead_);
  }
  if (!ahead.valid()) return;
  Found found = ahead.get();
  const std::lock_guard lock(mutex_);
  for (auto& [root, newest] : found) newest_.try_emplace(root, std::move(newest));
}

std::optional<HeadChain::Newest> HeadChain::known(const std::string& table_root) const {
  const std::lock_guard lock(mutex_);
  const auto found = newest_.find(table_root);
  return found == newest_.end() ? std::nullopt : std::optional(found->second);
}

void HeadChain::remember(const std::string& table_root, Newest newest) {
  const std::lock_guard lock(mutex_);
  newest_.insert_or_assign(table_root, std::move(newest));
}

void HeadChain::forget(const std::string& table_root) {
  const std::lock_guard lock(mutex_);
  newest_.erase(table_root);
}

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
  collect_ahead();
  std::set<std::string> keys;
  RecordPtr record;
  {
    const std::lock_guard lock(mutex_);
    keys.swap(pending_);
    record = latest_;
  }
  std::vector<const std::pair<const std::string, TableEntry>*> changed;
  for (const std::string& key : keys) {
    const auto entry = record->record.tables.find(key);
    if (entry != record->record.tables.end()) changed.push_back(&*entry);  // else dropped
  }
  std::vector<Result<void>> outcomes(changed.size());
  const auto advance_one = [&](std::size_t i) -> Result<void> {
    outcomes[i] = advance_table(record, changed[i]->first, changed[i]->second);
    return {};  // one table's trouble holds up no other
  };
  if (tables_->remote()) {
    (void)parallel_io(changed.size(), advance_one);
  } else {
    for (std::size_t i = 0; i < changed.size(); ++i) (void)advance_one(i);
  }
  for (Result<void>& outcome : outcomes) OG_RETURN_IF_ERROR(std::move(outcome));
  return {};
}

Result<void> HeadChain::advance_table(const RecordPtr& record, const std::string& table_key, const TableEntry& entry) {
  const std::string root = table_root_of(entry.manifest);
  const std::string& commit_id = record->record.head_id;
  OG_ASSIGN_OR_RETURN(const ManifestPtr content, tables_->manifest(*record, entry.manifest));
  std::optional<Newest> newest = known(root);
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    // Drift may have been repaired, here or by another process.
    if (!newest || newest->drifted) {
      OG_ASSIGN_OR_RETURN(newest, look(root, entry));
      remember(root, *newest);
    }
    if (newest->drifted || newest->commit_id >= commit_id) return {};
    // It has the content that this table got at an older commit, and nothing has changed since.
    if (!newest->commit_id.empty() && newest->commit_id >= table_metadata(*content, kCommitMetadata)) return {};
    const std::uint64_t version = newest->version + 1;
    auto copy = std::make_shared<const lance::Manifest>(
        regular_copy(*content, newest->manifest.get(), version,
                     {.table_key = table_key, .commit_id = commit_id, .at_us = content->timestamp_us}));
    const std::string bytes = lance::serialize_manifest(*copy);
    // Durable, unlike the attachments: no record holds a second copy of this object.
    auto outcome =
        store_->put_if_absent(root + "/_versions/" + lance::manifest_name(version), std::as_bytes(std::span(bytes)));
    if (outcome && *outcome == objectstore::PutOutcome::kCreated) {
      remember(root, Newest{.version = version, .manifest = std::move(copy), .commit_id = commit_id, .drifted = false});
      return {};
    }
    newest.reset();
    forget(root);
    if (!outcome) return std::unexpected(std::move(outcome).error());
  }
  return {};
}

Result<HeadChain::Newest> HeadChain::look(const std::string& table_root, const TableEntry& entry) const {
  OG_ASSIGN_OR_RETURN(const RegularVersion found, newest_regular(*store_, table_root));
  if (is_drifted(found, entry)) return Newest{.version = found.version, .manifest = nullptr, .drifted = true};
  return Newest{.version = found.version, .manifest = found.manifest, .commit_id = found.commit_id};
}

}  // namespace omnigraph::graph
