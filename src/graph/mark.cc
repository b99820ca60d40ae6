#include "graph/mark.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "graph/layout.h"
#include "graph/mark_blobs.h"
#include "graph/next_manifest.h"
#include "graph/parallel_io.h"

namespace omnigraph::graph {
namespace {

std::string_view last_segment(std::string_view key) { return key.substr(key.rfind('/') + 1); }

std::string_view stem_of(std::string_view file_name) { return file_name.substr(0, file_name.rfind('.')); }

// Files below a table's folder that are ours to remove. Data files of other tools have another ending, and what else
// they put there is theirs.
bool is_own_kind(std::string_view key) {
  const std::string_view name = last_segment(key);
  const auto in = [&](std::string_view folder) { return key.find(folder) != std::string_view::npos; };
  if (in("/_versions/")) return lance::version_of_name(name).has_value();
  if (in("/data/")) return name.ends_with(".lnc");
  if (in("/deletes/")) return name.ends_with(".bin");
  return in("/_deletions/") && (name.ends_with(".bin") || name.ends_with(".arrow"));
}

}  // namespace

class Marker {
 public:
  Marker(FreshReader& reader, objectstore::ObjectStore& store, const LogSurvey& survey, const Retention& retention,
         std::int64_t store_now_us)
      : reader_(reader), store_(store), survey_(survey), retention_(retention), store_now_us_(store_now_us) {}

  Result<Marks> run(const std::vector<objectstore::ObjectInfo>& listed) {
    for (const auto& [at, kept] : retention_.kept) {
      if (!kept.record->deleted) OG_RETURN_IF_ERROR(collect_versions(at, kept));
      for (const SurveyedCommit& commit : kept.record->commits) {
        kept_commits_.insert(commit.id);
        marks_.keys_.insert(commit_pointer_key(commit.id));
      }
    }
    OG_RETURN_IF_ERROR(mark_versions());
    OG_RETURN_IF_ERROR(mark_regular_versions(listed));
    OG_ASSIGN_OR_RETURN(std::set<std::string> blobs, blobs_.objects());
    for (const std::string& key : blobs) marks_.keys_.insert(key);
    return std::move(marks_);
  }

 private:
  Result<void> collect_versions(const RecordAt& at, const Retention::Kept& kept) {
    const Result<RecordPtr> record = reader_.log->read(at.first, at.second);
    if (!record && record.error().code == Code::kNotFound) return {};  // another cleanup was here
    if (!record) return std::unexpected(record.error());
    const CommitRecord& content = (*record)->record;
    const auto collect = [&](const TableMap& tables) {
      for (const auto& [key, entry] : tables) {
        if (!kept.spared && survey_.is_purged(entry.id, *kept.record)) continue;
        std::vector<RecordAt>& holders = versions_[entry.manifest];
        if (holders.empty() || holders.back() != at) holders.push_back(at);
      }
    };
    collect(content.tables);
    for (const Commit& commit : content.commits) collect(commit.tables);
    return {};
  }

  Result<void> mark_versions() {
    const std::vector<std::pair<std::string, std::vector<RecordAt>>> versions(versions_.begin(), versions_.end());
    std::vector<ManifestPtr> manifests(versions.size());
    OG_RETURN_IF_ERROR(parallel_io(versions.size(), [&](std::size_t i) -> Result<void> {
      const Result<bool> read =
          with_some_record(reader_, versions[i].second, [&](const RecordPtr& record) -> Result<void> {
            OG_ASSIGN_OR_RETURN(manifests[i], reader_.tables->manifest(*record, versions[i].first));
            return {};
          });
      return read ? Result<void>() : std::unexpected(read.error());
    }));
    for (std::size_t i = 0; i < versions.size(); ++i) {
      if (manifests[i] == nullptr) continue;
      mark_files(versions[i].first, *manifests[i]);
      OG_RETURN_IF_ERROR(blobs_.note(versions[i].second, versions[i].first, *manifests[i]));
    }
    return {};
  }

  void mark_files(const std::string& manifest_key, const lance::Manifest& manifest) {
    for (const std::string& key : objects_of_version(manifest_key, manifest)) marks_.keys_.insert(key);
    for (const lance::Fragment& fragment : manifest.fragments) {
      for (const lance::DataFileEntry& file : fragment.files) marks_.stems_.emplace(stem_of(file.path));
    }
  }

  // ---- the ordinary version chains, for tools that open a dataset without a version

