#include "cluster/saved_plan.h"

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace omnigraph::cluster {

namespace {

using Json = nlohmann::ordered_json;

std::optional<std::string> text_at(const Json& object, const char* key) {
  if (!object.contains(key) || object[key].is_null()) return std::nullopt;
  return object[key].get<std::string>();
}

std::string digest_of(const std::map<std::string, std::string>& digests, const std::string& address) {
  const auto at = digests.find(address);
  return at == digests.end() ? std::string() : at->second;
}

}  // namespace

std::optional<SavedPlan> read_saved_plan(const std::filesystem::path& file, Diagnostics& diagnostics) {
  const auto text = base::read_file(file);
  if (!text) {
    add_error(diagnostics, "plan_read_error", file.string(), text.error().message);
    return std::nullopt;
  }
  std::string problem = "it is the plan of a run that failed";
  try {
    const Json json = Json::parse(*text);
    SavedPlan plan;
    plan.state_cas = text_at(json.at("state_observations"), "state_cas");
    plan.config_digest = text_at(json.at("desired_revision"), "config_digest");
    plan.resource_digests = json.at("resource_digests").get<std::map<std::string, std::string>>();
    if (json.at("ok").get<bool>()) return plan;
  } catch (const nlohmann::json::exception& error) {
    problem = error.what();
  }
  add_error(diagnostics, "invalid_plan_file", file.string(),
            problem + "; write one with `omnigraph cluster plan --out " + file.string() + "`");
  return std::nullopt;
}

void check_saved_plan(const SavedPlan& plan, const Declaration& declaration, const StateObservations& state,
                      Diagnostics& diagnostics) {
  const std::string remedy = " since the plan was made; plan again and review it";
  bool files_moved = false;
  auto addresses = declaration.digests();
  const auto declared = addresses;
  addresses.insert(plan.resource_digests.begin(), plan.resource_digests.end());
  for (const auto& [address, ignored] : addresses) {
    if (digest_of(declared, address) == digest_of(plan.resource_digests, address)) continue;
    files_moved = true;
    add_error(diagnostics, "plan_stale", address, address + " changed" + remedy);
  }
  if (!files_moved && plan.config_digest != declaration.config_digest) {
    add_error(diagnostics, "plan_stale", kConfigFile, std::string(kConfigFile) + " changed" + remedy);
  }
  if (plan.state_cas != state.state_cas) {
    add_error(diagnostics, "plan_stale", std::string(kStateKey),
              "the ledger moved (it is at revision " + std::to_string(state.state_revision) + ")" + remedy);
  }
}

}  // namespace omnigraph::cluster
