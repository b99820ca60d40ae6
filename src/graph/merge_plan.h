// The three-way comparison of a merge: what changes on the target, and what both sides changed differently (chapter 03
// section 6, step 5). Works on states alone; branches and publishing are merge.h's.
// Thread safety: values; the functions may be called concurrently. Errors: those of reading the tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/snapshot.h"
#include "graph/violation.h"
#include "graph/write_set.h"

namespace omnigraph::graph {

// What becomes of one entity of the target.
struct MergeAction {
  std::string id;
  Ordinal source = kNoOrdinal;  // row of the source that is taken over; kNoOrdinal: the entity goes
  Ordinal target = kNoOrdinal;  // row of the target that is replaced or goes; kNoOrdinal: the entity is new there
  // Empty: the whole row comes from the source. Else, for each property of the target's type and last for the
  // endpoints, whether it does; the others stay the target's.
  std::vector<bool> from_source{};
};

struct MergedType {
  std::string table_id;
  std::optional<schema::TypeRef> source, target;  // in the catalogs of the two sides; nullopt: not there
  std::vector<MergeAction> actions;               // ascending by id
};

enum class ConflictKind : std::uint8_t {
  kDivergentInsert,
  kDivergentUpdate,
  kDeleteVsUpdate,
  kOrphanEdge,
  kUniqueViolation,
  kCardinalityViolation,
  kValueConstraintViolation,
};
[[nodiscard]] std::string_view conflict_kind_name(ConflictKind kind);  // as on the wire

struct MergeConflict {
  schema::TypeRef type;  // in the target's catalog
  std::optional<std::string> entity_id{};
  ConflictKind kind = ConflictKind::kDivergentUpdate;
  std::string message{};
  // The entity's rows in the three states; kNoOrdinal: not there.
  Ordinal base = kNoOrdinal, source = kNoOrdinal, target = kNoOrdinal;
  // Names that differ between the two sides (where one lacks the entity: between the base and the other); endpoints
  // first, as from and to, then properties by name.
  std::vector<std::string> fields{};
};

struct MergePlan {
  std::vector<MergedType> types;  // those with actions: nodes before edges, then by table id
  std::vector<MergeConflict> conflicts;
};

struct MergeStates {
  SnapshotPtr base, source, target;
};

// `merge_properties`: an entity that both sides updated is no conflict as long as no field was changed on both to
// different values. The two endpoints of an edge count as one field.
[[nodiscard]] Result<MergePlan> plan_merge(const MergeStates& states, bool merge_properties);

// The plan as a write on the target.
[[nodiscard]] Result<WriteSet> merge_writes(const MergeStates& states, const MergePlan& plan);

// Violations of the merged state as conflicts.
[[nodiscard]] Result<std::vector<MergeConflict>> violation_conflicts(const MergeStates& states,
                                                                     const std::vector<Violation>& violations);
// By type key, then id.
void sort_conflicts(const Snapshot& target, std::vector<MergeConflict>& conflicts);

// Names that differ between a row of one state and one of another, as MergeConflict::fields.
[[nodiscard]] Result<std::vector<std::string>> differing_fields(const Snapshot& a, schema::TypeRef type_a,
                                                                Ordinal row_a, const Snapshot& b,
                                                                schema::TypeRef type_b, Ordinal row_b);

}  // namespace omnigraph::graph
