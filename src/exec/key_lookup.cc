#include "exec/key_lookup.h"

#include <algorithm>
#include <cmath>

#include "base/number_text.h"
#include "graph/identity.h"

namespace omnigraph::exec {
namespace {

using query::Expr;
using query::ExprKind;
using schema::ScalarType;

// A look-up costs about as much as testing so many rows of a scan.
constexpr std::size_t kRowsScannedPerLookup = 8;

// The constant that an equality condition compares property (or id, for kEntityId) `property` of `variable` with.
const Expr* equal_constant(const Expr& condition, VariableId variable, ExprKind kind, std::uint32_t property) {
  if (condition.kind == ExprKind::kAnd) {
    for (const Expr& arg : condition.args) {
      if (const Expr* found = equal_constant(arg, variable, kind, property); found != nullptr) return found;
    }
    return nullptr;
  }
  if (condition.kind != ExprKind::kCompare || condition.op != query::CompareOp::kEqual) return nullptr;
  for (const std::size_t side : {0u, 1u}) {
    const Expr& field = condition.args[side];
    const Expr& other = condition.args[1 - side];
    if (field.kind == kind && field.variable == variable &&
        (kind == ExprKind::kEntityId || field.property == property) && Runtime::is_constant(other)) {
      return &other;
    }
  }
  return nullptr;
}

const Expr* equal_constant(const std::vector<const Expr*>& conditions, VariableId variable, ExprKind kind,
                           std::uint32_t property) {
  for (const Expr* condition : conditions) {
    if (const Expr* found = equal_constant(*condition, variable, kind, property); found != nullptr) return found;
  }
  return nullptr;
}

// The constant list that a condition looks the property (or id) up in.
const Expr* constant_list(const Expr& condition, VariableId variable, ExprKind kind, std::uint32_t property) {
  if (condition.kind == ExprKind::kAnd) {
    for (const Expr& arg : condition.args) {
      if (const Expr* found = constant_list(arg, variable, kind, property); found != nullptr) return found;
    }
    return nullptr;
  }
  if (condition.kind != ExprKind::kCompare || condition.op != query::CompareOp::kContains) return nullptr;
  const Expr& list = condition.args[0];
  const Expr& field = condition.args[1];
  const bool matches =
      field.kind == kind && field.variable == variable && (kind == ExprKind::kEntityId || field.property == property);
  return matches && Runtime::is_constant(list) ? &list : nullptr;
}

Result<std::optional<Ordinal>> find_id(schema::TypeRef type, std::string_view id, Runtime& runtime) {
  OG_ASSIGN_OR_RETURN(const auto table, runtime.table(type));
  OG_ASSIGN_OR_RETURN(const Ordinal row, table->find(id));
  return std::optional<Ordinal>(row);
}

}  // namespace

KeyText key_text(ScalarType type, const Value& constant) {
  using Outcome = KeyText::Outcome;
  const auto integer_text = [](std::int64_t i) { return KeyText{Outcome::kText, std::to_string(i)}; };
  if (constant.is_null()) return {Outcome::kNoRow};
  switch (type) {
    case ScalarType::kString:
      if (constant.kind != Value::Kind::kString) return {Outcome::kNoRow};
      return {Outcome::kText, std::string(constant.text)};
    case ScalarType::kBool:
      if (constant.kind != Value::Kind::kBool) return {Outcome::kNoRow};
      return {Outcome::kText, constant.integer != 0 ? "true" : "false"};
    case ScalarType::kDate:
      return constant.kind == Value::Kind::kDate ? integer_text(constant.integer) : KeyText{Outcome::kNoRow};
    case ScalarType::kDateTime:
      return constant.kind == Value::Kind::kDateTime ? integer_text(constant.integer) : KeyText{Outcome::kNoRow};
    case ScalarType::kI32:
    case ScalarType::kI64:
    case ScalarType::kU32:
    case ScalarType::kU64:
      if (constant.kind == Value::Kind::kInt) return integer_text(constant.integer);
      if (constant.kind == Value::Kind::kUint) return {Outcome::kText, std::to_string(constant.natural)};
      if (constant.kind == Value::Kind::kFloat) return {Outcome::kUnknown};
      if (constant.kind != Value::Kind::kDouble || constant.real != std::trunc(constant.real)) return {Outcome::kNoRow};
      if (std::abs(constant.real) > 0x1p62) return {Outcome::kUnknown};
      return integer_text(static_cast<std::int64_t>(constant.real));
    case ScalarType::kF64: {
      if (!constant.is_number()) return {Outcome::kNoRow};
      const double d = to_double(constant);
      if (constant.kind == Value::Kind::kFloat || !std::isfinite(d)) return {Outcome::kUnknown};
      if (compare(query::CompareOp::kEqual, constant, Value::of_double(d)) != Truth::kTrue) return {Outcome::kNoRow};
      return {Outcome::kText, base::canonical_float(d)};
    }
    case ScalarType::kF32: {
      if (!constant.is_number()) return {Outcome::kNoRow};
      if (constant.kind != Value::Kind::kFloat && constant.kind != Value::Kind::kDouble) return {Outcome::kUnknown};
      const float f = constant.kind == Value::Kind::kFloat ? constant.single : static_cast<float>(constant.real);
      if (!std::isfinite(f)) return {Outcome::kUnknown};
      return {Outcome::kText, base::canonical_float(f)};
    }
    case ScalarType::kBlob: break;
  }
  return {Outcome::kUnknown};
}

std::vector<std::string> key_members(const graph::Snapshot& snapshot, const schema::Catalog& catalog,
                                     schema::TypeRef type) {
  const std::vector<std::string>& declared = catalog.constraints_of(type).key;
  if (declared.size() < 2) return declared;
  const graph::TypeIdentity* identity = snapshot.record().schema.find(catalog.table_key(type));
  if (identity != nullptr && identity->key_order.size() == declared.size()) return identity->key_order;
  return declared;
}

Result<std::optional<Ordinal>> find_by_key(VariableId variable, const std::vector<const Expr*>& conditions,
                                           Runtime& runtime) {
  const schema::TypeRef type = runtime.type_of(variable);
  const schema::Catalog& catalog = runtime.catalog();
  if (const Expr* id = equal_constant(conditions, variable, ExprKind::kEntityId, 0); id != nullptr) {
    const Value v = value_of(runtime.scalar(*id));
    if (v.kind != Value::Kind::kString) return std::optional<Ordinal>(kNoOrdinal);
    return find_id(type, v.text, runtime);
  }
  const std::vector<std::string>& declared = catalog.constraints_of(type).key;
  if (declared.empty()) return std::optional<Ordinal>();
  const schema::NodeType& node = catalog.nodes[type.index];
  std::vector<std::string> texts;
  for (const std::string& member : key_members(runtime.snapshot(), catalog, type)) {
    const std::size_t property = node.index_of(member);
    if (property >= node.properties.size()) return std::optional<Ordinal>();
    const Expr* constant =
        equal_constant(conditions, variable, ExprKind::kProperty, static_cast<std::uint32_t>(property));
    if (constant == nullptr) return std::optional<Ordinal>();
    KeyText text = key_text(node.properties[property].type.scalar, value_of(runtime.scalar(*constant)));
    if (text.outcome == KeyText::Outcome::kNoRow) return std::optional<Ordinal>(kNoOrdinal);
    if (text.outcome == KeyText::Outcome::kUnknown) return std::optional<Ordinal>();
    texts.push_back(std::move(text.text));
  }
  return find_id(type, texts.size() == 1 ? texts[0] : graph::id_of_key(texts), runtime);
}

Result<std::optional<std::vector<Ordinal>>> find_by_key_list(VariableId variable,
                                                             const std::vector<const Expr*>& conditions,
                                                             Runtime& runtime) {
  using Found = std::optional<std::vector<Ordinal>>;
  const schema::TypeRef type = runtime.type_of(variable);
  const std::vector<std::string>& key = runtime.catalog().constraints_of(type).key;
  const schema::NodeType& node = runtime.catalog().nodes[type.index];
  const std::size_t property = key.size() == 1 ? node.index_of(key[0]) : node.properties.size();
  const Expr* list = nullptr;
  bool by_id = false;
  for (const Expr* condition : conditions) {
    list = constant_list(*condition, variable, ExprKind::kEntityId, 0);
    by_id = list != nullptr;
    if (list == nullptr && property < node.properties.size()) {
      list = constant_list(*condition, variable, ExprKind::kProperty, static_cast<std::uint32_t>(property));
    }
    if (list != nullptr) break;
  }
  if (list == nullptr) return Found();
  const Value items = value_of(runtime.scalar(*list));
  if (items.kind != Value::Kind::kScalars) return Found();
  OG_ASSIGN_OR_RETURN(const auto table, runtime.table(type));
  if (items.scalars->size() * kRowsScannedPerLookup > table->physical_rows()) return Found();
  std::vector<Ordinal> rows;
  for (const columnar::Scalar& item : *items.scalars) {
    const ScalarType stored = by_id ? ScalarType::kString : node.properties[property].type.scalar;
    const KeyText text = key_text(stored, value_of(item));
    if (text.outcome == KeyText::Outcome::kUnknown) return Found();
    if (text.outcome == KeyText::Outcome::kNoRow) continue;
    OG_ASSIGN_OR_RETURN(const Ordinal row, table->find(text.text));
    if (row != kNoOrdinal) rows.push_back(row);
  }
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  return Found(std::move(rows));
}

}  // namespace omnigraph::exec
