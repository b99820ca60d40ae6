#include "graph/attachments.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

using objectstore::Durability;
using objectstore::PutOutcome;

// What is forgotten is at worst looked at again.
constexpr std::size_t kStatesMax = 20'000;

bool is_manifest(std::string_view key) { return key.find("/_versions/") != std::string_view::npos; }

using Item = std::pair<const std::string*, const AttachedAt*>;
using Waves = std::array<std::vector<Item>, 4>;

// Own attachments after older ones; within each, manifests in a second wave.
Waves waves(const LoadedRecord& loaded) {
  Waves out;
  const CommitRecord& record = loaded.record;
  for (const auto& [key, at] : record.attached) {
    const bool own = at.branch == record.branch && at.seq == record.seq;
    // Older data first of all: an own manifest may reference it.
    const std::size_t wave = is_manifest(key) ? (own ? 3 : 2) : (own ? 1 : 0);
    out[wave].emplace_back(&key, &at);
  }
  return out;
}

}  // namespace

AttachedLoad load_of(const AttachedMap& attached) {
  AttachedLoad load;
  std::vector<std::pair<std::uint64_t, std::string_view>> records;
  records.reserve(attached.size());
  for (const auto& [key, at] : attached) {
    records.emplace_back(at.seq, at.branch);
    load.bytes += at.size;
  }
  std::ranges::sort(records);
  load.records = static_cast<std::size_t>(std::ranges::unique(records).begin() - records.begin());
  return load;
}

AttachmentKeeper::AttachmentKeeper(std::shared_ptr<objectstore::ObjectStore> store,
                                   std::shared_ptr<const ObjectReader> objects)
    : store_(std::move(store)), objects_(std::move(objects)), local_(store_->local_root().has_value()) {}

AttachedMap AttachmentKeeper::carried(const AttachedMap& attached,
                                      const std::function<bool(const std::string&)>& is_referenced) const {
  AttachedMap out;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, at] : attached) {
    const auto known = states_.find(key);
    if (known != states_.end() && known->second == State::kSettled) continue;
    if (is_referenced(key)) out.emplace_hint(out.end(), key, at);
  }
  return out;
}

Result<void> AttachmentKeeper::place(Records records) {
  OG_RETURN_IF_ERROR(place_data(records));
  return place_manifests(records);
}

Result<void> AttachmentKeeper::place_data(Records records, const Choice& is_chosen) {
  return place_some(records, /*manifests=*/false, is_chosen);
}

Result<void> AttachmentKeeper::place_manifests(Records records, const Choice& is_chosen) {
  return place_some(records, /*manifests=*/true, is_chosen);
}

Result<void> AttachmentKeeper::place_some(Records records, bool manifests, const Choice& is_chosen) {
  struct Place {
    const LoadedRecord* record;
    Item item;
  };
  std::vector<Place> places;
  std::unordered_set<std::string_view> taken;  // records that follow each other name the same older attachments
  for (const RecordPtr& record : records) {
    for (const std::vector<Item>& wave : waves(*record)) {
      for (const Item& item : wave) {
        if (is_manifest(*item.first) != manifests || is_known(*item.first)) continue;
        if (!is_chosen(*record, *item.first)) continue;
        if (taken.insert(*item.first).second) places.push_back({record.get(), item});
      }
    }
  }
  const auto place = [&](std::size_t i) {
    return place_one(*places[i].record, *places[i].item.first, *places[i].item.second);
  };
  if (!local_) return parallel_io(places.size(), place);
  for (std::size_t i = 0; i < places.size(); ++i) OG_RETURN_IF_ERROR(place(i));
  return {};
}

Result<void> AttachmentKeeper::settle(const LoadedRecord& record, const Choice& is_chosen) {
  return settle_some(record, [&](const std::string& key, const AttachedAt&) { return is_chosen(record, key); });
}

