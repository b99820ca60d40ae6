// `cluster plan --out F` and `cluster apply --plan F` (chapter 13 section 4): what was reviewed is what is applied.
// Thread safety: free functions over values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "cluster/declaration.h"
#include "cluster/root.h"

namespace omnigraph::cluster {

// The parts of a plan's JSON that say what it was made for.
struct SavedPlan {
  std::optional<std::string> state_cas;
  std::optional<std::string> config_digest;
  std::map<std::string, std::string> resource_digests;
};

// nullopt with `plan_read_error` or `invalid_plan_file`, also for the JSON of a plan that failed.
[[nodiscard]] std::optional<SavedPlan> read_saved_plan(const std::filesystem::path& file, Diagnostics& diagnostics);

// `plan_stale` for whatever moved since: the ledger, each file, the config itself.
void check_saved_plan(const SavedPlan& plan, const Declaration& declaration, const StateObservations& state,
                      Diagnostics& diagnostics);

}  // namespace omnigraph::cluster
