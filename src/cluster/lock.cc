// The ledger's lock: created if absent, removed by its owner or by `force-unlock` (chapter 06 section 5).

#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/clock.h"
#include "base/date_time.h"
#include "base/json_writer.h"
#include "base/ulid.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

namespace {

struct LockFile {
  std::string lock_id, operation, created_at;
  std::int64_t pid = 0;
};

std::mutex held_mutex;
std::vector<std::pair<StorageRoot, std::string>> held_locks;  // guarded by held_mutex

enum class LockProblem { kNone, kInvalid, kUnsupportedVersion };

LockProblem parse_lock(std::string_view text, LockFile& lock, std::string& detail) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.is_object() && json.contains("version") && json["version"] != 1) {
      detail = "lock version " + json["version"].dump() + " is not supported by this build";
      return LockProblem::kUnsupportedVersion;
    }
    if (!json.is_object() || json.size() != 5 || !json.contains("version")) {
      detail = "the lock must hold exactly version, lock_id, operation, created_at and pid";
      return LockProblem::kInvalid;
    }
    lock.lock_id = json.at("lock_id").get<std::string>();
    lock.operation = json.at("operation").get<std::string>();
    lock.created_at = json.at("created_at").get<std::string>();
    lock.pid = json.at("pid").get<std::int64_t>();
    return LockProblem::kNone;
  } catch (const nlohmann::json::exception& error) {
    detail = error.what();
    return LockProblem::kInvalid;
  }
}

std::string lock_text(const LockFile& lock) {
  std::string text;
  base::JsonWriter json(text, 2);
  json.begin_object().key("version").integer(1).key("lock_id").string(lock.lock_id);
  json.key("operation").string(lock.operation).key("created_at").string(lock.created_at);
  json.key("pid").integer(lock.pid).end_object();
  text.push_back('\n');
  return text;
}

void describe_lock(const LockFile& lock, StateObservations& seen) {
  seen.lock_id = lock.lock_id;
  seen.lock_operation = lock.operation;
  seen.lock_created_at = lock.created_at;
  seen.lock_pid = lock.pid;
  if (const auto created = base::parse_date_time(lock.created_at)) {
    seen.lock_age_seconds = std::max<std::int64_t>(0, (system_clock().now_us() / 1000 - *created) / 1000);
  }
}

// Removes the lock if it still is ours.
void release(const StorageRoot& root, const std::string& id) {
  const auto bytes = root.store().get(kLockKey);
  LockFile lock;
  std::string detail;
  if (!bytes || parse_lock(bytes->text(), lock, detail) != LockProblem::kNone || lock.lock_id != id) return;
  (void)root.store().remove(kLockKey);
  root.remove_new_folders();
}

}  // namespace

void StorageRoot::observe_lock(StateObservations& seen, Diagnostics& diagnostics) const {
  const auto bytes = store_->get(kLockKey);
  if (!bytes) {
    if (bytes.error().code != Code::kNotFound) {
      add_warning(diagnostics, "state_lock_read_error", std::string(kLockKey), bytes.error().message);
    }
    return;
  }
  seen.locked = true;
  LockFile lock;
  std::string detail;
  const LockProblem problem = parse_lock(bytes->text(), lock, detail);
  if (problem == LockProblem::kNone) {
    describe_lock(lock, seen);
  } else {
    add_warning(diagnostics, problem == LockProblem::kInvalid ? "invalid_state_lock" : "unsupported_state_lock_version",
                std::string(kLockKey), detail);
  }
}

StateLock::StateLock(const StorageRoot& root, std::string id) : root_(root), id_(std::move(id)) {}

StateLock::StateLock(StateLock&& other) noexcept : root_(std::move(other.root_)), id_(std::move(other.id_)) {
  other.root_.reset();
}

StateLock::~StateLock() {
  if (!root_) return;
  if (id_.empty()) {
    root_->remove_new_folders();
    return;
  }
  release(*root_, id_);
  const std::lock_guard guard(held_mutex);
  std::erase_if(held_locks, [&](const auto& held) { return held.second == id_; });
}

std::optional<StateLock> StateLock::acquire(const StorageRoot& root, bool enabled, std::string_view operation,
                                            StateObservations& seen, Diagnostics& diagnostics) {
  if (!enabled) {
    add_warning(diagnostics, "state_lock_disabled", "state.lock", "locking is off; make sure that nobody else applies");
    return StateLock(root, "");
  }
  const LockFile lock{base::new_ulid(), std::string(operation), base::format_seconds(system_clock().now_us()),
                      getpid()};
  const std::string text = lock_text(lock);
  const auto outcome = root.store().put_if_absent(kLockKey, std::as_bytes(std::span(text)));
  if (!outcome) {
    release(root, lock.lock_id);  // it may have been created all the same
    add_error(diagnostics, "state_lock_error", std::string(kLockKey), outcome.error().message);
    return std::nullopt;
  }
  if (*outcome == objectstore::PutOutcome::kCreated) {
    seen.lock_acquired = true;
    seen.acquired_lock_id = lock.lock_id;
    const std::lock_guard guard(held_mutex);
    held_locks.emplace_back(root, lock.lock_id);
    return StateLock(root, lock.lock_id);
  }
  root.observe_lock(seen, diagnostics);
  const std::string id = seen.lock_id.value_or("<id>");
  add_error(diagnostics, "state_lock_held", std::string(kLockKey),
            "another operation holds the lock (id " + id + (seen.lock_operation ? ", " + *seen.lock_operation : "") +
                "); wait for it, or if it is dead run: omnigraph cluster force-unlock " + id);
  return std::nullopt;
}

void release_all_locks() {
  std::vector<std::pair<StorageRoot, std::string>> locks;
  {
    const std::lock_guard guard(held_mutex);
    locks.swap(held_locks);
  }
  for (const auto& [root, id] : locks) release(root, id);
}

bool force_unlock(const StorageRoot& root, const std::string& lock_id, StateObservations& seen,
                  Diagnostics& diagnostics) {
  const std::string path(kLockKey);
  const auto bytes = root.store().get(kLockKey);
  if (!bytes) {
    const bool missing = bytes.error().code == Code::kNotFound;
    add_error(diagnostics, missing ? "state_lock_missing" : "state_lock_read_error", path,
              missing ? "there is no lock" : bytes.error().message);
    return false;
  }
  LockFile lock;
  std::string detail;
  const LockProblem problem = parse_lock(bytes->text(), lock, detail);
  if (problem != LockProblem::kNone) {
    add_error(diagnostics, problem == LockProblem::kInvalid ? "invalid_state_lock" : "unsupported_state_lock_version",
              path, detail + "; if nobody is at work, remove '" + root.location(kLockKey) + "' by hand");
    return false;
  }
  describe_lock(lock, seen);
  if (lock.lock_id != lock_id) {
    add_error(diagnostics, "state_lock_id_mismatch", path,
              "the lock's id is '" + lock.lock_id + "', not '" + lock_id + "'");
    return false;
  }
  if (const auto removed = root.store().remove(kLockKey); !removed) {
    add_error(diagnostics, "state_lock_error", path, removed.error().message);
    return false;
  }
  return true;
}

}  // namespace omnigraph::cluster
