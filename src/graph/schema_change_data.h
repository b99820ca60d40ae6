// What the migration planner asks about the data of one snapshot (chapter 01 section 9.1). Columns are read a fragment
// at a time, and only those of the properties asked about. Not thread safe.
#pragma once

#include "graph/snapshot.h"
#include "schema/migration.h"

namespace omnigraph::graph {

class SnapshotMigrationData final : public schema::MigrationData {
 public:
  // `snapshot` is borrowed.
  explicit SnapshotMigrationData(const Snapshot& snapshot) : snapshot_(snapshot) {}

  Result<std::uint64_t> entities(schema::TypeRef type) override;
  Result<schema::Violations> check_values(schema::TypeRef type, std::size_t property, const schema::Property& rule,
                                          const schema::TypeConstraints& constraints) override;
  Result<schema::Violations> check_unique(schema::TypeRef type,
                                          const std::vector<schema::UniqueColumn>& columns) override;
  Result<schema::Violations> check_cardinality(schema::TypeRef edge, std::uint32_t min, std::uint32_t max) override;

 private:
  const Snapshot& snapshot_;
};

}  // namespace omnigraph::graph
