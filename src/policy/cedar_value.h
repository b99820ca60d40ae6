// Values of the Cedar language: what expressions evaluate to, and what entities and requests carry.
//
// Values are immutable and share what is large, so a copy costs a reference count. They have a total order, which
// keeps sets canonical (sorted, without duplicates): two values are the same exactly when they compare equal.
// Thread safety: immutable after construction.
// Source: Cedar policy language reference, "Data types".
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/cedar_extension.h"

namespace omnigraph::policy::cedar {

struct EntityUid {
  std::string type;  // with its namespace: `Omnigraph::Actor`
  std::string id;
  [[nodiscard]] auto operator<=>(const EntityUid&) const = default;
};

// `Omnigraph::Actor::"ana"`, as in a policy.
[[nodiscard]] std::string text_of(const EntityUid& uid);
// With quotes and escapes, as a string literal of a policy.
[[nodiscard]] std::string string_literal(std::string_view text);

class Value;
using Attributes = std::vector<std::pair<std::string, Value>>;  // sorted by name, each name once

class Value {
 public:
  using Text = std::shared_ptr<const std::string>;
  using Entity = std::shared_ptr<const EntityUid>;
  using Set = std::shared_ptr<const std::vector<Value>>;  // sorted, each value once
  using Record = std::shared_ptr<const Attributes>;
  // The order of the alternatives is the order of values of different kinds.
  using Data = std::variant<bool, std::int64_t, Text, Entity, Set, Record, IpNet, Decimal, Datetime, Duration>;

  Value() : data_(false) {}
  Value(Data data) : data_(std::move(data)) {}  // NOLINT: a value is its data
  [[nodiscard]] static Value boolean(bool value) { return Data(value); }
  [[nodiscard]] static Value integer(std::int64_t value) { return Data(value); }
  [[nodiscard]] static Value text(std::string value);
  [[nodiscard]] static Value entity(EntityUid uid);
  [[nodiscard]] static Value set(std::vector<Value> members);  // in any order, repetitions allowed
  // REQUIRES: no name twice.
  [[nodiscard]] static Value record(Attributes attributes);

  [[nodiscard]] const Data& data() const { return data_; }
  // The payload, or null when the value is of another kind.
  [[nodiscard]] const bool* as_boolean() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const std::int64_t* as_integer() const { return std::get_if<std::int64_t>(&data_); }
  [[nodiscard]] const std::string* as_text() const { return pointee<Text>(); }
  [[nodiscard]] const EntityUid* as_entity() const { return pointee<Entity>(); }
  [[nodiscard]] const std::vector<Value>* as_set() const { return pointee<Set>(); }
  [[nodiscard]] const Attributes* as_record() const { return pointee<Record>(); }
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&data_);
  }
  [[nodiscard]] std::string_view kind_name() const;  // `Long`, `Set`, `ipaddr` ..

  [[nodiscard]] std::strong_ordering operator<=>(const Value& other) const;
  [[nodiscard]] bool operator==(const Value& other) const { return (*this <=> other) == 0; }

 private:
  template <class Pointer>
  [[nodiscard]] auto pointee() const -> decltype(std::declval<Pointer>().get()) {
    const auto* pointer = std::get_if<Pointer>(&data_);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  Data data_;
};

// Null: no attribute of that name.
[[nodiscard]] const Value* find_attribute(const Attributes& attributes, std::string_view name);

}  // namespace omnigraph::policy::cedar
