#include "graph/inner_versions.h"

#include <utility>

namespace omnigraph::graph {
namespace {

Result<ManifestReferences> references_of(TableCache& tables, const LoadedRecord& record, const std::string& manifest) {
  OG_ASSIGN_OR_RETURN(ManifestPtr parsed, tables.manifest(record, manifest));
  ManifestReferences references;
  references.add(manifest, std::move(parsed));
  return references;
}

}  // namespace

InnerVersions::InnerVersions(TableCache& tables, std::span<const RecordPtr> records) {
  for (const RecordPtr& record : records) {
    const CommitRecord& state = record->record;
    if (state.commits.size() < 2) continue;
    ByFolder head;
    bool complete = true;
    for (const auto& [key, changed] : state.commits.back().tables) {
      const auto entry = state.tables.find(key);
      if (entry == state.tables.end()) continue;
      Result<ManifestReferences> references = references_of(tables, *record, entry->second.manifest);
      complete = complete && references.has_value();
      if (references) head.emplace(dataset_folder_of(entry->second.manifest), *std::move(references));
    }
    if (complete) heads_.emplace(record.get(), std::move(head));
  }
}

bool InnerVersions::contain(const LoadedRecord& record, const std::string& key) const {
  const auto head = heads_.find(&record);
  if (head == heads_.end()) return false;
  const auto at = record.record.attached.find(key);
  if (at == record.record.attached.end() || at->second.branch != record.record.branch ||
      at->second.seq != record.record.seq) {
    return false;
  }
  const std::string_view folder = dataset_folder_of(key);
  const auto references = head->second.find(folder);
  return references != head->second.end() && !references->second.contain(folder, key);
}

}  // namespace omnigraph::graph
