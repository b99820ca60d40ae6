// The storage root of a cluster: where the ledger, the lock, the catalog and the graphs lie (chapter 06 sections 2, 5).
// Thread safety: methods may be called concurrently; the compare-and-swap decides between writers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/config.h"
#include "cluster/diagnostic.h"
#include "cluster/ledger.h"
#include "objectstore/object_store.h"

namespace omnigraph::cluster {

inline constexpr std::string_view kStateKey = "__cluster/state.json";
inline constexpr std::string_view kLockKey = "__cluster/lock.json";

// What a verb saw of ledger and lock (`state_observations`).
struct StateObservations {
  std::string state_path, lock_path;
  bool state_found = false;
  std::optional<std::string> applied_config_digest;
  std::uint64_t state_revision = 0;
  std::optional<std::string> state_cas;
  std::size_t resource_count = 0;
  bool locked = false;  // by somebody else
  std::optional<std::string> lock_id;
  bool lock_acquired = false;
  std::optional<std::string> acquired_lock_id, lock_operation, lock_created_at;
  std::optional<std::int64_t> lock_pid;
  std::optional<std::int64_t> lock_age_seconds;
};

// kRead makes no folder: a local root that is not there reads as an empty one, and must not be written.
enum class Access { kRead, kWrite };

// Why `storage` (as written in cluster.yaml) names no root; nullopt: it does.
[[nodiscard]] std::optional<std::string> storage_problem(const std::string& storage);

class StorageRoot {
 public:
  // The root that `config.storage` names; absent: the config directory. nullopt: refused, with diagnostics.
  [[nodiscard]] static std::optional<StorageRoot> open(const ClusterConfig& config, Access access,
                                                       Diagnostics& diagnostics);
  // A directory (its cluster.yaml's `storage` is honoured when there is one) or a root URI, as servers take it. Reads.
  [[nodiscard]] static std::optional<StorageRoot> open_for_serving(const std::string& source, Diagnostics& diagnostics);

  [[nodiscard]] objectstore::ObjectStore& store() const { return *store_; }
  [[nodiscard]] std::string location(std::string_view key) const;  // absolute path or URI
  [[nodiscard]] std::string graph_uri(std::string_view graph_id) const;
  [[nodiscard]] static std::string query_key(std::string_view graph, std::string_view name, std::string_view digest);
  [[nodiscard]] static std::string policy_key(std::string_view name, std::string_view digest);

  // Where ledger and lock of `config` lie, for reports of verbs that stop before they look; empty where there is no
  // root.
  static void name_paths(const ClusterConfig& config, StateObservations& seen);
  // Ledger and its CAS. Fills `seen`; nullopt with an error diagnostic (unreadable), or without (no ledger yet).
  [[nodiscard]] std::optional<Ledger> read_state(StateObservations& seen, Diagnostics& diagnostics) const;
  // Replaces the ledger if it still is what `seen` saw; updates `seen`. False: `state_cas_mismatch` or
  // `state_write_error`.
  [[nodiscard]] bool write_state(const Ledger& ledger, StateObservations& seen, Diagnostics& diagnostics) const;
  // Lock metadata of a foreign lock into `seen`; a malformed lock is a warning.
  void observe_lock(StateObservations& seen, Diagnostics& diagnostics) const;
  // Removes the folders that opening this root and locking it made, as far as they are empty.
  void remove_new_folders() const;

 private:
  StorageRoot(std::shared_ptr<objectstore::ObjectStore> store, std::string base)
      : store_(std::move(store)), base_(std::move(base)) {}
  static std::optional<StorageRoot> open_path(const std::filesystem::path& path, Access access,
                                              Diagnostics& diagnostics);
  static std::optional<StorageRoot> open_uri(const std::string& uri, const std::filesystem::path& relative_to,
                                             Access access, Diagnostics& diagnostics);

  std::shared_ptr<objectstore::ObjectStore> store_;
  std::string base_;                                // absolute path or s3:// URI, without '/' at the end
  std::vector<std::filesystem::path> new_folders_;  // that were not there before, innermost first
};

// Holds `__cluster/lock.json` while it lives. A process that is interrupted releases it through release_all_locks().
class StateLock {
 public:
  // nullopt: held by another (`state_lock_held`) or `state_lock_error`. With locking off: a lock that does nothing, and
  // the warning `state_lock_disabled`.
  [[nodiscard]] static std::optional<StateLock> acquire(const StorageRoot& root, bool enabled,
                                                        std::string_view operation, StateObservations& seen,
                                                        Diagnostics& diagnostics);
  ~StateLock();
  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&&) = delete;

 private:
  StateLock(const StorageRoot& root, std::string id);
  std::optional<StorageRoot> root_;
  std::string id_;  // empty: nothing held
};

// For signal handling on the way out of the process; removes the locks this process still owns.
void release_all_locks();

// `force-unlock`: removes the lock if its id is `lock_id`. False with a diagnostic otherwise.
[[nodiscard]] bool force_unlock(const StorageRoot& root, const std::string& lock_id, StateObservations& seen,
                                Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
