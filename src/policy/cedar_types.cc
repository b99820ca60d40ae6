#include "policy/cedar_types.h"

#include <array>

#include "policy/cedar_value.h"

namespace omnigraph::policy::cedar {

namespace {

TypePtr common_record(const Type& a, const Type& b) {
  if (a.record.size() != b.record.size()) return nullptr;
  RecordType both;
  auto other = b.record.begin();
  for (const auto& [name, attribute] : a.record) {
    if (other->first != name || other->second.required != attribute.required) return nullptr;
    TypePtr type = common_type(attribute.type, other->second.type);
    if (!type) return nullptr;
    both.emplace(name, AttributeType{std::move(type), attribute.required});
    ++other;
  }
  return record_type(std::move(both));
}

}  // namespace

bool is_boolean(const Type& type) { return type.kind <= Type::Kind::kBool; }

TypePtr common_type(const TypePtr& a, const TypePtr& b) {
  if (a == b) return a;
  if (is_boolean(*a) && is_boolean(*b)) return a->kind == b->kind ? a : plain_type(Type::Kind::kBool);
  if (a->kind != b->kind) return nullptr;
  switch (a->kind) {
    case Type::Kind::kEntity: return a->entity == b->entity ? a : nullptr;
    case Type::Kind::kRecord: return common_record(*a, *b);
    case Type::Kind::kSet: {
      TypePtr element = common_type(a->element, b->element);
      return element ? set_type(std::move(element)) : nullptr;
    }
    default: return a;
  }
}

std::string text_of(const Type& type) {
  constexpr std::array<const char*, 12> kNames = {"Bool", "Bool", "Bool",   "Long",    "String",   "",
                                                  "",     "",     "ipaddr", "decimal", "datetime", "duration"};
  switch (type.kind) {
    case Type::Kind::kEntity: return type.entity;
    case Type::Kind::kSet: return "Set<" + text_of(*type.element) + ">";
    case Type::Kind::kRecord: {
      std::string out("{");
      for (const auto& [name, attribute] : type.record) {
        if (out.size() > 1) out.append(", ");
        out.append(string_literal(name)).append(attribute.required ? ": " : "?: ").append(text_of(*attribute.type));
      }
      return out + "}";
    }
    default: return kNames[static_cast<std::size_t>(type.kind)];
  }
}

}  // namespace omnigraph::policy::cedar
