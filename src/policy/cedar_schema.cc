#include "policy/cedar_schema.h"

#include <algorithm>
#include <array>

#include "policy/cedar_lexer.h"
#include "policy/cedar_schema_syntax.h"
#include "policy/limits.h"

namespace omnigraph::policy::cedar {

namespace {

std::string qualified(const std::string& space, const std::string& name) {
  return space.empty() ? name : space + "::" + name;
}

TypePtr built_in(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Type::Kind>, 7> kNames = {{{"Bool", Type::Kind::kBool},
                                                                              {"Long", Type::Kind::kLong},
                                                                              {"String", Type::Kind::kString},
                                                                              {"ipaddr", Type::Kind::kIp},
                                                                              {"decimal", Type::Kind::kDecimal},
                                                                              {"datetime", Type::Kind::kDatetime},
                                                                              {"duration", Type::Kind::kDuration}}};
  const auto at = std::ranges::find(kNames, name, &std::pair<std::string_view, Type::Kind>::first);
  return at == kNames.end() ? nullptr : plain_type(at->second);
}

// All that can be reached from `start` over `parents_of`, without `start` unless there is a cycle.
template <class Key, class ParentsOf>
std::set<Key, std::less<>> reachable(const Key& start, const ParentsOf& parents_of) {
  std::set<Key, std::less<>> seen;
  std::vector<Key> waiting = {start};
  while (!waiting.empty()) {
    const Key next = std::move(waiting.back());
    waiting.pop_back();
    for (const Key& parent : parents_of(next)) {
      if (seen.insert(parent).second) waiting.push_back(parent);
    }
  }
  return seen;
}

}  // namespace

class SchemaResolver {
 public:
  explicit SchemaResolver(std::string_view source) : source_(source) {}

  Result<Schema> run(const std::vector<WrittenNamespace>& spaces) {
    for (const WrittenNamespace& space : spaces) OG_RETURN_IF_ERROR(declare(space));
    for (const WrittenNamespace& space : spaces) {
      for (const WrittenEntity& entity : space.entities) OG_RETURN_IF_ERROR(resolve_entity(space.name, entity));
      for (const WrittenAction& action : space.actions) OG_RETURN_IF_ERROR(resolve_action(space.name, action));
      // Unused common types are checked as well.
      for (const WrittenCommonType& type : space.types) {
        OG_RETURN_IF_ERROR(resolve_common(qualified(space.name, type.name.path), type.name.span));
      }
    }
    OG_RETURN_IF_ERROR(close_hierarchies());
    return std::move(schema_);
  }

 private:
  struct CommonType {
    const WrittenCommonType* written;
    std::string space;
    TypePtr resolved;
    bool resolving = false;
  };

  Result<void> declare(const WrittenNamespace& space) {
    if (!space.name.empty() && !spaces_.insert(space.name).second) {
      return std::unexpected(mistake_at(source_, space.span, "namespace '" + space.name + "' is declared twice"));
    }
    for (const WrittenEntity& entity : space.entities) {
      if (!schema_.entity_types_.emplace(qualified(space.name, entity.name.path), EntityType{}).second) {
        return std::unexpected(
            mistake_at(source_, entity.name.span, "entity type '" + entity.name.path + "' is declared twice"));
      }
    }
    for (const WrittenCommonType& type : space.types) {
      if (!common_.emplace(qualified(space.name, type.name.path), CommonType{&type, space.name, nullptr}).second) {
        return std::unexpected(mistake_at(source_, type.name.span, "type '" + type.name.path + "' is declared twice"));
      }
    }
    const std::string action_type = qualified(space.name, "Action");
    for (const WrittenAction& action : space.actions) {
      if (!schema_.actions_.emplace(EntityUid{action_type, action.id}, ActionType{}).second) {
        return std::unexpected(mistake_at(source_, action.span, "action '" + action.id + "' is declared twice"));
      }
      schema_.action_types_.insert(action_type);
    }
    return {};
  }

  // The names a written one may stand for, best first.
  static std::vector<std::string> candidates(const std::string& space, const std::string& path) {
    if (space.empty() || path.find("::") != std::string::npos) return {path};
    return {qualified(space, path), path};
  }

