// import and refresh: what is really there goes into the ledger (chapter 06 section 10).

#include "base/json_writer.h"
#include "cluster/catalog_blobs.h"
#include "cluster/graph_root.h"
#include "cluster/ledger_edit.h"
#include "cluster/leftovers.h"
#include "cluster/operation_record.h"
#include "cluster/verbs.h"

namespace omnigraph::cluster {

namespace {

// `error` set: the root does not open. Else `live` is what is there, nullopt: nothing.
std::string observation_json(const StorageRoot& root, const std::string& id, const std::string& desired,
                             const std::optional<LiveSchema>& live, const std::optional<std::string>& error) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object().key("kind").string("graph").key("address").string("graph." + id);
  json.key("graph_uri").string(root.graph_uri(id)).key("observed_at").string(now_text());
  json.key("exists").boolean(live || error);
  if (live) {
    json.key("graph_manifest_version").unsigned_integer(live->version).key("schema_digest").string(live->digest);
    json.key("desired_schema_digest").string(desired).key("schema_matches_desired").boolean(live->digest == desired);
  } else {
    json.key("graph_manifest_version").null().key("schema_digest").null();
    json.key("desired_schema_digest").string(desired).key("schema_matches_desired").null();
  }
  json.key("error").string_or_null(error.value_or(""), error.has_value()).end_object();
  return text;
}

class Observer {
 public:
  Observer(const std::filesystem::path& directory, bool first)
      : first_(first), declaration_(read_declaration(directory)) {
    report_.diagnostics = declaration_.diagnostics;
    StorageRoot::name_paths(declaration_.config, report_.state);
  }

  StateReport run() {
    if (!report_.ok()) return std::move(report_);
    root_ = StorageRoot::open(declaration_.config, Access::kWrite, report_.diagnostics);
    if (!root_) return std::move(report_);
    const auto lock = StateLock::acquire(*root_, declaration_.config.locking(), first_ ? "import" : "refresh",
                                         report_.state, report_.diagnostics);
    auto recorded = root_->read_state(report_.state, report_.diagnostics);
    if (lock && report_.ok() && begin(std::move(recorded))) observe();
    return std::move(report_);
  }

 private:
  bool begin(std::optional<Ledger> recorded) {
    if (first_ && recorded) {
      add_error(report_.diagnostics, "state_already_exists", std::string(kStateKey),
                "a ledger exists; use `omnigraph cluster refresh`");
      return false;
    }
    if (!first_ && !recorded) {
      add_error(report_.diagnostics, "state_missing", std::string(kStateKey),
                "there is no ledger; run `omnigraph cluster import` first");
      return false;
    }
    if (recorded) ledger_ = std::move(*recorded);
    check_composites(ledger_, report_.diagnostics);
    return report_.ok();
  }

  void observe() {
    remove_leftovers(*root_, report_.diagnostics);
    approvals_ = ApprovalBook::read(*root_, report_.diagnostics);
    if (first_) ledger_.approval_records = approvals_.consumed_records();
    settled_ = settle_operation_records(*root_, ledger_, std::nullopt, report_.diagnostics);
    observe_blobs();
    for (const auto& [id, graph] : declaration_.graphs) observe_graph(id, graph);
    ledger_.recompute_composites();
    if (first_ && differences(declaration_, ledger_).empty()) ledger_.config_digest = declaration_.config_digest;
    ledger_.state_revision += 1;
    // An import with errors records nothing; a refresh keeps what it saw.
    if (first_ && !report_.ok()) return;
    if (!root_->write_state(ledger_, report_.state, report_.diagnostics)) return;
    for (const std::string& name : settled_.finished) remove_operation_record(*root_, name);
    approvals_.mark_consumed(*root_, ledger_);
    report_.resource_digests = ledger_.digests();
    report_.resource_statuses = ledger_.statuses;
    report_.observations = ledger_.observations;
  }

  void observe_blobs() {
    for (const BlobFinding& finding : check_catalog_blobs(*root_, ledger_)) {
      report_.diagnostics.push_back(finding.diagnostic);
      const bool unreadable = finding.condition == "payload_read_error";
      ledger_.statuses[finding.address] = {unreadable ? "error" : "drifted", {finding.condition}, {}};
      if (!unreadable) ledger_.resources.erase(finding.address);
    }
  }

  void set_status(const std::string& id, const ResourceStatus& status) {
    ledger_.statuses["graph." + id] = status;
    ledger_.statuses["schema." + id] = status;
  }

  void observe_graph(const std::string& id, const DeclaredGraph& graph) {
    const std::string address = "graph." + id;
    const auto live = read_live_schema(root_->graph_uri(id));
    if (!live) {
      ledger_.observations[address] =
          observation_json(*root_, id, graph.schema_digest, std::nullopt, live.error().message);
      set_status(id, {"error", {"graph_observation_error"}, live.error().message});
      add_error(report_.diagnostics, "graph_observation_error", "graphs",
                "'" + root_->graph_uri(id) + "' does not open: " + live.error().message);
      return;
    }
    std::string observation = observation_json(*root_, id, graph.schema_digest, *live, std::nullopt);
    if (!*live) {
      if (previously_applied(*root_, ledger_, id))
        observation.insert(observation.size() - 1, ",\"previously_applied\":true");
      ledger_.observations[address] = std::move(observation);
      ledger_.resources.erase(address);
      ledger_.resources.erase("schema." + id);
      set_status(id, {"drifted", {"graph_missing"}, {}});
      return;
    }
    ledger_.observations[address] = std::move(observation);
    ledger_.resources["schema." + id].digest = (*live)->digest;
    ledger_.resources.try_emplace(address);
    if ((*live)->digest == graph.schema_digest) {
      set_status(id, {"applied", {}, {}});
      return;
    }
    std::vector<std::string> conditions = {"schema_mismatch"};
    if (settled_.in_recovery.contains(id)) conditions.insert(conditions.begin(), "actual_applied_state_pending");
    set_status(id, {"drifted", std::move(conditions), {}});
  }

  const bool first_;
  const Declaration declaration_;
  StateReport report_;
  std::optional<StorageRoot> root_;
  Ledger ledger_;
  ApprovalBook approvals_;
  Settled settled_;
};

}  // namespace

StateReport import_state(const std::filesystem::path& directory) { return Observer(directory, true).run(); }
StateReport refresh(const std::filesystem::path& directory) { return Observer(directory, false).run(); }

}  // namespace omnigraph::cluster
