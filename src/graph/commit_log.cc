#include "graph/commit_log.h"

#include "graph/layout.h"
#include "graph/memory_cost.h"

namespace omnigraph::graph {
namespace {

// A reader this far behind asks for the newest record instead of walking there.
constexpr int kWalkMax = 8;
// Requests may ask for any name.
constexpr std::size_t kUnusedNamesMax = 10'000;

}  // namespace

Result<Head> CommitLog::confirmed_head(std::string_view branch) {
  if (const auto known = cached_head(branch); known && elapsed_us(known->confirmed, now()) <= kConfirmedForUs) {
    return walk_up(branch, *known);
  }
  return find_newest(branch);
}

Result<Head> CommitLog::recent_head(std::string_view branch) {
  if (auto known = cached_head(branch); known && elapsed_us(known->confirmed, now()) <= kConfirmedForUs) return *known;
  {
    const std::lock_guard lock(mutex_);
    const auto unused = unused_.find(branch);
    if (unused != unused_.end() && elapsed_us(unused->second, now()) <= kConfirmedForUs) {
      return Head{nullptr, unused->second};
    }
  }
  return find_newest(branch);
}

Result<Head> CommitLog::head_above(const Head& before) {
  const std::string& branch = before.record->record.branch;
  const std::uint64_t seq = before.record->record.seq + 1;
  OG_ASSIGN_OR_RETURN(RecordPtr record, read(branch, seq));
  OG_RETURN_IF_ERROR(store_->sync(record_key(branch, seq)));
  return remember_head(branch, {std::move(record), before.confirmed});
}

Result<Head> CommitLog::find_newest(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(Head listed, take_listed(branch));
  const Moment sent = listed.record != nullptr ? listed.confirmed : now();
  RecordPtr record = std::move(listed.record);
  if (record == nullptr) {
    OG_ASSIGN_OR_RETURN(record, newest_at_or_below(branch, ~std::uint64_t{0}));
  }
  if (record == nullptr) {
    remember_unused(branch, sent);
    return Head{nullptr, sent};
  }
  // Its writer may have died before the folder was synced; what we build on must not vanish with the power.
  OG_RETURN_IF_ERROR(store_->sync(record_key(branch, record->record.seq)));
  return remember_head(branch, {std::move(record), sent});
}

void CommitLog::note_listed(std::string_view branch, std::uint64_t seq, const Moment& sent) {
  const std::lock_guard lock(mutex_);
  listed_.insert_or_assign(std::string(branch), Listed{seq, sent});
}

std::optional<std::uint64_t> CommitLog::listed_seq(std::string_view branch) const {
  const std::lock_guard lock(mutex_);
  const auto found = listed_.find(branch);
  return found == listed_.end() ? std::nullopt : std::optional(found->second.seq);
}

Result<Head> CommitLog::take_listed(std::string_view branch) {
  Listed listed;
  {
    const std::lock_guard lock(mutex_);
    const auto found = listed_.find(branch);
    if (found == listed_.end()) return Head{};
    listed = found->second;
    listed_.erase(found);
  }
  if (elapsed_us(listed.sent, now()) > kConfirmedForUs) return Head{};
  Result<RecordPtr> record = read(branch, listed.seq);
  if (record) return Head{*std::move(record), listed.sent};
  if (record.error().code == Code::kNotFound) return Head{};
  return std::unexpected(std::move(record).error());
}

Result<Head> CommitLog::walk_up(std::string_view branch, Head known) {
  for (int step = 0; step < kWalkMax; ++step) {
    const Moment sent = now();
    Result<Head> next = head_above(known);
    if (!next && next.error().code == Code::kNotFound) {
      known.confirmed = sent;
      return remember_head(branch, std::move(known));
    }
    if (!next) return next;
    known = std::move(*next);
  }
  return find_newest(branch);
}

Result<RecordPtr> CommitLog::read(std::string_view branch, std::uint64_t seq) {
  if (RecordPtr cached = records_.find(position_key(branch, seq))) return cached;
  const std::string key = record_key(branch, seq);
  OG_ASSIGN_OR_RETURN(Buffer bytes, store_->get(key));
  OG_ASSIGN_OR_RETURN(CommitRecord record, decode_record(bytes, key));
  if (record.branch != branch || record.seq != seq) {
    return std::unexpected(corrupt_object(key, "the record belongs to another slot"));
  }
  auto copies = RecordCopies::in(bytes);
  auto loaded = std::make_shared<const LoadedRecord>(
      LoadedRecord{std::move(record), std::move(bytes), nullptr, nullptr, std::move(copies)});
  remember_record(loaded);
  return loaded;
}

Result<RecordPtr> CommitLog::newest_at_or_below(std::string_view branch, std::uint64_t seq) {
  const std::string prefix = log_prefix(branch);
  objectstore::ListOptions options{.limit = 1};
  if (seq != ~std::uint64_t{0}) options.start_after = record_key(branch, seq + 1);
  while (true) {
    OG_ASSIGN_OR_RETURN(const objectstore::Listing listing, store_->list(prefix, options));
    if (listing.objects.empty()) return RecordPtr();
    const std::string& key = listing.objects.front().key;
    if (const auto found = seq_of_record_key(key)) return read(branch, *found);
    options.start_after = key;  // not ours
  }
}

Result<std::vector<std::uint64_t>> CommitLog::list_seqs(std::string_view branch) {
  std::vector<std::uint64_t> seqs;
  objectstore::ListOptions options;
  while (true) {
    OG_ASSIGN_OR_RETURN(const objectstore::Listing listing, store_->list(log_prefix(branch), options));
    for (const objectstore::ObjectInfo& object : listing.objects) {
      if (const auto seq = seq_of_record_key(object.key)) seqs.push_back(*seq);
    }
    if (!listing.truncated || listing.objects.empty()) return seqs;
    options.start_after = listing.objects.back().key;
  }
}

Result<bool> CommitLog::exists(std::string_view branch, std::uint64_t seq) {
  const auto info = store_->head(record_key(branch, seq));
  if (info) return true;
  if (info.error().code == Code::kNotFound) return false;
  return std::unexpected(info.error());
}

Result<std::vector<std::string>> CommitLog::names() {
  std::vector<std::string> names;
  objectstore::ListOptions options{.delimited = true};
  while (true) {
    OG_ASSIGN_OR_RETURN(const objectstore::Listing listing, store_->list("log/", options));
    for (std::string_view prefix : listing.prefixes) {
      prefix.remove_prefix(4);
      prefix.remove_suffix(1);
      if (auto name = decode_branch(prefix)) names.push_back(std::move(*name));
    }
    if (!listing.truncated || (listing.prefixes.empty() && listing.objects.empty())) break;
    options.start_after = listing.prefixes.empty() ? listing.objects.back().key : listing.prefixes.back();
    if (!listing.objects.empty()) options.start_after = std::max(options.start_after, listing.objects.back().key);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void CommitLog::note_published(RecordPtr record, const Moment& sent) {
  remember_record(record);
  const std::string branch = record->record.branch;
  (void)remember_head(branch, {std::move(record), sent});
}

std::optional<Head> CommitLog::cached_head(std::string_view branch) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<const Head> found = heads_.find(std::string(branch));
  return found == nullptr ? std::nullopt : std::optional(*found);
}

void CommitLog::remember_unused(std::string_view branch, const Moment& sent) {
  const std::lock_guard lock(mutex_);
  if (heads_.contains(std::string(branch))) return;
  if (unused_.size() >= kUnusedNamesMax) unused_.clear();
  unused_.insert_or_assign(std::string(branch), sent);
}

Head CommitLog::remember_head(std::string_view branch, Head head) {
  const std::lock_guard lock(mutex_);
  if (const auto unused = unused_.find(branch); unused != unused_.end()) unused_.erase(unused);
  const std::string name(branch);
  const std::shared_ptr<Head> known = heads_.find(name);
  const std::uint64_t new_seq = head.record->record.seq;
  // Another thread may have seen more meanwhile; a head only moves up.
  if (known == nullptr || new_seq > known->record->record.seq) {
    const std::uint64_t bytes = memory_of(*head.record);
    heads_.replace(name, std::make_shared<Head>(head), bytes);
    return head;
  }
  if (new_seq == known->record->record.seq && elapsed_us(known->confirmed, head.confirmed) > 0) {
    known->confirmed = head.confirmed;
  }
  return *known;
}

std::string CommitLog::position_key(std::string_view branch, std::uint64_t seq) {
  std::string key = std::to_string(seq);
  key.append(" ").append(branch);
  return key;
}

void CommitLog::remember_record(const RecordPtr& record) {
  const std::string key = position_key(record->record.branch, record->record.seq);
  if (!records_.contains(key)) records_.insert(key, record, memory_of(*record));
}

}  // namespace omnigraph::graph
