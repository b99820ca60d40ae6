// Constraints in a migration: compared as sets, in the new names.
#include <algorithm>
#include <set>

#include "schema/migration_compare.h"

namespace omnigraph::schema {
namespace {

using Kind = ConstraintSpec::Kind;

struct Listed {
  ConstraintSpec spec;
  std::vector<std::string> own_columns;  // in the names of its own schema
  bool mentions_dropped = false;
};

std::string_view kind_word(Kind kind) {
  switch (kind) {
    case Kind::kKey: return "@key";
    case Kind::kUnique: return "@unique";
    case Kind::kIndex: return "@index";
    case Kind::kRange: return "@range";
    case Kind::kCheck: return "@check";
    case Kind::kCard: return "@card";
  }
  return {};
}

std::vector<Listed> list_of(const TypeConstraints& constraints) {
  std::vector<Listed> out;
  const auto add = [&](ConstraintSpec spec, std::vector<std::string> columns) {
    spec.columns = columns;
    out.push_back({std::move(spec), std::move(columns), false});
  };
  if (!constraints.key.empty()) add({.kind = Kind::kKey}, constraints.key);
  for (const auto& columns : constraints.unique) add({.kind = Kind::kUnique}, columns);
  for (const auto& columns : constraints.index) add({.kind = Kind::kIndex}, columns);
  for (const auto& range : constraints.range) add({.kind = Kind::kRange, .range = range}, {range.property});
  for (const auto& check : constraints.check) add({.kind = Kind::kCheck, .check = check}, {check.property});
  return out;
}

// In the names of the desired schema; src and dst of edges stay.
void rename(Listed& listed, const TypePair& pair) {
  for (std::string& column : listed.spec.columns) {
    const auto found = pair.new_names.find(column);
    if (found != pair.new_names.end()) {
      column = found->second;
    } else if (pair.before.find(column) != nullptr) {
      listed.mentions_dropped = true;
    }
  }
  if (listed.spec.kind == Kind::kRange) listed.spec.range.property = listed.spec.columns.front();
  if (listed.spec.kind == Kind::kCheck) listed.spec.check.property = listed.spec.columns.front();
  std::ranges::sort(listed.spec.columns);
}

// Equal texts mean the same: a bound keeps its text when its property's type widens.
bool same(const Listed& a, const Listed& b) {
  return !a.mentions_dropped && !b.mentions_dropped && a.spec.kind == b.spec.kind &&
         constraint_text(a.spec) == constraint_text(b.spec);
}

bool is_property_form(const Listed& listed, const DeclaredType& type) {
  if (listed.own_columns.size() != 1) return false;
  const Property* property = type.find(listed.own_columns.front());
  if (property == nullptr) return false;
  switch (listed.spec.kind) {
    case Kind::kKey: return property->declares_key;
    case Kind::kUnique: return property->declares_unique;
    case Kind::kIndex: return property->declares_index;
    default: return false;
  }
}

class ConstraintComparison {
 public:
  ConstraintComparison(const TypePair& pair, const MigrationOptions& options, StepList& steps)
      : pair_(pair), options_(options), steps_(steps) {}

  Result<void> run() {
    std::vector<Listed> before = list_of(pair_.before.constraints), after = list_of(pair_.after.constraints);
    for (Listed& listed : before) rename(listed, pair_);
    std::vector<Listed> removed, added;
    const auto absent_from = [](const std::vector<Listed>& list) {
      return [&list](const Listed& wanted) {
        return std::ranges::none_of(list, [&](const Listed& other) { return same(wanted, other); });
      };
    };
    std::ranges::copy_if(before, std::back_inserter(removed), absent_from(after));
    std::ranges::copy_if(after, std::back_inserter(added), absent_from(before));
    forget_replaced(removed, added);
    for (const Listed& listed : removed) remove(listed);
    for (const Listed& listed : added) OG_RETURN_IF_ERROR(add(listed));
    return {};
  }

 private:
  // A changed @range or @check is one change, told by what comes.
  static void forget_replaced(std::vector<Listed>& removed, const std::vector<Listed>& added) {
    for (const Listed& comes : added) {
      if (comes.spec.kind != Kind::kRange && comes.spec.kind != Kind::kCheck) continue;
      const auto goes = std::ranges::find_if(removed, [&](const Listed& listed) {
        return listed.spec.kind == comes.spec.kind && listed.spec.columns == comes.spec.columns &&
               !listed.mentions_dropped;
      });
      if (goes != removed.end()) removed.erase(goes);
    }
  }

