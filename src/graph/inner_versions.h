// Versions between the commits of one record: no head ever has them. Who reads such a commit has its record, which
// carries them, so they are not put at their own keys behind a publish; `snapshot --materialize` does it on demand.
// Thread safety: const once built.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "graph/references.h"

namespace omnigraph::graph {

class InnerVersions {
 public:
  // A record whose head cannot be read here is taken to have none. The records outlive this.
  InnerVersions(TableCache& tables, std::span<const RecordPtr> records);
  // Whether only versions between the record's commits reference one of its own attachments.
  [[nodiscard]] bool contain(const LoadedRecord& record, const std::string& key) const;

 private:
  using ByFolder = std::map<std::string_view, ManifestReferences>;
  std::map<const LoadedRecord*, ByFolder> heads_;  // of the tables that a record with several commits changes
};

}  // namespace omnigraph::graph
