#include "exec/distinct.h"

#include <algorithm>
#include <utility>

namespace omnigraph::exec {
namespace {

constexpr std::size_t kSlotsMin = 64;

std::uint64_t combine_hashes(std::uint64_t hash, std::uint64_t more) {
  return (hash ^ (more + 0x9E3779B97F4A7C15u + (hash << 6) + (hash >> 2))) * 0xD6E8FEB86659FD93u;
}

}  // namespace

void HashSlots::grow() {
  std::vector<Slot> larger(std::max(kSlotsMin, slots_.size() * 2));
  for (const Slot& slot : slots_) {
    if (slot.entry == kEmpty) continue;
    std::size_t at = slot.hash & (larger.size() - 1);
    while (larger[at].entry != kEmpty) at = (at + 1) & (larger.size() - 1);
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

bool DistinctValues::insert(std::uint32_t group, const Value& value) {
  const auto next = static_cast<std::uint32_t>(entries_.size());
  const std::uint32_t entry = slots_.find_or_add(
      combine_hashes(group, group_hash(value)), next,
      [&](std::uint32_t known) { return entries_[known].group == group && same_group(entries_[known].value, value); });
  if (entry != next) return false;
  Value kept = value;
  if (made_ && value.kind == Value::Kind::kString) {
    kept.text = texts_.emplace_back(value.text);
    copied_bytes_ += sizeof(std::string) + value.text.size();
  }
  if (made_ && value.kind == Value::Kind::kScalars) {
    kept.scalars = &lists_.emplace_back(*value.scalars);
    copied_bytes_ += value.scalars->size() * sizeof((*value.scalars)[0]);
  }
  entries_.push_back({group, kept});
  return true;
}

bool DistinctRows::insert(std::uint32_t group, Ordinal row) {
  if (group == 0) {
    if (bitmap_.empty()) bitmap_.resize((std::size_t{rows_} + 63) / 64);
    std::uint64_t& word = bitmap_[row >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (row & 63);
    return (std::exchange(word, word | bit) & bit) == 0;
  }
  const auto next = static_cast<std::uint32_t>(pairs_.size());
  const std::uint32_t entry = slots_.find_or_add(
      combine_hashes(group, row), next, [&](std::uint32_t known) { return pairs_[known] == std::pair(group, row); });
  if (entry == next) pairs_.emplace_back(group, row);
  return entry == next;
}

DistinctSink::DistinctSink(const std::vector<RowExpr>& keys, std::vector<VariableId> variables,
                           std::size_t variable_count, std::uint64_t limit, Runtime* runtime)
    : keys_(keys), variables_(std::move(variables)), rows_(variable_count), limit_(limit), runtime_(runtime) {}

void DistinctSink::push(const Tuples& batch) {
  for (std::size_t row = 0; row < batch.size && rows_.size < limit_; ++row) {
    const EvaluationScope scope;
    std::uint64_t hash = 0;
    for (const RowExpr& key : keys_) hash = combine_hashes(hash, group_hash(evaluate(key, batch, row)));
    const auto next = static_cast<std::uint32_t>(rows_.size);
    const std::uint32_t entry = slots_.find_or_add(hash, next, [&](std::uint32_t known) {
      return std::ranges::all_of(keys_, [&](const RowExpr& key) {
        return same_group(evaluate(key, batch, row), evaluate(key, rows_, known));
      });
    });
    if (entry != next) continue;
    for (const VariableId v : variables_) rows_.columns[v].push_back(batch.columns[v][row]);
    ++rows_.size;
  }
  if (rows_.size >= limit_ && runtime_ != nullptr) runtime_->stop();
}

}  // namespace omnigraph::exec