  Result<TypePtr> resolve(const std::string& space, const WrittenType& type) {
    switch (type.kind) {
      case WrittenType::Kind::kName: return resolve_name(space, type.name);
      case WrittenType::Kind::kSet: {
        OG_ASSIGN_OR_RETURN(TypePtr element, resolve(space, type.element.front()));
        return set_type(std::move(element));
      }
      case WrittenType::Kind::kRecord: break;
    }
    RecordType record;
    for (const WrittenAttribute& attribute : type.attributes) {
      OG_ASSIGN_OR_RETURN(TypePtr resolved, resolve(space, attribute.type));
      record.emplace(attribute.name, AttributeType{std::move(resolved), attribute.required});
    }
    return record_type(std::move(record));
  }

  Result<TypePtr> resolve_name(const std::string& space, const WrittenName& name) {
    constexpr std::string_view kReserved = "__cedar::";
    if (name.path.starts_with(kReserved)) {
      if (TypePtr type = built_in(std::string_view(name.path).substr(kReserved.size()))) return type;
      return std::unexpected(unknown(name, "type"));
    }
    const auto names = candidates(space, name.path);
    for (const std::string& candidate : names) {
      if (common_.contains(candidate)) return resolve_common(candidate, name.span);
      if (schema_.entity_types_.contains(candidate)) return entity_type(candidate);
    }
    if (TypePtr type = built_in(name.path)) return type;
    return std::unexpected(unknown(name, "type"));
  }

  Result<TypePtr> resolve_common(const std::string& name, base::SourceSpan used_at) {
    CommonType& common = common_.at(name);
    if (common.resolved) return common.resolved;
    if (common.resolving) return std::unexpected(mistake_at(source_, used_at, "type '" + name + "' contains itself"));
    if (++common_depth_ > kNestingMax) {
      return std::unexpected(mistake_at(
          source_, used_at, "types refer to each other more than " + std::to_string(kNestingMax) + " levels deep"));
    }
    common.resolving = true;
    OG_ASSIGN_OR_RETURN(common.resolved, resolve(common.space, common.written->type));
    common.resolving = false;
    --common_depth_;
    return common.resolved;
  }

  Result<std::string> resolve_entity_name(const std::string& space, const WrittenName& name) {
    for (const std::string& candidate : candidates(space, name.path)) {
      if (schema_.entity_types_.contains(candidate)) return candidate;
    }
    return std::unexpected(unknown(name, "entity type"));
  }

  Result<void> resolve_entity(const std::string& space, const WrittenEntity& written) {
    EntityType& entity = schema_.entity_types_.at(qualified(space, written.name.path));
    for (const WrittenName& parent : written.parents) {
      OG_ASSIGN_OR_RETURN(std::string name, resolve_entity_name(space, parent));
      entity.ancestors.insert(std::move(name));
    }
    OG_ASSIGN_OR_RETURN(entity.shape, resolve(space, written.shape));
    if (written.tags) {
      OG_ASSIGN_OR_RETURN(entity.tags, resolve(space, *written.tags));
    }
    if (written.ids) entity.ids.emplace(written.ids->begin(), written.ids->end());
    return {};
  }

  Result<void> resolve_action(const std::string& space, const WrittenAction& written) {
    ActionType& action = schema_.actions_.at({qualified(space, "Action"), written.id});
    for (const WrittenActionRef& ref : written.parents) {
      OG_ASSIGN_OR_RETURN(EntityUid parent, resolve_action_ref(space, ref));
      action.parents.insert(std::move(parent));
    }
    for (const auto& [from, to] :
         {std::pair{&written.principals, &action.principals}, std::pair{&written.resources, &action.resources}}) {
      for (const WrittenName& name : *from) {
        OG_ASSIGN_OR_RETURN(std::string type, resolve_entity_name(space, name));
        to->push_back(std::move(type));
      }
    }
    OG_ASSIGN_OR_RETURN(action.context, resolve(space, written.context));
    if (action.context->kind == Type::Kind::kRecord) return {};
    return std::unexpected(
        mistake_at(source_, written.span, "the context of action '" + written.id + "' must be a record"));
  }

