#include "graph/merge_plan.h"

#include <algorithm>
#include <map>

#include "graph/row_equal.h"
#include "graph/table_diff.h"

namespace omnigraph::graph {
namespace {

using Changes = std::vector<EntityChange>;

// A type as the three states have it.
struct TypeTriple {
  std::optional<schema::TypeRef> base, source, target;
};

// Finds rows of the target by what is known of them in the base.
class TargetRows {
 public:
  TargetRows(TableViewPtr base, TableViewPtr target) : base_(std::move(base)), target_(std::move(target)) {}

  // Row of an entity that the target still has as in the base. Row ids are stable, so most are found without looking
  // an id up; deleted and inserted again with equal values, an entity has another one.
  Result<Ordinal> unchanged(const std::string& id, Ordinal base_row) {
    const Ordinal o = target_.view()->ordinal_of_row(base_->row_id(base_row));
    if (o != kNoOrdinal) {
      OG_ASSIGN_OR_RETURN(const std::string_view found, target_.text(RowReader::kId, o));
      if (found == id) return o;
    }
    return target_.view()->find(id);
  }

 private:
  const TableViewPtr base_;
  RowReader target_;
};

std::string quoted(std::string_view text, const std::string& id) {
  std::string message(text);
  return message.append(" for id '").append(id).append("'");
}

Result<std::vector<std::string>> fields_between(RowComparer& rows, const schema::Catalog& catalog_a,
                                                schema::TypeRef type_a, Ordinal a, const schema::Catalog& catalog_b,
                                                schema::TypeRef type_b, Ordinal b) {
  std::vector<std::string> fields;
  for (const PropertyPair& pair : rows.properties()) {
    OG_ASSIGN_OR_RETURN(const bool same, rows.property_equal(pair, a, b));
    if (same) continue;
    fields.push_back(pair.b ? catalog_b.properties_of(type_b)[*pair.b].name
                            : catalog_a.properties_of(type_a)[*pair.a].name);
  }
  std::sort(fields.begin(), fields.end());
  if (type_a.kind != schema::EntityKind::kEdge) return fields;
  std::vector<std::string> named;
  for (const auto& [column, name] : {std::pair(RowReader::kSource, "from"), std::pair(RowReader::kDestination, "to")}) {
    OG_ASSIGN_OR_RETURN(const std::string_view left, rows.a().text(column, a));
    OG_ASSIGN_OR_RETURN(const std::string_view right, rows.b().text(column, b));
    if (left != right) named.emplace_back(name);
  }
  named.insert(named.end(), fields.begin(), fields.end());
  return named;
}

// The plan of one type that both sides have.
class TypeMerge {
 public:
  TypeMerge(const MergeStates& states, const TypeTriple& type, bool merge_properties)
      : states_(states), type_(type), merge_properties_(merge_properties) {}

  Result<void> run(const Changes& source, const Changes& target, MergedType& merged,
                   std::vector<MergeConflict>& conflicts) {
    std::optional<TargetRows> rows;  // none: the base has no such type, and no row that could be unchanged
    if (type_.base) {
      OG_ASSIGN_OR_RETURN(TableViewPtr base_view, states_.base->table(*type_.base));
      OG_ASSIGN_OR_RETURN(TableViewPtr target_view, states_.target->table(*type_.target));
      rows.emplace(std::move(base_view), std::move(target_view));
    }
    OG_RETURN_IF_ERROR(open_sides());
    auto theirs = target.begin();
    for (const EntityChange& change : source) {
      while (theirs != target.end() && theirs->id < change.id) ++theirs;
      if (theirs != target.end() && theirs->id == change.id) {
        OG_RETURN_IF_ERROR(changed_on_both(change, *theirs, merged, conflicts));
        continue;
      }
      MergeAction action{.id = change.id, .source = change.after, .target = kNoOrdinal, .from_source = {}};
      if (change.before != kNoOrdinal) {
        OG_ASSIGN_OR_RETURN(action.target, rows->unchanged(change.id, change.before));
        if (action.target == kNoOrdinal) {
          return std::unexpected(internal_error("merge: '" + change.id + "' is unchanged on the target and not there"));
        }
      }
      merged.actions.push_back(std::move(action));
    }
    return {};
  }

