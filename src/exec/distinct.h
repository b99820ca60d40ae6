// Sets of values and rows for `return distinct` and `count(distinct ..)` (chapter 14 section 4), by the equality of
// group keys: null equals null, -0.0 equals 0.0, NaN equals NaN. Open addressing with linear probing, a power of two of
// slots at most half full. Not thread safe; one sink a worker, absorb() joins them.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "exec/expression.h"
#include "exec/plan.h"

namespace omnigraph::exec {

// Slots of hashes that lead to entries kept elsewhere.
class HashSlots {
 public:
  // The entry that `same(entry)` accepts, or `next` after noting it as a new one.
  template <class Same>
  std::uint32_t find_or_add(std::uint64_t hash, std::uint32_t next, Same&& same) {
    if (std::size_t{used_ + 1} * 2 > slots_.size()) grow();
    hash ^= hash >> 31;
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.entry == kEmpty) {
        slot = {hash, next};
        ++used_;
        return next;
      }
      if (slot.hash == hash && same(slot.entry)) return slot.entry;
    }
  }
  [[nodiscard]] std::uint64_t held_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  static constexpr std::uint32_t kEmpty = std::numeric_limits<std::uint32_t>::max();
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t entry = kEmpty;
  };
  void grow();
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// Distinct values within groups. Values that an expression made are copied.
class DistinctValues {
 public:
  // True if the group did not have the value. REQUIRES: not null.
  bool insert(std::uint32_t group, const Value& value);
  template <class Each>
  void for_each(Each&& each) const {
    for (const Entry& entry : entries_) each(entry.group, entry.value);
  }
  // Values come from an EvaluationScope.
  void set_made(bool made) { made_ = made; }
  [[nodiscard]] std::uint64_t held_bytes() const {
    return slots_.held_bytes() + entries_.capacity() * sizeof(Entry) + copied_bytes_;
  }

 private:
  struct Entry {
    std::uint32_t group;
    Value value;
  };
  HashSlots slots_;
  std::vector<Entry> entries_;
  bool made_ = false;
  std::uint64_t copied_bytes_ = 0;  // in texts_ and lists_, about
  std::deque<std::string> texts_;
  std::deque<columnar::ScalarList> lists_;
};

// Distinct rows of one table within groups: a bitmap while there is one group, else a set of pairs.
class DistinctRows {
 public:
  explicit DistinctRows(Ordinal rows) : rows_(rows) {}
  // True if the group did not have the row.
  bool insert(std::uint32_t group, Ordinal row);
  template <class Each>
  void for_each(Each&& each) const {
    for (const auto& [group, row] : pairs_) each(group, row);
    for (std::size_t word = 0; word < bitmap_.size(); ++word) {
      for (std::uint64_t bits = bitmap_[word]; bits != 0; bits &= bits - 1) {
        each(0u, static_cast<Ordinal>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))));
      }
    }
  }
  [[nodiscard]] std::uint64_t held_bytes() const {
    return slots_.held_bytes() + bitmap_.capacity() * sizeof(std::uint64_t) + pairs_.capacity() * sizeof(pairs_[0]);
  }

 private:
  const Ordinal rows_;
  std::vector<std::uint64_t> bitmap_;  // group 0
  HashSlots slots_;
  std::vector<std::pair<std::uint32_t, Ordinal>> pairs_;  // the other groups
};

// Sink that keeps one row for each combination of the values of `keys`.
class DistinctSink final : public Stage {
 public:
  // Stops the runtime, if there is one, once `limit` rows are in.
  DistinctSink(const std::vector<RowExpr>& keys, std::vector<VariableId> variables, std::size_t variable_count,
               std::uint64_t limit = std::numeric_limits<std::uint64_t>::max(), Runtime* runtime = nullptr);
  void push(const Tuples& batch) override;
  void finish() override {}
  void absorb(const DistinctSink& other) { push(other.rows_); }
  [[nodiscard]] Tuples take() { return std::move(rows_); }

 private:
  const std::vector<RowExpr>& keys_;
  const std::vector<VariableId> variables_;
  Tuples rows_;
  HashSlots slots_;
  const std::uint64_t limit_;
  Runtime* runtime_;
};

}  // namespace omnigraph::exec