  struct Regular {
    objectstore::ObjectInfo info;
    std::uint64_t version = 0;
    std::optional<lance::Manifest> manifest;
    std::string unreadable;
  };
  struct Table {
    std::vector<Regular> regular;
    bool pinned = false;  // tags or branches of other tools name versions
  };

  Result<void> mark_regular_versions(const std::vector<objectstore::ObjectInfo>& listed) {
    std::map<std::string, Table> tables;
    for (const objectstore::ObjectInfo& object : listed) {
      const std::string root = table_root_of_object(object.key);
      if (root.empty()) continue;
      const std::string_view below = std::string_view(object.key).substr(root.size());
      if (below.starts_with("/_refs/") || below.starts_with("/tree/")) tables[root].pinned = true;
      if (!below.starts_with("/_versions/")) continue;
      const auto version = lance::version_of_name(last_segment(object.key));
      if (version && *version < lance::kDetachedVersionMin) {
        tables[root].regular.push_back({.info = object, .version = *version, .manifest = {}, .unreadable = {}});
      }
    }
    for (auto& [root, table] : tables) OG_RETURN_IF_ERROR(mark_regular(root, table));
    return {};
  }

  Result<void> mark_regular(const std::string& root, Table& table) {
    std::vector<Regular>& regular = table.regular;
    OG_RETURN_IF_ERROR(parallel_io(regular.size(), [&](std::size_t i) -> Result<void> {
      const std::string& key = regular[i].info.key;
      const Result<Buffer> bytes = store_.get(key);
      if (!bytes && bytes.error().code == Code::kNotFound) return {};  // another cleanup was here
      if (!bytes) return std::unexpected(bytes.error());
      Result<lance::Manifest> manifest = lance::parse_manifest(*bytes, key);
      if (manifest) {
        regular[i].manifest = std::move(*manifest);
      } else {
        regular[i].unreadable = manifest.error().message;
      }
      return {};
    }));
    std::uint64_t newest = 0;
    for (const Regular& version : regular) newest = std::max(newest, version.version);
    for (const Regular& version : regular) {
      if (!version.unreadable.empty()) {
        // What it references cannot be told.
        marks_.untouchable_.emplace(root,
                                    "its version " + std::to_string(version.version) +
                                        " cannot be read, so nothing of the table was removed: " + version.unreadable);
      }
      if (version.manifest && (table.pinned || version.version == newest || stays(version))) {
        mark_files(version.info.key, *version.manifest);
        // No record carries bytes of such a version: what it references is in place, or it cannot be opened anyway.
        OG_RETURN_IF_ERROR(blobs_.note({}, version.info.key, *version.manifest));
      }
    }
    return {};
  }

  // Versions of others are never removed; ours go with the commit whose content they are.
  bool stays(const Regular& version) const {
    if (store_now_us_ - version.info.modified_us < kCleanupGraceUs) return true;
    const auto& metadata = version.manifest->table_metadata;
    const auto number = metadata.find(std::string(kVersionMetadata));
    if (number == metadata.end() || number->second != std::to_string(version.version)) return true;
    const auto commit = metadata.find(std::string(kCommitMetadata));
    return commit == metadata.end() || kept_commits_.contains(commit->second);
  }

  FreshReader& reader_;
  objectstore::ObjectStore& store_;
  const LogSurvey& survey_;
  const Retention& retention_;
  const std::int64_t store_now_us_;
  Marks marks_;
  std::map<std::string, std::vector<RecordAt>> versions_;  // manifest -> records that reference it
  std::set<std::string> kept_commits_;
  BlobMarker blobs_{reader_, store_};
};

bool Marks::contains(const objectstore::ObjectInfo& object) const {
  const std::string& key = object.key;
  if (keys_.contains(key)) return true;
  if (key.starts_with("tables/")) return !is_own_kind(key) || untouchable_.contains(table_root_of_object(key));
  if (key.starts_with("index/")) {
    // <data file stem>-<params digest>; either may have a dash in it.
    const std::string name(last_segment(key));
    for (std::size_t dash = name.find('-'); dash != std::string::npos; dash = name.find('-', dash + 1)) {
      if (stems_.contains(name.substr(0, dash))) return true;
    }
    return name.find('-') == std::string::npos;
  }
  return false;
}

Result<Marks> mark(FreshReader& reader, objectstore::ObjectStore& store, const LogSurvey& survey,
                   const Retention& retention, const std::vector<objectstore::ObjectInfo>& listed,
                   std::int64_t store_now_us) {
  return Marker(reader, store, survey, retention, store_now_us).run(listed);
}

}  // namespace omnigraph::graph