  void remove(const Listed& listed) {
    const bool key = listed.spec.kind == Kind::kKey;
    if (listed.mentions_dropped && listed.own_columns.size() == 1 && !key) return;  // it goes with its property
    if (options_.data != nullptr && !key) {
      steps_.add(StepKind::kDropConstraint).constraint = listed.spec;
      return;
    }
    const bool property_form = is_property_form(listed, pair_.before);
    const std::string property = property_form ? listed.spec.columns.front() : std::string();
    if (!refused_.insert(property).second) return;  // the message would be the same
    steps_.unsupported(property, property_form ? "removing property constraints from " + steps_.subject(property)
                                               : "removing constraints from '" + steps_.type_name() + "'");
  }

  Result<void> add(const Listed& listed) {
    const ConstraintSpec& spec = listed.spec;
    if (spec.kind == Kind::kIndex) {
      steps_.add(StepKind::kAddConstraint).constraint = spec;
      return {};
    }
    if (options_.data != nullptr && spec.kind != Kind::kKey) return add_validated(spec);
    if (is_property_form(listed, pair_.after)) {
      const std::string& property = spec.columns.front();
      steps_.unsupported(property, "adding a property-level " + std::string(kind_word(spec.kind)) + " constraint to " +
                                       steps_.subject(property));
    } else {
      steps_.unsupported("", adding(spec));
    }
    return {};
  }

  [[nodiscard]] std::string adding(const ConstraintSpec& spec) const {
    return "adding constraint '" + constraint_text(spec) + "' to '" + steps_.type_name() + "'";
  }

  Result<void> add_validated(const ConstraintSpec& spec) {
    Violations found;
    if (pair_.after.kind != TypeKind::kInterface) {
      OG_ASSIGN_OR_RETURN(found, spec.kind == Kind::kUnique ? check_unique(spec) : check_values(spec));
    }
    if (found.count > 0) {
      steps_.violated("", adding(spec), found, "OG-MF-107");
    } else {
      steps_.add(StepKind::kAddConstraint).constraint = spec;
    }
    return {};
  }

  // Position of a desired property in the accepted type; nullopt: it is new, so all null.
  [[nodiscard]] std::optional<std::size_t> accepted_position(std::string_view name) const {
    for (std::size_t i = 0; i < pair_.after.properties->size(); ++i) {
      if ((*pair_.after.properties)[i].name == name) return pair_.match->properties[i];
    }
    return std::nullopt;
  }

  Result<Violations> check_unique(const ConstraintSpec& spec) {
    std::vector<UniqueColumn> columns;
    for (const std::string& name : spec.columns) {
      if (pair_.after.find(name) == nullptr) {  // only an edge's endpoints are no properties
        columns.push_back({name == "src" ? UniqueColumn::Kind::kSource : UniqueColumn::Kind::kDestination, 0});
        continue;
      }
      const auto at = accepted_position(name);
      if (!at) return Violations{};  // a null exempts
      columns.push_back({UniqueColumn::Kind::kProperty, *at});
    }
    return options_.data->check_unique(pair_.before.ref(), columns);
  }

  Result<Violations> check_values(const ConstraintSpec& spec) {
    const std::string& name = spec.columns.front();
    const auto at = accepted_position(name);
    if (!at) return Violations{};
    Property rule;
    rule.name = name;
    rule.type = pair_.after.find(name)->type;
    rule.type.nullable = true;
    rule.type.enum_values.clear();
    TypeConstraints constraints;
    if (spec.kind == Kind::kRange) constraints.range.push_back(spec.range);
    if (spec.kind == Kind::kCheck) constraints.check.push_back(spec.check);
    return options_.data->check_values(pair_.before.ref(), *at, rule, constraints);
  }

  const TypePair& pair_;
  const MigrationOptions& options_;
  StepList& steps_;
  std::set<std::string> refused_;
};

}  // namespace

Result<void> compare_constraints(const TypePair& pair, const MigrationOptions& options, StepList& steps) {
  return ConstraintComparison(pair, options, steps).run();
}

Result<void> compare_cardinality(const TypePair& pair, const EdgeType& before, const EdgeType& after,
                                 const MigrationOptions& options, StepList& steps) {
  if (before.card_min == after.card_min && before.card_max == after.card_max) return {};
  const ConstraintSpec card{.kind = Kind::kCard, .card_min = after.card_min, .card_max = after.card_max};
  OG_CHECK(options.data != nullptr);
  OG_ASSIGN_OR_RETURN(const Violations found,
                      options.data->check_cardinality(pair.before.ref(), after.card_min, after.card_max));
  if (found.count > 0) {
    steps.violated("", "adding constraint '" + constraint_text(card) + "' to '" + steps.type_name() + "'", found,
                   "OG-MF-107");
  } else {
    steps.add(StepKind::kAddConstraint).constraint = card;
  }
  return {};
}

}  // namespace omnigraph::schema
