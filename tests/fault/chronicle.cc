#include "tests/fault/chronicle.h"

namespace omnigraph::graph::testing {

void Chronicle::add(std::string_view key, std::span<const std::byte> bytes) {
  const auto decoded = decode_record(Buffer::from(std::vector<std::byte>(bytes.begin(), bytes.end())), key);
  ASSERT_TRUE(decoded) << decoded.error().render();
  const CommitRecord& record = *decoded;
  Log& log = logs_[record.branch];
  const Entry* before = log.empty() ? nullptr : &log.rbegin()->second;
  check_place(record, before);
  Entry entry{record, std::nullopt, clock_->now_us()};
  if (!record.deleted) {
    const bool forks = before == nullptr || before->record.deleted;
    if (!forks) {
      entry.state = before->state;
    } else if (record.forked_from) {
      entry.state = state_at(record.forked_from->branch, record.forked_from->seq);
      EXPECT_TRUE(entry.state) << record.branch << " was forked from nothing";
    }
    if (!entry.state) entry.state.emplace();
    carry_out(record, *entry.state);
  }
  log.emplace(record.seq, std::move(entry));
}

void Chronicle::check_place(const CommitRecord& record, const Entry* before) const {
  if (before == nullptr) return;
  const CommitRecord& last = before->record;
  EXPECT_EQ(record.seq, last.seq + 1) << record.branch << ": a slot was left out, or one that was used before";
  if (last.deleted) {
    EXPECT_FALSE(record.deleted) << record.branch << " was deleted twice";
    EXPECT_GT(record.incarnation, last.incarnation);
    return;
  }
  EXPECT_EQ(record.incarnation, last.incarnation) << record.branch;
  if (record.deleted) return;
  std::string parent = last.head_id;
  std::uint64_t version = last.head_version;
  for (const Commit& commit : record.commits) {
    EXPECT_EQ(commit.parents.empty() ? std::string() : commit.parents.front(), parent);
    EXPECT_EQ(commit.version, ++version);
    EXPECT_GT(commit.id, parent);
    parent = commit.id;
  }
  EXPECT_EQ(record.head_id, parent);
}

void Chronicle::carry_out(const CommitRecord& record, State& state) {
  for (const Commit& commit : record.commits) {
    if (!commit.actor) continue;  // before the history began
    EXPECT_TRUE(commits_.emplace(*commit.actor, std::pair(commit.id, record.seq)).second)
        << *commit.actor << " took place twice";
    if (commit.merged) {  // a fast-forward: these tests make no other
      const auto source = state_at(commit.merged->branch, commit.merged->seq);
      ASSERT_TRUE(source) << *commit.actor << " merged a branch that was not there";
      state = *source;
    }
    const auto effect = effects_.find(*commit.actor);
    ASSERT_NE(effect, effects_.end()) << *commit.actor;
    EXPECT_TRUE(effect->second(state)) << *commit.actor << " took place on " << record.branch << "/" << record.seq
                                       << ", where it could not";
  }
}

std::optional<State> Chronicle::state_at(const std::string& branch, std::uint64_t seq) const {
  const auto log = logs_.find(branch);
  if (log == logs_.end()) return std::nullopt;
  const auto entry = log->second.find(seq);
  return entry == log->second.end() ? std::nullopt : entry->second.state;
}

std::uint64_t Chronicle::newest(const std::string& branch) const {
  const auto log = logs_.find(branch);
  return log == logs_.end() ? 0 : log->second.rbegin()->first;
}

std::uint64_t Chronicle::first(const std::string& branch) const {
  const auto log = logs_.find(branch);
  return log == logs_.end() ? 0 : log->second.begin()->first;
}

std::optional<std::pair<std::string, std::uint64_t>> Chronicle::commit_of(const std::string& tag) const {
  const auto found = commits_.find(tag);
  return found == commits_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace omnigraph::graph::testing