 private:
  Result<void> open_sides() {
    OG_ASSIGN_OR_RETURN(RowComparer sides,
                        RowComparer::open(*states_.source, *type_.source, *states_.target, *type_.target));
    sides_.emplace(std::move(sides));
    return {};
  }

  Result<void> changed_on_both(const EntityChange& ours, const EntityChange& theirs, MergedType& merged,
                               std::vector<MergeConflict>& conflicts) {
    if (ours.after == kNoOrdinal && theirs.after == kNoOrdinal) return {};
    if (ours.after != kNoOrdinal && theirs.after != kNoOrdinal) {
      OG_ASSIGN_OR_RETURN(const bool same, sides_->equal(ours.after, theirs.after));
      if (same) return {};
      if (merge_properties_ && ours.before != kNoOrdinal) {
        OG_ASSIGN_OR_RETURN(auto from_source, disjoint_fields(ours, theirs));
        if (!from_source.empty()) {
          // All that the source changed the target changed alike.
          if (std::ranges::find(from_source, true) == from_source.end()) return {};
          merged.actions.push_back({ours.id, ours.after, theirs.after, std::move(from_source)});
          return {};
        }
      }
    }
    OG_ASSIGN_OR_RETURN(MergeConflict conflict, conflict_of(ours, theirs));
    conflicts.push_back(std::move(conflict));
    return {};
  }

  // Where each field of the merged entity comes from; empty: some field was changed on both sides to different values.
  Result<std::vector<bool>> disjoint_fields(const EntityChange& ours, const EntityChange& theirs) {
    OG_RETURN_IF_ERROR(open_bases());
    const std::size_t properties = states_.target->catalog()->properties_of(*type_.target).size();
    std::vector<bool> from_source(properties + 1);
    const auto decide = [&](std::size_t field, bool ours_changed, bool theirs_changed, bool same) {
      if (ours_changed && theirs_changed && !same) return false;
      from_source[field] = ours_changed && !theirs_changed;
      return true;
    };
    for (const PropertyPair& pair : sides_->properties()) {
      if (!pair.b) continue;
      OG_ASSIGN_OR_RETURN(const bool same, sides_->property_equal(pair, ours.after, theirs.after));
      OG_ASSIGN_OR_RETURN(const bool ours_same, property_unchanged(*base_source_, pair.a, ours));
      OG_ASSIGN_OR_RETURN(const bool theirs_same, property_unchanged(*base_target_, pair.b, theirs));
      if (!decide(*pair.b, !ours_same, !theirs_same, same)) return std::vector<bool>{};
    }
    OG_ASSIGN_OR_RETURN(const bool same, sides_->endpoints_equal(ours.after, theirs.after));
    OG_ASSIGN_OR_RETURN(const bool ours_same, base_source_->endpoints_equal(ours.before, ours.after));
    OG_ASSIGN_OR_RETURN(const bool theirs_same, base_target_->endpoints_equal(theirs.before, theirs.after));
    if (!decide(properties, !ours_same, !theirs_same, same)) return std::vector<bool>{};
    return from_source;
  }

  Result<void> open_bases() {
    if (base_source_) return {};
    OG_ASSIGN_OR_RETURN(RowComparer base_source,
                        RowComparer::open(*states_.base, *type_.base, *states_.source, *type_.source));
    OG_ASSIGN_OR_RETURN(RowComparer base_target,
                        RowComparer::open(*states_.base, *type_.base, *states_.target, *type_.target));
    base_source_.emplace(std::move(base_source));
    base_target_.emplace(std::move(base_target));
    return {};
  }

