// Cedar schemas: entity types, actions and the types of attributes, tags and contexts.
//
// Schema::parse reads the Cedar schema syntax (namespaces, `entity`, `action`, `type`, annotations, `__cedar::`).
// Names are resolved as common type, entity type, then built-in; an unqualified name first in its own namespace.
// Thread safety: immutable after parsing. Errors: kBadRequest with line and column.
// Source: Cedar policy language reference, "Cedar schema format" and its grammar.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/cedar_entities.h"
#include "policy/cedar_value.h"

namespace omnigraph::policy::cedar {

struct Type;
using TypePtr = std::shared_ptr<const Type>;

struct AttributeType {
  TypePtr type;
  bool required = true;
};
using RecordType = std::map<std::string, AttributeType, std::less<>>;

struct Type {
  // kTrue and kFalse are Bools whose value is known; schemas only say kBool.
  enum class Kind : std::uint8_t {
    kTrue,
    kFalse,
    kBool,
    kLong,
    kString,
    kEntity,
    kSet,
    kRecord,
    kIp,
    kDecimal,
    kDatetime,
    kDuration
  };
  Kind kind = Kind::kBool;
  std::string entity;  // kEntity: the entity type
  TypePtr element;     // kSet
  RecordType record;   // kRecord
};

[[nodiscard]] TypePtr plain_type(Type::Kind kind);
[[nodiscard]] TypePtr entity_type(std::string name);
[[nodiscard]] TypePtr set_type(TypePtr element);
[[nodiscard]] TypePtr record_type(RecordType attributes);

struct EntityType {
  std::set<std::string, std::less<>> ancestors;           // entity types it may be in, transitively, without itself
  TypePtr shape;                                          // kRecord
  TypePtr tags;                                           // null: none
  std::optional<std::set<std::string, std::less<>>> ids;  // of an enumerated type
};

struct ActionType {
  std::set<EntityUid> parents;
  std::set<EntityUid> ancestors;  // transitively, without itself
  std::vector<std::string> principals, resources;
  TypePtr context;  // kRecord
};

class Schema {
 public:
  [[nodiscard]] static Result<Schema> parse(std::string_view text);

  [[nodiscard]] const std::map<std::string, EntityType, std::less<>>& entity_types() const { return entity_types_; }
  [[nodiscard]] const std::map<EntityUid, ActionType>& actions() const { return actions_; }
  [[nodiscard]] const EntityType* entity_type_of(std::string_view name) const;  // null: not declared
  [[nodiscard]] const ActionType* action_of(const EntityUid& uid) const;        // null: not declared
  [[nodiscard]] bool is_action_type(std::string_view name) const { return action_types_.contains(name); }
  // An entity of a declared type, with a declared id where ids are enumerated, or a declared action.
  [[nodiscard]] bool knows(const EntityUid& uid) const;
  // Every declared action as an entity with its parents. REQUIRES: `entities` not closed.
  void add_actions_to(Entities& entities) const;

 private:
  friend class SchemaResolver;
  std::map<std::string, EntityType, std::less<>> entity_types_;
  std::map<EntityUid, ActionType> actions_;
  std::set<std::string, std::less<>> action_types_;
};

}  // namespace omnigraph::policy::cedar
