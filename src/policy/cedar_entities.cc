#include "policy/cedar_entities.h"

#include <algorithm>
#include <unordered_set>

namespace omnigraph::policy::cedar {

void Entities::add(EntityUid uid, Entity entity) { entities_.insert_or_assign(std::move(uid), std::move(entity)); }

// Breadth first from every entity over the direct parents, which must all be there while the others are walked.
Result<void> Entities::close() {
  std::unordered_map<const EntityUid*, std::vector<EntityUid>> closed;
  for (const auto& [uid, entity] : entities_) {
    std::unordered_set<EntityUid, EntityUidHash> seen(entity.ancestors.begin(), entity.ancestors.end());
    std::vector<EntityUid> waiting(seen.begin(), seen.end());
    while (!waiting.empty()) {
      const EntityUid next = std::move(waiting.back());
      waiting.pop_back();
      const Entity* parent = find(next);
      if (parent == nullptr) continue;
      for (const EntityUid& above : parent->ancestors) {
        if (seen.insert(above).second) waiting.push_back(above);
      }
    }
    if (seen.contains(uid)) return std::unexpected(bad_request("entity " + text_of(uid) + " is its own ancestor"));
    std::vector<EntityUid> ancestors(seen.begin(), seen.end());
    std::ranges::sort(ancestors);
    closed.emplace(&uid, std::move(ancestors));
  }
  for (auto& [uid, entity] : entities_) entity.ancestors = std::move(closed[&uid]);
  return {};
}

const Entity* Entities::find(const EntityUid& uid) const {
  const auto at = entities_.find(uid);
  return at == entities_.end() ? nullptr : &at->second;
}

bool Entities::is_in(const EntityUid& uid, const EntityUid& group) const {
  if (uid == group) return true;
  const Entity* entity = find(uid);
  return entity != nullptr && std::ranges::binary_search(entity->ancestors, group);
}

}  // namespace omnigraph::policy::cedar
