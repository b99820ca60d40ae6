#include "index/term_table.h"

#include <cstddef>
#include <limits>
#include <utility>

#include "base/hash.h"
#include "base/result.h"

namespace omnigraph::index {
namespace {

constexpr std::uint32_t kFreeSlot = 0xffffffffu;
constexpr std::size_t kFirstSlots = 64;

}  // namespace

TermTable::TermTable() : slots_(kFirstSlots, Slot{0, kFreeSlot}) {}

std::uint32_t TermTable::intern(std::string_view term) {
  const std::uint64_t hash = base::hash64(term);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].id == kFreeSlot) {
      const auto id = static_cast<std::uint32_t>(ends_.size());
      slots_[at] = {tag, id};
      bytes_ += term;
      OG_CHECK(bytes_.size() <= std::numeric_limits<std::uint32_t>::max());
      ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
      if (ends_.size() * 2 > slots_.size()) grow();
      return id;
    }
    if (slots_[at].tag == tag && this->term(slots_[at].id) == term) return slots_[at].id;
  }
}

void TermTable::grow() {
  std::vector<Slot> larger(slots_.size() * 2, Slot{0, kFreeSlot});
  for (std::uint32_t id = 0; id < ends_.size(); ++id) {
    const std::uint64_t hash = base::hash64(term(id));
    std::size_t at = hash & (larger.size() - 1);
    while (larger[at].id != kFreeSlot) at = (at + 1) & (larger.size() - 1);
    larger[at] = {static_cast<std::uint32_t>(hash >> 32), id};
  }
  slots_ = std::move(larger);
}

}  // namespace omnigraph::index
