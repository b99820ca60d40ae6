#include "graph/head_chain.h"

#include "graph/layout.h"
#include "graph/next_manifest.h"

namespace omnigraph::graph {
namespace {

// Others advance the chain too; whoever loses this often leaves it to them.
constexpr int kTriesMax = 8;
constexpr std::size_t kInvertedNameDigits = 20;

std::string metadata(const lance::Manifest& manifest, std::string_view name) {
  const auto found = manifest.table_metadata.find(std::string(name));
  return found == manifest.table_metadata.end() ? std::string() : found->second;
}

}  // namespace

void HeadChain::note(const RecordPtr& record) {
  const std::lock_guard lock(mutex_);
  for (const Commit& commit : record->record.commits) {
    for (const auto& [key, entry] : commit.tables) pending_.insert(key);
  }
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
    const bool look_again =
        known == newest_.end() || (known->second.drifted && entry.adopted && *entry.adopted >= known->second.version);
    if (look_again) {
      OG_ASSIGN_OR_RETURN(Newest found, look(root, entry));
      known = newest_.insert_or_assign(root, std::move(found)).first;
    }
    Newest& newest = known->second;
    if (newest.drifted || newest.commit_id >= commit_id) return {};
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
  const std::string prefix = table_root + "/_versions/";
  // Inverted names sort newest first, and before the detached ones, which start with a letter.
  OG_ASSIGN_OR_RETURN(const objectstore::Listing listing, store_->list(prefix, {.start_after = {}, .limit = 1}));
  if (listing.objects.empty()) return Newest{};
  const std::string& key = listing.objects.front().key;
  const std::string_view name = std::string_view(key).substr(prefix.size());
  const std::optional<std::uint64_t> version = lance::version_of_name(name);
  if (version && *version >= lance::kDetachedVersionMin) return Newest{};
  Newest newest{.version = version.value_or(0), .manifest = nullptr, .commit_id = {}, .drifted = true};
  if (!version || name.find('.') != kInvertedNameDigits) return newest;
  OG_ASSIGN_OR_RETURN(const Buffer bytes, store_->get(key));
  Result<lance::Manifest> manifest = lance::parse_manifest(bytes, key);
  if (!manifest) return newest;  // foreign and beyond us: drift, for `repair` to report
  const bool ours = metadata(*manifest, kVersionMetadata) == std::to_string(*version);
  if (!ours && entry.adopted != version) return newest;
  newest.drifted = false;
  if (ours) newest.commit_id = metadata(*manifest, kCommitMetadata);
  newest.manifest = std::make_shared<const lance::Manifest>(std::move(*manifest));
  return newest;
}

}  // namespace omnigraph::graph
