#include "cluster/graph_work.h"

#include "base/file.h"
#include "base/ulid.h"
#include "cluster/graph_root.h"
#include "cluster/ledger_edit.h"
#include "engine/schema_change.h"

namespace omnigraph::cluster {

// The schema file is read again: what was validated is what is applied.
Result<void> GraphWork::check_schema_unmoved(const std::string& graph_id) {
  const DeclaredGraph& graph = declaration_.graphs.at(graph_id);
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(graph.schema_file));
  if (text == graph.schema_source) return {};
  add_error(diagnostics_, "resource_content_changed", "schema." + graph_id,
            "'" + graph.schema_file.string() + "' changed during apply; run it again");
  return std::unexpected(bad_request("'" + graph.schema_file.string() + "' changed during apply"));
}

Result<OperationRecord> GraphWork::begin(const Change& change, const char* kind, std::optional<std::uint64_t> observed,
                                         std::optional<std::uint64_t> expected) {
  OperationRecord record;
  record.operation_id = base::new_ulid();
  record.started_at = now_text();
  record.actor = options_.actor;
  record.kind = kind;
  record.graph_id = graph_of(change.resource);
  record.graph_uri = root_.graph_uri(record.graph_id);
  record.observed_manifest_version = observed;
  record.expected_manifest_version = expected;
  if (change.operation != Operation::kDelete) {
    record.desired_schema_digest = declaration_.graphs.at(record.graph_id).schema_digest;
  }
  record.state_cas_base = options_.state_cas;
  record.approval_id = change.approval_id;
  if (write_operation_record(root_, record, diagnostics_)) return record;
  return std::unexpected(internal_error("the operation record could not be written, so the graph was not touched"));
}

void GraphWork::finish(const OperationRecord& record, const Change& change) {
  finished_.push_back({record.operation_id, record.graph_id, change.operation, change.approval_id});
}

Result<void> GraphWork::create(const Change& change) {
  const std::string id = graph_of(change.resource);
  OG_RETURN_IF_ERROR(check_schema_unmoved(id));
  const DeclaredGraph& graph = declaration_.graphs.at(id);
  const std::string uri = root_.graph_uri(id);
  OG_ASSIGN_OR_RETURN(const OperationRecord record, begin(change, "graph_create", std::nullopt, 1));
  if (auto created = engine::Graph::init(uri, graph.schema_source, options_.actor); !created) {
    // A graph of this very schema is what an earlier, unrecorded create left: nothing is overwritten by taking it.
    const auto live = read_live_schema(uri);
    if (!live || !*live || (*live)->digest != graph.schema_digest) {
      // Only a clear answer ends the operation; an unclear one is settled by the next apply.
      if (live && *live) remove_operation_record(root_, record.operation_id);
      return std::unexpected(std::move(created).error());
    }
  }
  finish(record, change);
  return {};
}

Result<void> GraphWork::update_schema(Change& change) {
  const std::string id = graph_of(change.resource);
  OG_RETURN_IF_ERROR(check_schema_unmoved(id));
  const DeclaredGraph& graph = declaration_.graphs.at(id);
  const std::string uri = root_.graph_uri(id);
  OG_ASSIGN_OR_RETURN(const auto before, read_live_schema(uri));
  if (!before) {
    return std::unexpected(
        not_found("there is no graph at '" + uri + "'; run `omnigraph cluster refresh` to record that"));
  }
  if (before->digest != graph.schema_digest && before->digest != change.before_digest &&
      declaration_.config.drift() != DriftMode::kConverge) {
    return std::unexpected(conflict(
        "the live schema of graph '" + id +
        "' is not the recorded one: it was changed outside the cluster; run `omnigraph cluster refresh`, then plan"));
  }
  OG_ASSIGN_OR_RETURN(const OperationRecord record,
                      begin(change, "schema_apply", before->version, before->version + 1));
  const engine::SchemaOptions options{
      .allow_validated = options_.allow_validated, .file = graph.schema_file.string(), .actor = options_.actor};
  const auto migrate = [&]() -> Result<engine::SchemaApplyAnswer> {
    OG_ASSIGN_OR_RETURN(const auto opened, engine::Graph::open(uri));
    return opened->apply_schema(graph.schema_source, options);
  };
  auto migrated = migrate();
  if (!migrated) {
    const auto after = read_live_schema(uri);
    if (after && *after && (*after)->digest == before->digest) remove_operation_record(root_, record.operation_id);
    return std::unexpected(std::move(migrated).error());
  }
  change.migration = Migration{true, std::move(migrated->steps)};
  finish(record, change);
  return {};
}

Result<void> GraphWork::remove(const Change& change) {
  const std::string id = graph_of(change.resource);
  std::optional<std::uint64_t> version;
  // It may not open, and goes all the same.
  if (const auto live = read_live_schema(root_.graph_uri(id)); live && *live) version = (*live)->version;
  OG_ASSIGN_OR_RETURN(const OperationRecord record, begin(change, "graph_delete", version, std::nullopt));
  OG_RETURN_IF_ERROR(remove_graph_root(root_, id));
  finish(record, change);
  return {};
}

}  // namespace omnigraph::cluster
