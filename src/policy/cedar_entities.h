// The entities a request is judged against: attributes, tags and the hierarchy.
// Build with add(), then close() once; afterwards immutable and safe to share between threads.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "policy/cedar_value.h"

namespace omnigraph::policy::cedar {

struct EntityUidHash {
  [[nodiscard]] std::size_t operator()(const EntityUid& uid) const {
    const std::size_t type = std::hash<std::string>()(uid.type);
    return std::hash<std::string>()(uid.id) ^ (type + 0x9e3779b97f4a7c15ULL + (type << 6));
  }
};

struct Entity {
  Attributes attributes;
  Attributes tags;
  std::vector<EntityUid> ancestors;  // before close(): the parents; then all ancestors, sorted
};

class Entities {
 public:
  // Replaces an entity of the same uid. REQUIRES: not closed.
  void add(EntityUid uid, Entity entity);
  // Turns parents into ancestors. kBadRequest: an entity is its own ancestor.
  [[nodiscard]] Result<void> close();

  [[nodiscard]] const Entity* find(const EntityUid& uid) const;  // null: absent
  // Reflexive and transitive; an absent entity is only in itself.
  [[nodiscard]] bool is_in(const EntityUid& uid, const EntityUid& group) const;
  [[nodiscard]] std::size_t size() const { return entities_.size(); }

 private:
  std::unordered_map<EntityUid, Entity, EntityUidHash> entities_;
};

}  // namespace omnigraph::policy::cedar
