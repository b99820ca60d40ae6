#include "cluster/root.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "objectstore/s3_store.h"

namespace omnigraph::cluster {

namespace fs = std::filesystem;

std::optional<StorageRoot> StorageRoot::open_path(const fs::path& path, Diagnostics& diagnostics) {
  std::error_code failed;
  fs::path absolute = fs::absolute(path, failed).lexically_normal();
  if (absolute.filename().empty() && absolute.has_parent_path()) absolute = absolute.parent_path();
  auto store = objectstore::create_local_store(absolute);
  if (!store) {
    add_error(diagnostics, "storage_root_invalid", "storage", store.error().message);
    return std::nullopt;
  }
  std::string base = absolute.string();
  if (base.ends_with('/')) base.pop_back();  // the root folder
  return StorageRoot(std::move(*store), std::move(base));
}

std::optional<StorageRoot> StorageRoot::open_uri(const std::string& uri, const fs::path& relative_to,
                                                 Diagnostics& diagnostics) {
  const auto refuse = [&](const std::string& why) -> std::optional<StorageRoot> {
    add_error(diagnostics, "invalid_storage_root", "storage", "storage root '" + uri + "' " + why);
    return std::nullopt;
  };
  std::string text(base::trim_ascii(uri));
  if (text.empty()) return refuse("is blank");
  const std::size_t colon = text.find("://");
  if (colon == std::string::npos) {
    const fs::path path(text);
    return open_path(path.is_absolute() ? path : relative_to / path, diagnostics);
  }
  const std::string scheme = text.substr(0, colon);
  const std::string rest = text.substr(colon + 3);
  if (scheme == "file") {
    const auto decoded = base::percent_decode(rest);
    if (!decoded || !decoded->starts_with('/')) return refuse("must be file:///<absolute path>");
    return open_path(*decoded, diagnostics);
  }
  if (scheme != "s3") return refuse("has an unknown scheme; use a path, file:/// or s3://");
  const auto location = objectstore::parse_s3_uri(text);
  if (!location) {
    add_error(diagnostics, "invalid_storage_root", "storage", "storage root " + location.error().message);
    return std::nullopt;
  }
  auto store = objectstore::open_s3_store(text);
  if (!store) {
    add_error(diagnostics, "storage_root_invalid", "storage", store.error().message);
    return std::nullopt;
  }
  return StorageRoot(std::move(*store), location->uri());
}

std::optional<StorageRoot> StorageRoot::open(const ClusterConfig& config, Diagnostics& diagnostics) {
  if (!config.storage) return open_path(config.directory, diagnostics);
  return open_uri(*config.storage, config.directory, diagnostics);
}

std::optional<StorageRoot> StorageRoot::open_for_serving(const std::string& source, Diagnostics& diagnostics) {
  if (source.find("://") != std::string::npos) return open_uri(source, fs::current_path(), diagnostics);
  std::error_code failed;
  if (!fs::is_directory(source, failed)) {
    add_error(diagnostics, "config_dir_not_found", source, "'" + source + "' is not a directory");
    return std::nullopt;
  }
  if (!fs::exists(fs::path(source) / kConfigFile, failed)) return open_path(source, diagnostics);
  const ClusterConfig config = read_config(source, diagnostics);
  if (has_errors(diagnostics)) return std::nullopt;
  return open(config, diagnostics);
}

std::string StorageRoot::location(std::string_view key) const { return base_ + "/" + std::string(key); }

std::string StorageRoot::graph_uri(std::string_view graph_id) const {
  return location("graphs/" + std::string(graph_id) + ".omni");
}

std::string StorageRoot::query_key(std::string_view graph, std::string_view name, std::string_view digest) {
  return "__cluster/resources/query/" + std::string(graph) + "/" + std::string(name) + "/" + std::string(digest) + ".gq";
}

std::string StorageRoot::policy_key(std::string_view name, std::string_view digest) {
  return "__cluster/resources/policy/" + std::string(name) + "/" + std::string(digest) + ".yaml";
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
  if (!outcome) {
    add_error(diagnostics, "state_write_error", std::string(kStateKey), outcome.error().message);
    return false;
  }
  if (*outcome == objectstore::MatchOutcome::kChanged) {
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
