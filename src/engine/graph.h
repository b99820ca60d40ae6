// One graph: the one door to the database for every front end. Results are data; front ends render them.
// Thread safety: all methods may be called concurrently. Errors carry wire codes (chapter 07 section 5).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "embed/provider.h"
#include "engine/load_rejects.h"
#include "exec/read.h"
#include "graph/store.h"
#include "query/bound_query.h"

namespace omnigraph::engine {

struct CommitInfo {  // chapter 03 section 5.2
  std::string graph_commit_id;
  std::optional<std::string> graph_branch;  // nullopt = main
  std::uint64_t graph_manifest_version = 1;
  std::optional<std::string> parent_commit_id;
  std::optional<std::string> merged_parent_commit_id;
  std::optional<std::string> actor_id;
  std::int64_t created_at = 0;  // Unix microseconds
};

// What a read addresses: at most one of the two; neither = main.
struct ReadTarget {
  std::optional<std::string> branch;
  std::optional<std::string> snapshot;
};

struct ReadAnswer {
  std::string query_name;
  ReadTarget target;  // `branch` filled in when neither was asked for
  exec::ReadResult result;
  std::string graph_commit_id;
};

struct MutateAnswer {
  std::string branch;
  std::string query_name;
  std::uint64_t affected_nodes = 0;
  std::uint64_t affected_edges = 0;
  std::optional<std::string> actor_id;
  std::optional<CommitInfo> commit;
};

enum class LoadMode : std::uint8_t { kOverwrite, kAppend, kMerge };
enum class LoadParser : std::uint8_t { kStrict, kPermissive };
[[nodiscard]] std::string_view load_mode_name(LoadMode mode);
[[nodiscard]] std::optional<LoadMode> load_mode_of(std::string_view name);

struct LoadRequest {
  LoadMode mode = LoadMode::kMerge;
  LoadParser parser = LoadParser::kStrict;
  std::string branch = "main";
  std::optional<std::string> from;
  std::optional<std::string> actor;
  std::function<void(std::uint64_t bytes_read, std::uint64_t records)> progress{};
  std::optional<LoadRejects> rejects{};  // bad records are put aside; else the first one refuses the load
};

struct LoadedType {
  std::string name;
  std::uint64_t entities_loaded = 0;
};

struct LoadAnswer {
  std::string branch;
  std::optional<std::string> base_branch;
  bool branch_created = false;
  LoadMode mode = LoadMode::kMerge;
  std::vector<LoadedType> nodes, edges;  // sorted by name
  std::uint64_t total_entities = 0;
  std::optional<std::vector<RejectedRecord>> rejects;  // in input order, where they were asked for
  std::optional<std::string> actor_id;
  std::optional<CommitInfo> commit;
};

// Input of a load: fills `out` with the next bytes and returns how many; 0 = end. Called from one thread at a time.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte> out)>;

struct DatasetInfo {
  std::string entity_kind, type_name, dataset_path;
  std::uint64_t published_dataset_version = 0;
  std::optional<std::string> native_dataset_branch;
  std::uint64_t entity_count = 0;
  std::uint64_t lance_version = 0;
};

struct SnapshotInfo {
  std::string graph_branch;
  std::string graph_commit_id;
  std::uint64_t graph_manifest_version = 1;
  int internal_schema_version = 1;
  std::vector<DatasetInfo> datasets;  // edges first, then by name
};

struct MutateRequest {
  std::string branch = "main";
  std::optional<std::string> actor;
  std::optional<std::string> if_commit;
};

struct OpenOptions {
  graph::StoreOptions store;
  // Embedding provider of the graph's applied profile; unset: from the environment (chapter 04 section 5.1).
  std::optional<embed::ProviderConfig> embedding;
  // s3:// bases below which rows may name Blobs (engine/external_blobs.h); none: such rows are refused.
  std::vector<std::string> external_blob_bases{};
};

// engine/schema_change.h
struct SchemaOptions;
struct SchemaPlanAnswer;
struct SchemaApplyAnswer;

class Graph {
 public:
  virtual ~Graph() = default;

  // `uri`: a local path or file:// URI of the graph root (s3:// where the store supports it).
  [[nodiscard]] static Result<std::shared_ptr<Graph>> init(const std::string& uri, std::string_view schema_source,
                                                           const std::optional<std::string>& actor,
                                                           const OpenOptions& options = {});
  [[nodiscard]] static Result<std::shared_ptr<Graph>> open(const std::string& uri, const OpenOptions& options = {});
  // On a store of the caller's (tests).
  [[nodiscard]] static Result<std::shared_ptr<Graph>> init_on(std::shared_ptr<objectstore::ObjectStore> store,
                                                              std::string uri, std::string_view schema_source,
                                                              const OpenOptions& options = {});
  [[nodiscard]] static Result<std::shared_ptr<Graph>> open_on(std::shared_ptr<objectstore::ObjectStore> store,
                                                              std::string uri, const OpenOptions& options = {});

  [[nodiscard]] virtual const std::string& uri() const = 0;

  // `source`: a .gq text; `name` picks a query (empty: the only one). `parameters`: a JSON object or empty.
  // Compiled queries are cached by (source, name, schema).
  [[nodiscard]] virtual Result<ReadAnswer> query(std::string_view source, std::string_view name,
                                                 std::string_view parameters, const ReadTarget& target) = 0;
  [[nodiscard]] virtual Result<MutateAnswer> mutate(std::string_view source, std::string_view name,
                                                    std::string_view parameters, const MutateRequest& request) = 0;
  // Compiles against the schema of `branch`'s head.
  [[nodiscard]] virtual Result<query::BoundQueryPtr> compile(std::string_view source, std::string_view name,
                                                             std::string_view branch) = 0;

  [[nodiscard]] virtual Result<LoadAnswer> load(const ByteSource& source, const LoadRequest& request) = 0;
  // Writes NDJSON in pieces of about 64 KiB (chapter 03 section 3). `types` empty = all. All checks precede the first
  // call of `sink`.
  using TextSink = std::function<Result<void>(std::string_view)>;
  // The checks of export_rows alone: the branch exists and the types are known.
  [[nodiscard]] virtual Result<void> check_export(std::string_view branch, const std::vector<std::string>& types) = 0;
  [[nodiscard]] virtual Result<void> export_rows(std::string_view branch, const std::vector<std::string>& types,
                                                 const TextSink& sink) = 0;

  [[nodiscard]] virtual Result<SnapshotInfo> snapshot(std::string_view branch) = 0;
  [[nodiscard]] virtual Result<std::string> schema_source(std::string_view branch) = 0;
  // From main's schema to `source`, a .pg text (chapter 01 section 8); the answers are in engine/schema_change.h.
  [[nodiscard]] virtual Result<SchemaPlanAnswer> plan_schema(std::string_view source, const SchemaOptions& options) = 0;
  [[nodiscard]] virtual Result<SchemaApplyAnswer> apply_schema(std::string_view source,
                                                               const SchemaOptions& options) = 0;
  [[nodiscard]] virtual Result<std::vector<CommitInfo>> commits(std::string_view branch) = 0;
  [[nodiscard]] virtual Result<CommitInfo> commit(std::string_view id) = 0;

  [[nodiscard]] virtual Result<std::vector<std::string>> branches() = 0;
  [[nodiscard]] virtual Result<void> create_branch(std::string_view name, std::string_view from) = 0;
  [[nodiscard]] virtual Result<void> delete_branch(std::string_view name) = 0;

  [[nodiscard]] virtual graph::GraphStore& storage() = 0;
};

}  // namespace omnigraph::engine
