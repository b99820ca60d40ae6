#include "cluster/root.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "objectstore/s3_store.h"

namespace omnigraph::cluster {

namespace fs = std::filesystem;

namespace {

struct Place {
  std::string scheme;  // "" (a path), file, s3
  std::string rest;    // behind `://`
};

Place place_of(const std::string& storage) {
  std::string text(base::trim_ascii(storage));
  const std::size_t colon = text.find("://");
  if (colon == std::string::npos) return {"", std::move(text)};
  return {text.substr(0, colon), text.substr(colon + 3)};
}

// Folders that a key of the control plane needs and that are not there yet, innermost first.
std::vector<fs::path> missing_folders(const fs::path& root) {
  std::vector<fs::path> missing;
  std::error_code failed;
  for (fs::path at = root / "__cluster"; !fs::exists(at, failed) && at.has_relative_path(); at = at.parent_path()) {
    missing.push_back(at);
  }
  return missing;
}

}  // namespace

std::optional<std::string> storage_problem(const std::string& storage) {
  const Place place = place_of(storage);
  if (place.scheme.empty()) {
    if (place.rest.empty()) return "is blank; name a folder, file:/// or s3:// URI, or leave `storage` out";
    return std::nullopt;
  }
  if (place.scheme == "file") {
    const auto decoded = base::percent_decode(place.rest);
    if (!decoded || !decoded->starts_with('/')) return "must be file:///<absolute path>";
    return std::nullopt;
  }
  if (place.scheme != "s3") return "has an unknown scheme; use a path, file:/// or s3://";
  const auto location = objectstore::parse_s3_uri(std::string("s3://").append(place.rest));
  if (!location) return "is no bucket: " + location.error().message;
  return std::nullopt;
}

std::optional<StorageRoot> StorageRoot::open_path(const fs::path& path, Access access, Diagnostics& diagnostics) {
  std::error_code failed;
  fs::path absolute = fs::absolute(path, failed).lexically_normal();
  if (absolute.filename().empty() && absolute.has_parent_path()) absolute = absolute.parent_path();
  std::vector<fs::path> missing = missing_folders(absolute);
  const bool empty = access == Access::kRead && fs::status(absolute, failed).type() == fs::file_type::not_found;
  Result<std::shared_ptr<objectstore::ObjectStore>> store = objectstore::make_memory_store();
  if (!empty) {
    store =
        access == Access::kRead ? objectstore::open_local_store(absolute) : objectstore::create_local_store(absolute);
  }
  if (!store) {
    add_error(diagnostics, "storage_root_invalid", "storage", store.error().message);
    return std::nullopt;
  }
  std::string base = absolute.string();
  if (base.ends_with('/')) base.pop_back();  // the root folder
  StorageRoot root(std::move(*store), std::move(base));
  if (access == Access::kWrite) root.new_folders_ = std::move(missing);
  return root;
}

std::optional<StorageRoot> StorageRoot::open_uri(const std::string& uri, const fs::path& relative_to, Access access,
                                                 Diagnostics& diagnostics) {
  if (const auto problem = storage_problem(uri)) {
    add_error(diagnostics, "invalid_storage_root", "storage", "storage root '" + uri + "' " + *problem);
    return std::nullopt;
  }
  const Place place = place_of(uri);
  if (place.scheme.empty()) {
    const fs::path path(place.rest);
    return open_path(path.is_absolute() ? path : relative_to / path, access, diagnostics);
  }
  if (place.scheme == "file") return open_path(base::percent_decode(place.rest).value_or(""), access, diagnostics);
  const std::string text = std::string("s3://").append(place.rest);
  const auto location = objectstore::parse_s3_uri(text);
  auto store = objectstore::open_s3_store(text);
  if (!location || !store) {
    add_error(diagnostics, "storage_root_invalid", "storage", (location ? store.error() : location.error()).message);
    return std::nullopt;
  }
  return StorageRoot(std::move(*store), location->uri());
}

std::optional<StorageRoot> StorageRoot::open(const ClusterConfig& config, Access access, Diagnostics& diagnostics) {
  if (!config.storage) return open_path(config.directory, access, diagnostics);
  return open_uri(*config.storage, config.directory, access, diagnostics);
}

std::optional<StorageRoot> StorageRoot::open_for_serving(const std::string& source, Diagnostics& diagnostics) {
  constexpr Access kAccess = Access::kRead;
  if (source.find("://") != std::string::npos) return open_uri(source, fs::current_path(), kAccess, diagnostics);
  std::error_code failed;
  if (!fs::is_directory(source, failed)) {
    add_error(diagnostics, "config_dir_not_found", source, "'" + source + "' is not a directory");
    return std::nullopt;
  }
  if (!fs::exists(fs::path(source) / kConfigFile, failed)) return open_path(source, kAccess, diagnostics);
  const ClusterConfig config = read_config(source, diagnostics);
  if (has_errors(diagnostics)) return std::nullopt;
  return open(config, kAccess, diagnostics);
}

void StorageRoot::remove_new_folders() const {
  for (const fs::path& folder : new_folders_) {
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) return;  // in use by now
  }
}

