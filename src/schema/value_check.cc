#include "schema/value_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "schema/value_rules.h"
#include "schema/value_text.h"

namespace omnigraph::schema {

struct TypeValueChecker::State {
  struct Column {
    std::string name;
    std::vector<std::unique_ptr<const ValueRule>> rules;
  };
  std::vector<Column> columns;  // one a property
};

namespace {

bool applies(const ValueRule& rule, const ValueCheckOptions& options) {
  if (rule.kind() == ValueRuleKind::kNull) return options.nulls;
  if (rule.kind() == ValueRuleKind::kFinite) return options.finite;
  return true;
}

}  // namespace

TypeValueChecker::TypeValueChecker(const std::string& type_name, const std::vector<Property>& properties,
                                   const TypeConstraints& constraints) {
  auto state = std::make_unique<State>();
  for (const Property& property : properties) {
    state->columns.push_back({property.name, value_rules(type_name, property, constraints)});
  }
  state_ = std::move(state);
}

TypeValueChecker::TypeValueChecker(const Catalog& catalog, TypeRef type)
    : TypeValueChecker(catalog.name_of(type), catalog.properties_of(type), catalog.constraints_of(type)) {}
TypeValueChecker::~TypeValueChecker() = default;
TypeValueChecker::TypeValueChecker(TypeValueChecker&&) noexcept = default;
TypeValueChecker& TypeValueChecker::operator=(TypeValueChecker&&) noexcept = default;

std::optional<ValueViolation> TypeValueChecker::check_column(std::size_t property, const columnar::Array& column,
                                                             const ValueCheckOptions& options) const {
  OG_CHECK(property < state_->columns.size());
  const ValueRule* broken = nullptr;
  std::int64_t first = column.length();
  for (const auto& rule : state_->columns[property].rules) {
    if (!applies(*rule, options)) continue;
    const std::int64_t row = rule->next(column, 0);
    if (row >= first) continue;
    first = row;
    broken = rule.get();
  }
  if (broken == nullptr) return std::nullopt;
  return ValueViolation{first, property, bad_request(broken->message(column, first))};
}

std::optional<ValueViolation> TypeValueChecker::check_batch(const columnar::Batch& batch,
                                                            const ValueCheckOptions& options) const {
  std::optional<ValueViolation> first;
  for (std::size_t property = 0; property < state_->columns.size(); ++property) {
    const auto field = std::ranges::find(batch.fields, state_->columns[property].name, &columnar::Field::name);
    if (field == batch.fields.end()) continue;
    const columnar::Array& column = *batch.columns[static_cast<std::size_t>(field - batch.fields.begin())];
    auto violation = check_column(property, column, options);
    if (violation && (!first || violation->row < first->row)) first = std::move(violation);
  }
  return first;
}

void TypeValueChecker::for_each_violation(std::size_t property, const columnar::Array& column,
                                          const ValueCheckOptions& options,
                                          const std::function<bool(ValueViolation)>& visit) const {
  OG_CHECK(property < state_->columns.size());
  struct Cursor {
    const ValueRule* rule;
    std::int64_t row;
  };
  std::vector<Cursor> cursors;
  for (const auto& rule : state_->columns[property].rules) {
    if (applies(*rule, options)) cursors.push_back({rule.get(), rule->next(column, 0)});
  }
  while (!cursors.empty()) {
    Cursor& nearest = *std::ranges::min_element(cursors, {}, &Cursor::row);
    if (nearest.row >= column.length()) return;
    if (!visit({nearest.row, property, bad_request(nearest.rule->message(column, nearest.row))})) return;
    nearest.row = nearest.rule->next(column, nearest.row + 1);
  }
}

Error invalid_enum_value(const std::string& type_name, const Property& property, std::string_view value) {
  return bad_request(enum_message(type_name, property, value));
}

Error missing_value(const Property& property) { return bad_request(null_message(property)); }

Error wrong_value_type(const Property& property, std::string_view json) {
  return bad_request("property '" + property.name + "' expects " + expected_type_text(property.type) + ", got " +
                     std::string(json));
}

}  // namespace omnigraph::schema
