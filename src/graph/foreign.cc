#include "graph/foreign.h"

#include "graph/next_manifest.h"

namespace omnigraph::graph {
namespace {

constexpr std::size_t kInvertedNameDigits = 20;

Result<RegularVersion> read_version(objectstore::ObjectStore& store, std::string key, std::uint64_t version) {
  RegularVersion out{.version = version, .key = std::move(key), .manifest = nullptr, .commit_id = {}};
  OG_ASSIGN_OR_RETURN(const Buffer bytes, store.get(out.key));
  Result<lance::Manifest> manifest = lance::parse_manifest(bytes, out.key);
  if (!manifest) {
    out.unreadable = std::move(manifest).error();
    return out;
  }
  out.ours = table_metadata(*manifest, kVersionMetadata) == std::to_string(version);
  if (out.ours) out.commit_id = table_metadata(*manifest, kCommitMetadata);
  out.manifest = std::make_shared<const lance::Manifest>(std::move(*manifest));
  return out;
}

}  // namespace

Result<RegularVersion> newest_regular(objectstore::ObjectStore& store, const std::string& table_root) {
  const std::string prefix = table_root + "/_versions/";
  // Inverted names sort newest first, and before the detached ones, which start with a letter.
  OG_ASSIGN_OR_RETURN(const objectstore::Listing listing, store.list(prefix, {.start_after = {}, .limit = 1}));
  if (listing.objects.empty()) return RegularVersion();
  const std::string& key = listing.objects.front().key;
  const std::string_view name = std::string_view(key).substr(prefix.size());
  const std::optional<std::uint64_t> version = lance::version_of_name(name);
  if (version && *version >= lance::kDetachedVersionMin) return RegularVersion();
  if (!version || name.find('.') != kInvertedNameDigits) {
    return RegularVersion{
        .version = version.value_or(0),
        .key = key,
        .manifest = nullptr,
        .unreadable = Error{Code::kUnsupportedFormat, "'" + key + "' is not named as our versions are"},
        .commit_id = {}};
  }
  return read_version(store, key, *version);
}

Result<RegularVersion> regular_version(objectstore::ObjectStore& store, const std::string& table_root,
                                       std::uint64_t version) {
  return read_version(store, table_root + "/_versions/" + lance::manifest_name(version), version);
}

bool is_drifted(const RegularVersion& newest, const TableEntry& entry) {
  if (newest.key.empty() || newest.ours) return false;
  return newest.manifest == nullptr || entry.adopted != newest.version;
}

std::string table_metadata(const lance::Manifest& manifest, std::string_view name) {
  const auto found = manifest.table_metadata.find(std::string(name));
  return found == manifest.table_metadata.end() ? std::string() : found->second;
}

}  // namespace omnigraph::graph
