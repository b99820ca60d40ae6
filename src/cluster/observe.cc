// import and refresh: what is really there goes into the ledger (chapter 06 section 10).

#include "base/clock.h"
#include "base/date_time.h"
#include "base/json_writer.h"
#include "cluster/catalog_blobs.h"
#include "cluster/operation_record.h"
#include "cluster/verbs.h"

namespace omnigraph::cluster {

namespace {

std::string observation_json(const StorageRoot& root, const std::string& id, bool exists,
                             const std::optional<std::uint64_t>& version, const std::optional<std::string>& digest,
                             const std::string& desired, const std::optional<std::string>& error) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("kind").string("graph").key("address").string("graph." + id);
  json.key("graph_uri").string(root.graph_uri(id));
  json.key("observed_at").string(base::format_seconds(system_clock().now_us())).key("exists").boolean(exists);
  json.key("graph_manifest_version");
  if (version) {
    json.unsigned_integer(*version);
  } else {
    json.null();
  }
  json.key("schema_digest").string_or_null(digest.value_or(""), digest.has_value());
  json.key("desired_schema_digest").string(desired).key("schema_matches_desired");
  if (digest) {
    json.boolean(*digest == desired);
  } else {
    json.null();
  }
  json.key("error").string_or_null(error.value_or(""), error.has_value()).end_object();
  return text;
}

void set_graph_status(Ledger& ledger, const std::string& id, const ResourceStatus& status) {
  ledger.statuses["graph." + id] = status;
  ledger.statuses["schema." + id] = status;
}

void observe_graph(const StorageRoot& root, const std::string& id, const DeclaredGraph& graph, Ledger& ledger,
                   Diagnostics& diagnostics) {
  const std::string address = "graph." + id;
  std::optional<std::uint64_t> version;
  const auto live = live_schema_digest(root.graph_uri(id), &version);
  if (!live) {
    ledger.observations[address] =
        observation_json(root, id, true, std::nullopt, std::nullopt, graph.schema_digest, live.error().message);
    set_graph_status(ledger, id, {"error", {"graph_observation_error"}, live.error().message});
    add_error(diagnostics, "graph_observation_error", "graphs",
              "'" + root.graph_uri(id) + "' does not open: " + live.error().message);
    return;
  }
  const bool recorded = ledger.resources.contains("schema." + id);
  std::string observation = observation_json(root, id, live->has_value(), version, *live, graph.schema_digest, std::nullopt);
  if (!*live) {
    const auto before = ledger.observations.find(address);
    const bool previously = recorded || (before != ledger.observations.end() &&
                                         before->second.find("\"previously_applied\":true") != std::string::npos);
    if (previously) observation.insert(observation.size() - 1, ",\"previously_applied\":true");
    ledger.observations[address] = observation;
    ledger.resources.erase(address);
    ledger.resources.erase("schema." + id);
    set_graph_status(ledger, id, {"drifted", {"graph_missing"}, {}});
    return;
  }
  ledger.observations[address] = observation;
  ledger.resources["schema." + id].digest = **live;
  ledger.resources.try_emplace(address);
  const bool matches = **live == graph.schema_digest;
  set_graph_status(ledger, id, matches ? ResourceStatus{"applied", {}, {}}
                                       : ResourceStatus{"drifted", {"schema_mismatch"}, {}});
}

void observe_blobs(const StorageRoot& root, Ledger& ledger, Diagnostics& diagnostics) {
  for (const BlobFinding& finding : check_catalog_blobs(root, ledger)) {
    diagnostics.push_back(finding.diagnostic);
    const bool unreadable = finding.condition == "payload_read_error";
    ledger.statuses[finding.address] = {unreadable ? "error" : "drifted", {finding.condition}, {}};
    if (!unreadable) ledger.resources.erase(finding.address);
  }
}

StateReport observe(const std::filesystem::path& directory, bool first) {
  StateReport report;
  const Declaration declaration = read_declaration(directory);
  report.diagnostics = declaration.diagnostics;
  if (!report.ok()) return report;
  const auto root = StorageRoot::open(declaration.config, report.diagnostics);
  if (!root) return report;
  const auto lock = StateLock::acquire(*root, declaration.config.locking(), first ? "import" : "refresh", report.state,
                                       report.diagnostics);
  auto recorded = root->read_state(report.state, report.diagnostics);
  if (!lock || !report.ok()) return report;
  if (first && report.state.state_found) {
    add_error(report.diagnostics, "state_already_exists", std::string(kStateKey),
              "a ledger exists; use `omnigraph cluster refresh`");
    return report;
  }
  if (!first && !recorded) {
    add_error(report.diagnostics, "state_missing", std::string(kStateKey),
              "there is no ledger; run `omnigraph cluster import` first");
    return report;
  }
  Ledger ledger = recorded.value_or(Ledger{});
  if (!first) check_composites(ledger, report.diagnostics);
  if (!report.ok()) return report;
  const Settled settled = settle_operation_records(*root, ledger, std::nullopt, report.diagnostics);
  observe_blobs(*root, ledger, report.diagnostics);
  for (const auto& [id, graph] : declaration.graphs) observe_graph(*root, id, graph, ledger, report.diagnostics);
  ledger.recompute_composites();
  if (first && diff(declaration, ledger, {}).empty()) ledger.config_digest = declaration.config_digest;
  ledger.state_revision += 1;
  // An import with errors records nothing; a refresh keeps what it saw.
  if (first && !report.ok()) return report;
  if (root->write_state(ledger, report.state, report.diagnostics)) {
    for (const std::string& id : settled.finished) remove_operation_record(*root, id);
  }
  report.resource_digests = ledger.digests();
  report.resource_statuses = ledger.statuses;
  report.observations = ledger.observations;
  return report;
}

}  // namespace

StateReport import_state(const std::filesystem::path& directory) { return observe(directory, true); }
StateReport refresh(const std::filesystem::path& directory) { return observe(directory, false); }

}  // namespace omnigraph::cluster
