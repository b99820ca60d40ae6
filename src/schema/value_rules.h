// One rule about the values of one column; TypeValueChecker is a list of them per property. Inner to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columnar/array.h"
#include "schema/catalog.h"

namespace omnigraph::schema {

enum class ValueRuleKind : std::uint8_t { kNull, kEnum, kRange, kCheck, kFinite };

// Thread safety: immutable.
class ValueRule {
 public:
  virtual ~ValueRule() = default;
  [[nodiscard]] virtual ValueRuleKind kind() const = 0;
  // First row at or after `from` that breaks the rule, or column.length().
  [[nodiscard]] virtual std::int64_t next(const columnar::Array& column, std::int64_t from) const = 0;
  // REQUIRES: `row` breaks the rule.
  [[nodiscard]] virtual std::string message(const columnar::Array& column, std::int64_t row) const = 0;
};

// In the order in which they are reported for one row: null, enum, range, check, finite.
[[nodiscard]] std::vector<std::unique_ptr<const ValueRule>> value_rules(const std::string& type_name,
                                                                        const Property& property,
                                                                        const TypeConstraints& constraints);

[[nodiscard]] std::string enum_message(const std::string& type_name, const Property& property, std::string_view value);
[[nodiscard]] std::string null_message(const Property& property);

}  // namespace omnigraph::schema
