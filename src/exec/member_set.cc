#include "exec/member_set.h"

#include <algorithm>

namespace omnigraph::exec {

MemberSet::MemberSet(const Value& list) {
  for (const columnar::Scalar& scalar : *list.scalars) {
    const Value item = value_of(scalar);
    if (item.is_null()) continue;
    by_hash_.push_back({join_hash(item), static_cast<std::uint32_t>(items_.size())});
    items_.push_back(item);
  }
  std::ranges::sort(by_hash_, {}, &Entry::hash);
}

bool MemberSet::contains(const Value& item) const {
  const auto range = std::ranges::equal_range(by_hash_, join_hash(item), {}, &Entry::hash);
  return std::ranges::any_of(range, [&](const Entry& entry) {
    return compare(query::CompareOp::kEqual, items_[entry.item], item) == Truth::kTrue;
  });
}

}  // namespace omnigraph::exec