  Result<EntityUid> resolve_action_ref(const std::string& space, const WrittenActionRef& ref) {
    for (const std::string& type : candidates(space, ref.type.empty() ? "Action" : ref.type)) {
      EntityUid uid{type, ref.id};
      if (schema_.actions_.contains(uid)) return uid;
    }
    return std::unexpected(mistake_at(source_, ref.span, "action '" + ref.id + "' is not declared"));
  }

  Result<void> close_hierarchies() {
    const auto entity_parents = [direct = parents_of_types()](const std::string& name) { return direct.at(name); };
    for (auto& [name, type] : schema_.entity_types_) {
      type.ancestors = reachable(name, entity_parents);
      type.ancestors.erase(name);  // `entity Folder in Folder` nests entities of one type
    }
    for (auto& [uid, action] : schema_.actions_) {
      const auto above = reachable(uid, [this](const EntityUid& each) { return schema_.actions_.at(each).parents; });
      if (above.contains(uid)) return std::unexpected(bad_request("action '" + uid.id + "' is in itself"));
      action.ancestors = {above.begin(), above.end()};
    }
    return {};
  }

  [[nodiscard]] std::map<std::string, std::set<std::string, std::less<>>> parents_of_types() const {
    std::map<std::string, std::set<std::string, std::less<>>> direct;
    for (const auto& [name, type] : schema_.entity_types_) direct.emplace(name, type.ancestors);
    return direct;
  }

  [[nodiscard]] Error unknown(const WrittenName& name, std::string_view what) const {
    return mistake_at(source_, name.span, std::string(what).append(" '").append(name.path).append("' is not declared"));
  }

  std::string_view source_;
  Schema schema_;
  std::set<std::string> spaces_;
  std::map<std::string, CommonType> common_;
  std::size_t common_depth_ = 0;
};

TypePtr plain_type(Type::Kind kind) {
  static const auto kTypes = [] {
    std::array<TypePtr, static_cast<std::size_t>(Type::Kind::kDuration) + 1> types;
    for (std::size_t i = 0; i < types.size(); ++i) {
      Type type;
      type.kind = static_cast<Type::Kind>(i);
      types[i] = std::make_shared<const Type>(std::move(type));
    }
    return types;
  }();
  return kTypes[static_cast<std::size_t>(kind)];
}

TypePtr entity_type(std::string name) {
  Type type;
  type.kind = Type::Kind::kEntity;
  type.entity = std::move(name);
  return std::make_shared<const Type>(std::move(type));
}

TypePtr set_type(TypePtr element) {
  Type type;
  type.kind = Type::Kind::kSet;
  type.element = std::move(element);
  return std::make_shared<const Type>(std::move(type));
}

TypePtr record_type(RecordType attributes) {
  Type type;
  type.kind = Type::Kind::kRecord;
  type.record = std::move(attributes);
  return std::make_shared<const Type>(std::move(type));
}

Result<Schema> Schema::parse(std::string_view text) {
  OG_ASSIGN_OR_RETURN(const auto spaces, parse_schema_syntax(text));
  return SchemaResolver(text).run(spaces);
}

const EntityType* Schema::entity_type_of(std::string_view name) const {
  const auto at = entity_types_.find(name);
  return at == entity_types_.end() ? nullptr : &at->second;
}

const ActionType* Schema::action_of(const EntityUid& uid) const {
  const auto at = actions_.find(uid);
  return at == actions_.end() ? nullptr : &at->second;
}

bool Schema::knows(const EntityUid& uid) const {
  if (actions_.contains(uid)) return true;
  const EntityType* type = entity_type_of(uid.type);
  return type != nullptr && (!type->ids || type->ids->contains(uid.id));
}

void Schema::add_actions_to(Entities& entities) const {
  for (const auto& [uid, action] : actions_) {
    entities.add(uid, {{}, {}, {action.parents.begin(), action.parents.end()}});
  }
}

}  // namespace omnigraph::policy::cedar
