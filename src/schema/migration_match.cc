#include "schema/migration_match.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "schema/migration_step.h"

namespace omnigraph::schema {
namespace {

Error failed(std::string what) {
  return bad_request(std::string("schema identity resolution failed: ").append(std::move(what)));
}

template <class Type>
std::optional<std::uint32_t> position(const std::vector<Type>& types, std::string_view name) {
  const auto found = std::ranges::find(types, name, &Type::name);
  if (found == types.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - types.begin());
}

template <class Type>
std::string_view rename_hint(const Type& type) {
  if constexpr (requires { type.rename_from; }) return type.rename_from;
  return {};
}

class Matcher {
 public:
  Matcher(const Catalog& accepted, const Catalog& desired) : accepted_(accepted), desired_(desired) {}

  Result<SchemaMatch> run() {
    SchemaMatch match;
    OG_ASSIGN_OR_RETURN(match.interfaces, types(TypeKind::kInterface, accepted_.interfaces, desired_.interfaces));
    OG_ASSIGN_OR_RETURN(match.nodes, types(TypeKind::kNode, accepted_.nodes, desired_.nodes));
    OG_ASSIGN_OR_RETURN(match.edges, types(TypeKind::kEdge, accepted_.edges, desired_.edges));
    return match;
  }

 private:
  template <class Type>
  Result<std::vector<TypeMatch>> types(TypeKind kind, const std::vector<Type>& accepted,
                                       const std::vector<Type>& desired) {
    std::vector<TypeMatch> matches(desired.size());
    std::set<std::uint32_t> taken;
    for (std::size_t i = 0; i < desired.size(); ++i) {
      matches[i].accepted = position(accepted, desired[i].name);
      if (matches[i].accepted) taken.insert(*matches[i].accepted);
    }
    for (std::size_t i = 0; i < desired.size(); ++i) {
      const std::string_view hint = rename_hint(desired[i]);
      if (matches[i].accepted || hint.empty()) continue;
      matches[i].accepted = position(accepted, hint);
      if (!matches[i].accepted) return std::unexpected(unknown_type(kind, desired[i].name, std::string(hint)));
      if (!taken.insert(*matches[i].accepted).second) {
        return std::unexpected(failed("accepted " + std::string(type_kind_name(kind)) + " '" + std::string(hint) +
                                      "' is consumed by more than one desired declaration"));
      }
    }
    for (std::size_t i = 0; i < desired.size(); ++i) {
      const Type* before = matches[i].accepted ? &accepted[*matches[i].accepted] : nullptr;
      OG_ASSIGN_OR_RETURN(matches[i].properties, properties(kind, before, desired[i]));
    }
    return matches;
  }

  [[nodiscard]] Error unknown_type(TypeKind kind, const std::string& name, const std::string& hint) const {
    const std::string subject = std::string(type_kind_name(kind)) + " '" + name + "'";
    const bool elsewhere =
        position(accepted_.interfaces, hint) || position(accepted_.nodes, hint) || position(accepted_.edges, hint);
    if (elsewhere) return failed(subject + " cannot rename accepted '" + hint + "' across declaration kinds");
    return failed(subject + " declares @rename_from(\"" + hint + "\") but no accepted declaration has that name");
  }

  template <class Type>
  Result<std::vector<std::optional<std::size_t>>> properties(TypeKind kind, const Type* accepted,
                                                             const Type& desired) const {
    std::vector<std::optional<std::size_t>> matches(desired.properties.size());
    std::set<std::size_t> taken;
    for (std::size_t i = 0; accepted != nullptr && i < matches.size(); ++i) {
      matches[i] = position(accepted->properties, desired.properties[i].name);
      if (matches[i]) taken.insert(*matches[i]);
    }
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const Property& property = desired.properties[i];
      if (matches[i] || property.rename_from.empty()) continue;
      if (accepted == nullptr) {
        if (property.injected) continue;
        return std::unexpected(failed("new owner '" + std::string(type_kind_name(kind)) + ":" + desired.name +
                                      "' cannot import property identity with @rename_from(\"" + property.rename_from +
                                      "\")"));
      }
      matches[i] = position(accepted->properties, property.rename_from);
      if (!matches[i]) {
        if (property.injected) continue;  // a type that begins to implement the interface never had the old name
        return std::unexpected(unknown_property(desired.name, property, *accepted));
      }
      if (!taken.insert(*matches[i]).second) {
        return std::unexpected(failed("accepted property '" + accepted->name + "." + property.rename_from +
                                      "' is consumed by more than one desired declaration"));
      }
    }
    return matches;
  }

  template <class Type>
  [[nodiscard]] Error unknown_property(const std::string& type_name, const Property& property,
                                       const Type& owner) const {
    bool elsewhere = false;
    const auto look = [&](const auto& types) {
      for (const auto& type : types) {
        if (static_cast<const void*>(&type) != &owner && type.find(property.rename_from) != nullptr) elsewhere = true;
      }
    };
    look(accepted_.interfaces);
    look(accepted_.nodes);
    look(accepted_.edges);
    const std::string subject =
        "property '" + type_name + "." + property.name + "' declares @rename_from(\"" + property.rename_from + "\"): ";
    if (elsewhere) return failed(subject + "property moves across stable owners are not supported");
    return failed(subject + "no accepted property with that name exists under the stable owner");
  }

  const Catalog& accepted_;
  const Catalog& desired_;
};

}  // namespace

Result<SchemaMatch> match_schemas(const Catalog& accepted, const Catalog& desired) {
  return Matcher(accepted, desired).run();
}

}  // namespace omnigraph::schema