Result<void> AttachmentKeeper::settle_oldest(const LoadedRecord& record, std::size_t carriers) {
  std::set<std::pair<std::uint64_t, std::string_view>> oldest;  // sequence numbers first: they begin alike in all logs
  for (const auto& [key, at] : record.record.attached) {
    if (!is_settled(key)) oldest.emplace(at.seq, at.branch);
  }
  while (oldest.size() > carriers) oldest.erase(std::prev(oldest.end()));
  return settle_some(record, [&](const std::string&, const AttachedAt& at) {
    return oldest.contains({at.seq, std::string_view(at.branch)});
  });
}

Result<void> AttachmentKeeper::settle_some(const LoadedRecord& record, const Wanted& is_wanted) {
  for (std::vector<Item>& wave : waves(record)) {
    std::erase_if(wave,
                  [&](const Item& item) { return is_settled(*item.first) || !is_wanted(*item.first, *item.second); });
    OG_RETURN_IF_ERROR(
        parallel_io(wave.size(), [&](std::size_t i) { return settle_one(record, *wave[i].first, *wave[i].second); }));
  }
  return {};
}

Result<void> AttachmentKeeper::place_one(const LoadedRecord& record, const std::string& key, const AttachedAt& at) {
  const bool own = at.branch == record.record.branch && at.seq == record.record.seq;
  if (!own) {  // most likely its writer has placed it: ask before sending
    const auto info = store_->head(key);
    if (info) {
      remember(key, local_ ? State::kPresent : State::kSettled);
      return {};
    }
    if (info.error().code != Code::kNotFound) return std::unexpected(info.error());
  }
  OG_ASSIGN_OR_RETURN(const Buffer bytes, objects_->attachment(record, key, at));
  // Never over a file that is there: an unsynced replacement could destroy a synced one.
  OG_ASSIGN_OR_RETURN(const PutOutcome outcome, store_->put_if_absent(key, bytes.bytes(), Durability::kWriteBack));
  remember(key, state_after_put(outcome));
  return {};
}

Result<void> AttachmentKeeper::settle_one(const LoadedRecord& record, const std::string& key, const AttachedAt& at) {
  State state = State::kPresent;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = states_.find(key); known != states_.end()) state = known->second;
  }
  if (state == State::kSettled) return {};
  if (state == State::kPresent) {
    OG_ASSIGN_OR_RETURN(const Buffer bytes, objects_->attachment(record, key, at));
    OG_ASSIGN_OR_RETURN(const PutOutcome outcome, store_->put_if_absent(key, bytes.bytes(), Durability::kWriteBack));
    if (local_ && outcome == PutOutcome::kAlreadyExists) {
      OG_ASSIGN_OR_RETURN(const Buffer found, store_->get(key));
      if (found.text() != bytes.text()) {  // torn by a power loss: replaced whole and synced
        OG_RETURN_IF_ERROR(store_->put(key, bytes.bytes(), Durability::kDurable));
      }
    }
  }
  if (local_) {
    Result<void> synced = store_->sync(key);
    // Removed since, or the sync failed: after a failed one the system may call lost pages clean, so that trying again
    // proves nothing. A new file does.
    if (!synced) {
      OG_ASSIGN_OR_RETURN(const Buffer bytes, objects_->attachment(record, key, at));
      synced = store_->put(key, bytes.bytes(), Durability::kDurable);
    }
    if (!synced) return synced;
  }
  remember(key, State::kSettled);
  return {};
}

AttachmentKeeper::State AttachmentKeeper::state_after_put(PutOutcome outcome) const {
  if (!local_) return State::kSettled;
  return outcome == PutOutcome::kCreated ? State::kWritten : State::kPresent;
}

bool AttachmentKeeper::is_known(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return states_.contains(key);
}

bool AttachmentKeeper::is_settled(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto known = states_.find(key);
  return known != states_.end() && known->second == State::kSettled;
}

void AttachmentKeeper::remember(const std::string& key, State state) {
  const std::lock_guard lock(mutex_);
  if (states_.size() >= kStatesMax) states_.clear();
  State& known = states_.try_emplace(key, state).first->second;
  known = std::max(known, state);
}

}  // namespace omnigraph::graph