  // `property` by its index in the state after.
  static Result<bool> property_unchanged(RowComparer& rows, std::optional<std::size_t> property,
                                         const EntityChange& change) {
    if (!property) return true;
    for (const PropertyPair& pair : rows.properties()) {
      if (pair.b == property) return rows.property_equal(pair, change.before, change.after);
    }
    return true;
  }

  Result<MergeConflict> conflict_of(const EntityChange& ours, const EntityChange& theirs) {
    MergeConflict conflict{.type = *type_.target,
                           .entity_id = ours.id,
                           .kind = ConflictKind::kDivergentUpdate,
                           .message = {},
                           .base = ours.before,
                           .source = ours.after,
                           .target = theirs.after,
                           .fields = {}};
    const schema::Catalog& base = *states_.base->catalog();
    const schema::Catalog& source = *states_.source->catalog();
    const schema::Catalog& target = *states_.target->catalog();
    if (ours.after == kNoOrdinal || theirs.after == kNoOrdinal) {
      conflict.kind = ConflictKind::kDeleteVsUpdate;
      conflict.message = quoted("delete/update conflict", ours.id);
      OG_RETURN_IF_ERROR(open_bases());
      if (ours.after != kNoOrdinal) {
        OG_ASSIGN_OR_RETURN(conflict.fields, fields_between(*base_source_, base, *type_.base, ours.before, source,
                                                            *type_.source, ours.after));
      } else {
        OG_ASSIGN_OR_RETURN(conflict.fields, fields_between(*base_target_, base, *type_.base, theirs.before, target,
                                                            *type_.target, theirs.after));
      }
      return conflict;
    }
    const bool insert = ours.before == kNoOrdinal;
    conflict.kind = insert ? ConflictKind::kDivergentInsert : ConflictKind::kDivergentUpdate;
    conflict.message = quoted(insert ? "divergent insert" : "divergent update", ours.id);
    OG_ASSIGN_OR_RETURN(conflict.fields, fields_between(*sides_, source, *type_.source, ours.after, target,
                                                        *type_.target, theirs.after));
    return conflict;
  }

  const MergeStates& states_;
  const TypeTriple& type_;
  const bool merge_properties_;
  std::optional<RowComparer> sides_;                      // source, target
  std::optional<RowComparer> base_source_, base_target_;  // opened on demand
};

}  // namespace

std::string_view conflict_kind_name(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::kDivergentInsert: return "divergent_insert";
    case ConflictKind::kDivergentUpdate: return "divergent_update";
    case ConflictKind::kDeleteVsUpdate: return "delete_vs_update";
    case ConflictKind::kOrphanEdge: return "orphan_edge";
    case ConflictKind::kUniqueViolation: return "unique_violation";
    case ConflictKind::kCardinalityViolation: return "cardinality_violation";
    case ConflictKind::kValueConstraintViolation: return "value_constraint_violation";
  }
  return "";
}

Result<MergePlan> plan_merge(const MergeStates& states, bool merge_properties) {
  std::map<std::string, std::optional<schema::TypeRef>> targets;
  for (const TypePair& pair : pair_types(*states.base, *states.target, false)) targets[pair.table_id] = pair.after;
  std::map<std::string, TypePair> changed_on_target;
  for (TypePair& pair : pair_types(*states.base, *states.target, true)) {
    const std::string table_id = pair.table_id;
    changed_on_target.emplace(table_id, std::move(pair));
  }
  MergePlan plan;
  for (const TypePair& ours : pair_types(*states.base, *states.source, true)) {
    const std::optional<schema::TypeRef>& target = targets[ours.table_id];
    // A type that one side dropped, or made again, has nothing to take over.
    if (!ours.after || !target) continue;
    OG_ASSIGN_OR_RETURN(const Changes source_changes, diff_type(*states.base, *states.source, ours));
    Changes target_changes;
    if (const auto theirs = changed_on_target.find(ours.table_id); theirs != changed_on_target.end()) {
      OG_ASSIGN_OR_RETURN(target_changes, diff_type(*states.base, *states.target, theirs->second));
    }
    MergedType merged{.table_id = ours.table_id, .source = ours.after, .target = target, .actions = {}};
    const TypeTriple type{.base = ours.before, .source = ours.after, .target = target};
    OG_RETURN_IF_ERROR(
        TypeMerge(states, type, merge_properties).run(source_changes, target_changes, merged, plan.conflicts));
    if (!merged.actions.empty()) plan.types.push_back(std::move(merged));
  }
  return plan;
}

