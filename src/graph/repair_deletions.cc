#include "graph/repair_deletions.h"

#include <functional>
#include <map>

#include "graph/layout.h"
#include "lance/manifest.h"

namespace omnigraph::graph {
namespace {

using objectstore::ObjectStore;

Result<void> each_key(ObjectStore& store, const std::string& prefix,
                      const std::function<Result<void>(const std::string&)>& visit) {
  objectstore::ListOptions options;
  for (bool more = true; more;) {
    OG_ASSIGN_OR_RETURN(const objectstore::Listing page, store.list(prefix, options));
    for (const objectstore::ObjectInfo& object : page.objects) OG_RETURN_IF_ERROR(visit(object.key));
    more = page.truncated && !page.objects.empty();
    if (more) options.start_after = page.objects.back().key;
  }
  return {};
}

// Names end in -<id>.bin, and ids are random: they pair the copies.
std::string id_in_name(std::string_view key) {
  if (!key.ends_with(".bin")) return {};
  key.remove_suffix(4);
  const std::size_t dash = key.rfind('-');
  return dash == std::string_view::npos ? std::string() : std::string(key.substr(dash + 1));
}

}  // namespace

Result<std::vector<LostDeletion>> lost_deletions(ObjectStore& store, const std::string& table_root) {
  std::map<std::string, std::string> unpaired;  // id -> the engine's copy
  OG_RETURN_IF_ERROR(each_key(store, table_root + "/deletes/", [&](const std::string& key) -> Result<void> {
    if (std::string id = id_in_name(key); !id.empty()) unpaired[std::move(id)] = key;
    return {};
  }));
  OG_RETURN_IF_ERROR(each_key(store, table_root + "/_deletions/", [&](const std::string& key) -> Result<void> {
    unpaired.erase(id_in_name(key));
    return {};
  }));
  std::vector<LostDeletion> lost;
  if (unpaired.empty()) return lost;
  // The Lance name has the fragment's number and a version, which only manifests know.
  OG_RETURN_IF_ERROR(each_key(store, table_root + "/_versions/", [&](const std::string& key) -> Result<void> {
    if (unpaired.empty() || !key.ends_with(".manifest")) return {};
    OG_ASSIGN_OR_RETURN(const Buffer bytes, store.get(key));
    const Result<lance::Manifest> manifest = lance::parse_manifest(bytes, key);
    if (!manifest) return {};  // another tool's; it has no copies
    for (const lance::Fragment& fragment : manifest->fragments) {
      if (!fragment.deletion_file) continue;
      const auto found = unpaired.find(std::to_string(fragment.deletion_file->id));
      if (found == unpaired.end() ||
          found->second != deletion_copy_key(table_root, fragment, *fragment.deletion_file)) {
        continue;
      }
      lost.push_back({deletion_file_key(table_root, fragment.id, *fragment.deletion_file), found->second});
      unpaired.erase(found);
    }
    return {};
  }));
  return lost;
}

Result<void> restore_deletions(ObjectStore& store, const std::vector<LostDeletion>& lost) {
  for (const LostDeletion& each : lost) {
    OG_ASSIGN_OR_RETURN(const Buffer bytes, store.get(each.copy));
    OG_RETURN_IF_ERROR(store.put_if_absent(each.key, bytes.bytes()));
  }
  return {};
}

}  // namespace omnigraph::graph
