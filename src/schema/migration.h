// The migration planner: what leads from an accepted schema to a desired one (chapter 01 section 9).
//
// It compares two catalogs and reads no data, except where validated changes (section 9.1) are asked for: their
// conditions are put to MigrationData. Interfaces, then nodes, then edges; in each the desired types by name, then the
// dropped ones. Thread safety: free functions on values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "schema/catalog.h"
#include "schema/migration_match.h"
#include "schema/migration_step.h"

namespace omnigraph::schema {

// Entities that do not satisfy a condition.
struct Violations {
  std::uint64_t count = 0;
  std::vector<std::string> first;  // ids, ascending, at most three
};

// A column of a @unique in the accepted schema.
struct UniqueColumn {
  enum class Kind : std::uint8_t { kProperty, kSource, kDestination };
  Kind kind = Kind::kProperty;
  std::size_t property = 0;  // kProperty
};

// Answers about the current data, in terms of the accepted schema. Errors: those of reading it.
class MigrationData {
 public:
  virtual ~MigrationData() = default;
  [[nodiscard]] virtual Result<std::uint64_t> entities(TypeRef type) = 0;
  // Values of a property, carried into the type of `rule`, against its nullability and enum and against `constraints`
  // (whose names are those of `rule`).
  [[nodiscard]] virtual Result<Violations> check_values(TypeRef type, std::size_t property, const Property& rule,
                                                        const TypeConstraints& constraints) = 0;
  // Entities that share their tuple with another one. A null exempts.
  [[nodiscard]] virtual Result<Violations> check_unique(TypeRef type, const std::vector<UniqueColumn>& columns) = 0;
  // Source nodes with at least one edge of the type, and fewer than `min` or more than `max`.
  [[nodiscard]] virtual Result<Violations> check_cardinality(TypeRef edge, std::uint32_t min, std::uint32_t max) = 0;
};

struct MigrationOptions {
  bool allow_data_loss = false;   // drops are hard
  MigrationData* data = nullptr;  // set: validated changes are allowed, and judged by it
};

struct MigrationPlan {
  std::vector<MigrationStep> steps;
  SchemaMatch match;
  [[nodiscard]] const MigrationStep* first_unsupported() const;
  [[nodiscard]] bool supported() const { return first_unsupported() == nullptr; }
};

// Errors: kBadRequest `schema identity resolution failed: ..`; those of `data`.
[[nodiscard]] Result<MigrationPlan> plan_migration(const Catalog& accepted, const Catalog& desired,
                                                   const MigrationOptions& options = {});
// With identities that are known from elsewhere.
[[nodiscard]] Result<MigrationPlan> plan_migration(const Catalog& accepted, const Catalog& desired, SchemaMatch match,
                                                   const MigrationOptions& options);

}  // namespace omnigraph::schema
