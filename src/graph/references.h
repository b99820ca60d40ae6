// Which objects of a dataset folder some versions of its table reference: manifests, data files, deletion bitmaps.
// Thread safety: values; several threads may ask one that is no longer added to.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graph/layout.h"
#include "graph/table_cache.h"

namespace omnigraph::graph {

// The dataset folder that a key lies in, as table_root_of_object() says, without a copy; empty: in none.
[[nodiscard]] inline std::string_view dataset_folder_of(std::string_view key) {
  if (!key.starts_with("tables/")) return {};
  std::size_t end = 0;
  for (int slash = 0; slash < 3 && end != std::string_view::npos; ++slash) end = key.find('/', end == 0 ? 0 : end + 1);
  return end == std::string_view::npos ? std::string_view() : key.substr(0, end);
}

class ManifestReferences {
 public:
  // `manifest_key` is copied, `manifest` kept.
  void add(std::string_view manifest_key, ManifestPtr manifest) {
    for (const lance::Fragment& fragment : manifest->fragments) {
      for (const lance::DataFileEntry& file : fragment.files) data_files_.insert(file.path);
    }
    // Fragments with deletions are few: their keys are put together.
    others_.insert(std::string(manifest_key));
    const std::string root(dataset_folder_of(manifest_key));
    for (const lance::Fragment& fragment : manifest->fragments) {
      if (!fragment.deletion_file) continue;
      others_.insert(deletion_copy_key(root, fragment, *fragment.deletion_file));
      others_.insert(deletion_file_key(root, fragment.id, *fragment.deletion_file));
    }
    manifests_.push_back(std::move(manifest));
  }
  // REQUIRES: `key` lies in `folder`.
  [[nodiscard]] bool contain(std::string_view folder, const std::string& key) const {
    constexpr std::string_view kData = "/data/";
    const std::string_view below = std::string_view(key).substr(folder.size());
    return below.starts_with(kData) ? data_files_.contains(below.substr(kData.size())) : others_.contains(key);
  }

 private:
  std::vector<ManifestPtr> manifests_;  // own the paths
  std::unordered_set<std::string_view> data_files_;
  std::set<std::string> others_;
};

}  // namespace omnigraph::graph
