#include "cluster/ledger_edit.h"

#include "base/clock.h"
#include "base/date_time.h"
#include "base/json_writer.h"
#include "cluster/approvals.h"
#include "cluster/operation_record.h"
#include "cluster/write_optional.h"

namespace omnigraph::cluster {

namespace {}  // namespace

std::string now_text() { return base::format_seconds(system_clock().now_us()); }

void bury_graph(Ledger& ledger, const std::string& graph_id, const std::optional<std::string>& approval_id,
                const std::optional<std::string>& actor) {
  const auto belongs = [&](const std::string& address) {
    return address == "graph." + graph_id || address == "schema." + graph_id ||
           address.starts_with("query." + graph_id + ".");
  };
  std::erase_if(ledger.resources, [&](const auto& entry) { return belongs(entry.first); });
  std::erase_if(ledger.statuses, [&](const auto& entry) { return belongs(entry.first); });
  std::string tombstone;
  base::JsonWriter json(tombstone);
  json.begin_object().key("kind").string("tombstone").key("deleted_at").string(now_text());
  write_optional(json, "approval_id", approval_id);
  write_optional(json, "actor", actor);
  json.end_object();
  ledger.observations["graph." + graph_id] = std::move(tombstone);
}

void consume_approval(Ledger& ledger, const std::optional<std::string>& approval_id, const std::string& operation) {
  if (approval_id) ledger.approval_records.emplace(*approval_id, consumption_json(now_text(), operation));
}

void note_recovery(Ledger& ledger, const OperationRecord& record, const std::optional<std::string>& actor) {
  std::string entry;
  base::JsonWriter json(entry);
  json.begin_object().key("kind").string(record.kind).key("graph_id").string(record.graph_id);
  json.key("outcome").string("rolled_forward").key("recovered_at").string(now_text());
  write_optional(json, "actor", actor);
  json.end_object();
  ledger.recovery_records[record.operation_id] = std::move(entry);
}

}  // namespace omnigraph::cluster
