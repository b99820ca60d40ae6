// Edits of the ledger that several verbs make in the same way. Thread safety: free functions over values.
#pragma once

#include <optional>
#include <string>

#include "cluster/ledger.h"

namespace omnigraph::cluster {

struct OperationRecord;

[[nodiscard]] std::string now_text();  // 2026-01-02T03:04:05Z

// A graph that is gone because an approved delete removed it: entries and statuses go, a tombstone stays.
void bury_graph(Ledger& ledger, const std::string& graph_id, const std::optional<std::string>& approval_id,
                const std::optional<std::string>& actor);
// `approval_id` is used up by `operation`.
void consume_approval(Ledger& ledger, const std::optional<std::string>& approval_id, const std::string& operation);
// The entry of `recovery_records` for an interrupted operation whose outcome the ledger now holds.
void note_recovery(Ledger& ledger, const OperationRecord& record, const std::optional<std::string>& actor);

}  // namespace omnigraph::cluster
