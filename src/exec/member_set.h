// The items of a constant list, for `x in list` over many rows: found by hash, then compared, so that a long parameter
// list costs a look-up a row and not a walk. Equality is that of compare(): numbers across types, an F32 rounds the
// other side. Thread safety: immutable. Borrows the items.
#pragma once

#include <cstdint>
#include <vector>

#include "exec/value.h"

namespace omnigraph::exec {

class MemberSet {
 public:
  // REQUIRES: a list (kScalars).
  explicit MemberSet(const Value& list);

  // REQUIRES: not null.
  [[nodiscard]] bool contains(const Value& item) const;
  [[nodiscard]] const std::vector<Value>& items() const { return items_; }  // without nulls

 private:
  struct Entry {
    std::uint64_t hash;
    std::uint32_t item;
  };
  std::vector<Value> items_;
  std::vector<Entry> by_hash_;  // ascending
};

}  // namespace omnigraph::exec