Result<std::vector<MergeConflict>> violation_conflicts(const MergeStates& states,
                                                       const std::vector<Violation>& violations) {
  std::map<std::string, schema::TypeRef> base_types, source_types;
  std::map<schema::TypeRef, std::string> ids;
  for (const TypePair& pair : pair_types(*states.base, *states.target, false)) {
    if (pair.after) ids[*pair.after] = pair.table_id;
    if (pair.before) base_types.emplace(pair.table_id, *pair.before);
  }
  for (const TypePair& pair : pair_types(*states.source, *states.target, false)) {
    if (pair.before) source_types.emplace(pair.table_id, *pair.before);
  }
  const auto find = [](const Snapshot& snapshot, schema::TypeRef type, const std::string& id) -> Result<Ordinal> {
    OG_ASSIGN_OR_RETURN(const TableViewPtr view, snapshot.table(type));
    return view->find(id);
  };
  std::vector<MergeConflict> conflicts;
  for (const Violation& violation : violations) {
    MergeConflict conflict{.type = violation.type, .entity_id = violation.entity_id, .message = violation.message};
    switch (violation.kind) {
      case ViolationKind::kValue: conflict.kind = ConflictKind::kValueConstraintViolation; break;
      case ViolationKind::kUnique: conflict.kind = ConflictKind::kUniqueViolation; break;
      case ViolationKind::kOrphanEdge: conflict.kind = ConflictKind::kOrphanEdge; break;
      case ViolationKind::kCardinality: conflict.kind = ConflictKind::kCardinalityViolation; break;
    }
    if (conflict.entity_id) {
      const std::string& table_id = ids[violation.type];
      if (const auto type = base_types.find(table_id); type != base_types.end()) {
        OG_ASSIGN_OR_RETURN(conflict.base, find(*states.base, type->second, *conflict.entity_id));
      }
      if (const auto type = source_types.find(table_id); type != source_types.end()) {
        OG_ASSIGN_OR_RETURN(conflict.source, find(*states.source, type->second, *conflict.entity_id));
      }
      OG_ASSIGN_OR_RETURN(conflict.target, find(*states.target, violation.type, *conflict.entity_id));
    }
    conflicts.push_back(std::move(conflict));
  }
  return conflicts;
}

void sort_conflicts(const Snapshot& target, std::vector<MergeConflict>& conflicts) {
  const schema::Catalog& catalog = *target.catalog();
  const auto key = [&](const MergeConflict& conflict) {
    return std::make_tuple(catalog.table_key(conflict.type), conflict.entity_id.value_or(""), conflict.kind,
                           conflict.message);
  };
  std::sort(conflicts.begin(), conflicts.end(),
            [&](const MergeConflict& a, const MergeConflict& b) { return key(a) < key(b); });
}

Result<std::vector<std::string>> differing_fields(const Snapshot& a, schema::TypeRef type_a, Ordinal row_a,
                                                  const Snapshot& b, schema::TypeRef type_b, Ordinal row_b) {
  OG_ASSIGN_OR_RETURN(RowComparer rows, RowComparer::open(a, type_a, b, type_b));
  return fields_between(rows, *a.catalog(), type_a, row_a, *b.catalog(), type_b, row_b);
}

}  // namespace omnigraph::graph
