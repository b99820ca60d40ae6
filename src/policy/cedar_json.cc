#include "policy/cedar_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "policy/limits.h"

namespace omnigraph::policy::cedar {

namespace {

using Json = nlohmann::json;

// Caught inside this file only: nlohmann throws too, so that reading has one way out.
struct Refused {
  std::string message;
};

const Json& member(const Json& object, const char* name, std::string_view where) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  if (!object.is_object() || at == object.end()) throw Refused{std::string(where) + " needs a member `" + name + "`"};
  return *at;
}

bool has_members(const Json& json, std::initializer_list<const char*> names) {
  if (!json.is_object() || json.size() != names.size()) return false;
  return std::ranges::all_of(names, [&json](const char* name) { return json.contains(name); });
}

EntityUid uid_of(const Json& json, std::string_view where) {
  const Json& plain = has_members(json, {"__entity"}) ? json["__entity"] : json;
  return {member(plain, "type", where).get<std::string>(), member(plain, "id", where).get<std::string>()};
}

// The constructor of an extension type, null for others.
const char* constructor_of(const Type* type) {
  if (type == nullptr) return nullptr;
  switch (type->kind) {
    case Type::Kind::kIp: return "ip";
    case Type::Kind::kDecimal: return "decimal";
    case Type::Kind::kDatetime: return "datetime";
    case Type::Kind::kDuration: return "duration";
    default: return nullptr;
  }
}

class ValueReader {
 public:
  // `type` may be null: nothing is known.
  Value read(const Json& json, const Type* type, const std::string& where) {
    const Level level(*this, where);
    if (const char* constructor = constructor_of(type)) {
      if (json.is_string()) return call(constructor, {Value::text(json.get<std::string>())}, where);
      if (has_members(json, {"fn", "arg"}) || has_members(json, {"fn", "args"})) return extension(json, where);
    }
    if (type != nullptr && type->kind == Type::Kind::kEntity && json.is_object())
      return Value::entity(uid_of(json, where));
    if (json.is_boolean()) return Value::boolean(json.get<bool>());
    if (json.is_number_integer()) return integer(json, where);
    if (json.is_string()) return Value::text(json.get<std::string>());
    if (json.is_array()) return array(json, type, where);
    if (has_members(json, {"__entity"})) return Value::entity(uid_of(json, where));
    if (has_members(json, {"__extn"})) return extension(json["__extn"], where);
    if (json.is_object()) return Value::record(attributes(json, type, where));
    throw Refused{where + ": " + json.type_name() + " is not a Cedar value"};
  }

  Attributes attributes(const Json& json, const Type* type, const std::string& where) {
    if (!json.is_object()) throw Refused{where + " must be an object"};
    Attributes out;
    for (const auto& [name, value] : json.items()) {
      const Type* known = nullptr;
      if (type != nullptr && type->kind == Type::Kind::kRecord) {
        const auto attribute = type->record.find(name);
        if (attribute != type->record.end()) known = attribute->second.type.get();
      }
      out.emplace_back(name, read(value, known, where + "." + name));
    }
    return out;
  }

 private:
  class Level {
   public:
    Level(ValueReader& reader, const std::string& where) : reader_(reader) {
      if (++reader_.depth_ > kNestingMax) throw Refused{where + " is nested too deeply"};
    }
    ~Level() { --reader_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ValueReader& reader_;
  };

  static Value integer(const Json& json, const std::string& where) {
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) {
      throw Refused{where + ": the number does not fit a Long (64 bits)"};
    }
    return Value::integer(json.get<std::int64_t>());
  }

  Value array(const Json& json, const Type* type, const std::string& where) {
    const Type* element = type != nullptr && type->kind == Type::Kind::kSet ? type->element.get() : nullptr;
    std::vector<Value> members;
    for (const Json& each : json) members.push_back(read(each, element, where + "[]"));
    return Value::set(std::move(members));
  }

  Value extension(const Json& json, const std::string& where) {
    const auto name = member(json, "fn", where).get<std::string>();
    std::vector<Value> arguments;
    if (json.contains("args")) {
      for (const Json& each : json["args"]) arguments.push_back(read(each, nullptr, where));
    } else {
      arguments.push_back(read(member(json, "arg", where), nullptr, where));
    }
    return call(name, std::move(arguments), where);
  }

  static Value call(std::string_view name, std::vector<Value> arguments, const std::string& where) {
    const Signature* signature = find_function(name);
    if (signature == nullptr) throw Refused{where + ": no function `" + std::string(name) + "`"};
    Expr expr;
    expr.kind = ExprKind::kCall;
    expr.function = signature->function;
    for (Value& argument : arguments) expr.operands.emplace_back().literal = std::move(argument);
    auto value = evaluate(expr, Request{}, Entities());
    if (!value) throw Refused{where + ": " + value.error().message};
    return std::move(*value);
  }

  std::size_t depth_ = 0;
};

Entity entity_of(const Json& json, const EntityUid& uid, const Schema& schema) {
  const std::string where = text_of(uid);
  const EntityType* type = schema.entity_type_of(uid.type);
  ValueReader reader;
  Entity entity;
  if (json.contains("attrs")) {
    Value attributes =
        Value::record(reader.attributes(json["attrs"], type == nullptr ? nullptr : type->shape.get(), where));
    entity.attributes = *attributes.as_record();
  }
  if (json.contains("tags")) {
    const Type* tag = type == nullptr ? nullptr : type->tags.get();
    for (const auto& [name, value] : json["tags"].items())
      entity.tags.emplace_back(name, reader.read(value, tag, where));
    entity.tags = *Value::record(std::move(entity.tags)).as_record();
  }
  if (json.contains("parents")) {
    for (const Json& parent : json["parents"]) entity.ancestors.push_back(uid_of(parent, where));
  }
  return entity;
}

// Runs `read`, which may throw.
template <class Read>
auto guarded(const Read& read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const Refused& refused) {
    return std::unexpected(bad_request(refused.message));
  } catch (const Json::exception& error) {
    return std::unexpected(bad_request(std::string("JSON: ") + error.what()));
  }
}

}  // namespace

Result<Entities> entities_of_json(std::string_view json, const Schema& schema) {
  auto entities = guarded([&] {
    Entities out;
    schema.add_actions_to(out);
    for (const Json& each : Json::parse(json)) {
      EntityUid uid = uid_of(member(each, "uid", "an entity"), "uid");
      // The schema alone says what actions are in.
      if (schema.action_of(uid) != nullptr) continue;
      Entity entity = entity_of(each, uid, schema);
      out.add(std::move(uid), std::move(entity));
    }
    return out;
  });
  if (!entities) return std::unexpected(std::move(entities).error());
  OG_RETURN_IF_ERROR(entities->close());
  return entities;
}

Result<Request> request_of_json(std::string_view json, const Schema& schema) {
  return guarded([&] {
    const Json parsed = Json::parse(json);
    Request request;
    EntityUid action = uid_of(member(parsed, "action", "a request"), "action");
    const ActionType* type = schema.action_of(action);
    request.principal = Value::entity(uid_of(member(parsed, "principal", "a request"), "principal"));
    request.resource = Value::entity(uid_of(member(parsed, "resource", "a request"), "resource"));
    request.action = Value::entity(std::move(action));
    const Type* context = type == nullptr ? nullptr : type->context.get();
    const Json& written = member(parsed, "context", "a request");
    request.context = Value::record(ValueReader().attributes(written, context, "context"));
    return request;
  });
}

}  // namespace omnigraph::policy::cedar