std::string StorageRoot::location(std::string_view key) const { return base_ + "/" + std::string(key); }

std::string StorageRoot::graph_uri(std::string_view graph_id) const {
  return location("graphs/" + std::string(graph_id) + ".omni");
}

std::string StorageRoot::query_key(std::string_view graph, std::string_view name, std::string_view digest) {
  return "__cluster/resources/query/" + std::string(graph) + "/" + std::string(name) + "/" + std::string(digest) +
         ".gq";
}

std::string StorageRoot::policy_key(std::string_view name, std::string_view digest) {
  return "__cluster/resources/policy/" + std::string(name) + "/" + std::string(digest) + ".yaml";
}

void StorageRoot::name_paths(const ClusterConfig& config, StateObservations& seen) {
  Diagnostics ignored;
  const auto root = open(config, Access::kRead, ignored);
  if (!root) return;
  seen.state_path = root->location(kStateKey);
  seen.lock_path = root->location(kLockKey);
}

std::optional<Ledger> StorageRoot::read_state(StateObservations& seen, Diagnostics& diagnostics) const {
  seen.state_path = location(kStateKey);
  seen.lock_path = location(kLockKey);
  const auto bytes = store_->get(kStateKey);
  if (!bytes) {
    if (bytes.error().code == Code::kNotFound) return std::nullopt;
    add_error(diagnostics, "state_read_error", std::string(kStateKey), bytes.error().message);
    return std::nullopt;
  }
  seen.state_found = true;
  seen.state_cas = "sha256:" + base::sha256_hex(bytes->text());
  auto ledger = parse_ledger(bytes->text(), diagnostics);
  if (!ledger) return std::nullopt;
  seen.state_revision = ledger->state_revision;
  seen.applied_config_digest = ledger->config_digest;
  seen.resource_count = ledger->resources.size();
  return ledger;
}

bool StorageRoot::write_state(const Ledger& ledger, StateObservations& seen, Diagnostics& diagnostics) const {
  const std::string text = serialize_ledger(ledger);
  // The store's own tag stands for what was read only if it was asked for before the bytes are compared once more:
  // a ledger that changes in between then fails one of the two comparisons.
  std::string etag;
  if (seen.state_cas) {
    const auto info = store_->head(kStateKey);
    const auto current = store_->get(kStateKey);
    if (!current || !info || "sha256:" + base::sha256_hex(current->text()) != *seen.state_cas) {
      add_error(diagnostics, "state_cas_mismatch", std::string(kStateKey),
                "the ledger changed meanwhile; nothing was recorded, run the command again");
      return false;
    }
    etag = info->etag;
  }
  const auto outcome = store_->put_if_match(kStateKey, std::as_bytes(std::span(text)), etag);
  // An answer that was lost is no verdict: the bytes are.
  const bool arrived = !outcome && [&] {
    const auto stored = store_->get(kStateKey);
    return stored && stored->text() == text && store_->sync(kStateKey);
  }();
  if (!outcome && !arrived) {
    add_error(diagnostics, "state_write_error", std::string(kStateKey), outcome.error().message);
    return false;
  }
  if (outcome && *outcome == objectstore::MatchOutcome::kChanged) {
    add_error(diagnostics, "state_cas_mismatch", std::string(kStateKey),
              "the ledger changed meanwhile; nothing was recorded, run the command again");
    return false;
  }
  seen.state_found = true;
  seen.state_cas = "sha256:" + base::sha256_hex(text);
  seen.state_revision = ledger.state_revision;
  seen.applied_config_digest = ledger.config_digest;
  seen.resource_count = ledger.resources.size();
  return true;
}

}  // namespace omnigraph::cluster
