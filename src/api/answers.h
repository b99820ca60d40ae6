// Wire shapes: engine results as the JSON that the CLI prints and the server sends (chapters 03, 05, 07).
// Every function appends one JSON value through the writer (compact or pretty as the writer was made).
// Thread safety: free functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "engine/graph.h"
#include "engine/tables.h"
#include "query/lint.h"

namespace omnigraph::api {

using base::JsonWriter;

void write_commit(JsonWriter& json, const engine::CommitInfo& commit);
void write_commits(JsonWriter& json, const std::vector<engine::CommitInfo>& commits);  // {"commits":[..]}
void write_snapshot(JsonWriter& json, const engine::SnapshotInfo& snapshot);

void write_tables(JsonWriter& json, const std::vector<engine::TableInfo>& tables);  // {"tables":[..]}

struct ReadShape {
  bool with_commit_id = true;        // /read omits graph_commit_id
  std::uint64_t text_bytes_max = 0;  // 0: none
};
void write_read_answer(JsonWriter& json, const engine::ReadAnswer& answer, const ReadShape& shape = {});
// The same, compact, without a JsonWriter in the inner loop: for servers. False: it stopped, as the text has become
// larger than `text_bytes_max`.
bool append_read_answer(std::string& out, const engine::ReadAnswer& answer, const ReadShape& shape = {});
// One row as a compact object; of two columns with one key the last one counts.
void append_row(std::string& out, const exec::ReadResult& result, std::int64_t row);
void write_mutate_answer(JsonWriter& json, const engine::MutateAnswer& answer);

// Which of the three shapes of chapter 03 section 2.6.
enum class LoadShape { kNdjsonRoute, kBufferedRoute, kCliLoad, kCliIngest };
// `rejected`, and for the route the records themselves as `rejects`, only where the load put records aside.
void write_load_answer(JsonWriter& json, const engine::LoadAnswer& answer, std::string_view uri, LoadShape shape);

// {"line", "message", "text"}
void write_rejected_record(JsonWriter& json, const engine::RejectedRecord& record);

// {"error", "code"?, <detail>?}
void write_error(JsonWriter& json, const Error& error);
[[nodiscard]] std::string error_body(const Error& error);

void write_lint(JsonWriter& json, const query::LintReport& report, std::string_view query_path,
                std::string_view schema_source_kind, std::string_view schema_source);
void write_operation(JsonWriter& json, const query::Operation& operation);

// One entry of GET /queries and of `queries list`.
void write_catalog_entry(JsonWriter& json, const query::BoundQuery& query, std::string_view name);

}  // namespace omnigraph::api
