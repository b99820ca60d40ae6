#include "engine/graph.h"

#include "base/phase_clock.h"
#include "base/text.h"
#include "base/version.h"
#include "engine/graph_impl.h"
#include "engine/open_once.h"
#include "engine/query_types.h"
#include "engine/storage_uri.h"
#include "exec/mutate.h"
#include "graph/early_uploads.h"
#include "graph/layout.h"
#include "graph/open_once.h"
#include "graph/store_parts.h"
#include "graph/warm_tables.h"
#include "query/parameters.h"
#include "schema/parser.h"

namespace omnigraph::engine {

std::string_view load_mode_name(LoadMode mode) {
  switch (mode) {
    case LoadMode::kOverwrite: return "overwrite";
    case LoadMode::kAppend: return "append";
    case LoadMode::kMerge: return "merge";
  }
  return "";
}

std::optional<LoadMode> load_mode_of(std::string_view name) {
  for (const LoadMode mode : {LoadMode::kOverwrite, LoadMode::kAppend, LoadMode::kMerge}) {
    if (load_mode_name(mode) == name) return mode;
  }
  return std::nullopt;
}

CommitInfo commit_info(const graph::Commit& commit, const std::string& branch) {
  CommitInfo info;
  info.graph_commit_id = commit.id;
  if (branch != graph::kMainBranch) info.graph_branch = branch;
  info.graph_manifest_version = commit.version;
  if (!commit.parents.empty()) info.parent_commit_id = commit.parents[0];
  if (commit.parents.size() > 1) info.merged_parent_commit_id = commit.parents[1];
  info.actor_id = commit.actor;
  info.created_at = commit.at_us;
  return info;
}

namespace {

Error unfinished(const std::string& uri) {
  return not_found("no graph at '" + uri + "': its creation did not finish; run init (or cluster apply) again");
}

// The graph exists once main has a record; what an interrupted init left is none.
Result<std::shared_ptr<graph::GraphStore>> opened_once(std::shared_ptr<objectstore::ObjectStore> store,
                                                       const std::string& uri, std::string_view branch,
                                                       const OpenOptions& options) {
  auto opened = graph::open_once(std::move(store), branch, options.store);
  if (!opened) {
    Error error = std::move(opened).error();
    if (error.code == Code::kNotFound) error.message = "no graph at '" + uri + "'";
    return std::unexpected(std::move(error));
  }
  if (!opened->has_main) return std::unexpected(unfinished(uri));
  return std::move(opened->store);
}

}  // namespace

Result<std::shared_ptr<Graph>> Graph::init_on(std::shared_ptr<objectstore::ObjectStore> store, std::string uri,
                                              std::string_view schema_source, const OpenOptions& options) {
  OG_ASSIGN_OR_RETURN(auto opened,
                      graph::GraphStore::init(std::move(store), schema_source, std::nullopt, options.store));
  return std::make_shared<GraphImpl>(std::move(opened), std::move(uri), options);
}

Result<std::shared_ptr<Graph>> Graph::open_on(std::shared_ptr<objectstore::ObjectStore> store, std::string uri,
                                              const OpenOptions& options) {
  OG_ASSIGN_OR_RETURN(auto opened, opened_once(std::move(store), uri, graph::kMainBranch, options));
  // A damaged head is told at once, and the first operation finds it read.
  if (const auto head = opened->head(graph::kMainBranch); !head && head.error().code == Code::kNotFound) {
    return std::unexpected(unfinished(uri));
  }
  return std::make_shared<GraphImpl>(std::move(opened), std::move(uri), options);
}

Result<std::shared_ptr<Graph>> Graph::init(const std::string& uri, std::string_view schema_source,
                                           const std::optional<std::string>& actor, const OpenOptions& options) {
  // Before the folder is made: a bad schema leaves nothing behind.
  OG_RETURN_IF_ERROR(schema::parse_schema(schema_source));
  OG_ASSIGN_OR_RETURN(auto store, open_store(uri, OpenMode::kCreate));
  auto opened = graph::GraphStore::init(std::move(store), schema_source, actor, options.store);
  if (!opened) {
    Error error = std::move(opened).error();
    if (error.code == Code::kConflict) error.message = "a graph already exists at '" + uri + "'";
    return std::unexpected(std::move(error));
  }
  return std::make_shared<GraphImpl>(std::move(*opened), uri, options);
}

Result<std::shared_ptr<Graph>> Graph::open(const std::string& uri, const OpenOptions& options) {
  OG_ASSIGN_OR_RETURN(auto store, open_store(uri, OpenMode::kExisting));
  return open_on(std::move(store), uri, options);
}

Result<std::shared_ptr<Graph>> open_once(const std::string& uri, std::string_view branch) {
  OG_ASSIGN_OR_RETURN(auto store, open_store(uri, OpenMode::kExisting));
  return open_once_on(std::move(store), uri, branch);
}

Result<std::shared_ptr<Graph>> open_once_on(std::shared_ptr<objectstore::ObjectStore> store, const std::string& uri,
                                            std::string_view branch, const OpenOptions& options) {
  OG_ASSIGN_OR_RETURN(auto opened, opened_once(std::move(store), uri, branch, options));
  return std::make_shared<GraphImpl>(std::move(opened), uri, options);
}

std::int64_t GraphImpl::now_ms() const {
  const Clock& clock = options_.store.clock != nullptr ? *options_.store.clock : system_clock();
  return clock.now_us() / 1000;
}

Result<graph::SnapshotPtr> GraphImpl::head_of(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  return store_->head(name);
}

Result<std::shared_ptr<embed::TextEmbedder>> GraphImpl::embedder() {
  const std::lock_guard lock(embedder_mutex_);
  if (embedder_ == nullptr) {
    const embed::Environment environment = embed::process_environment();
    embed::ProviderConfig config;
    if (options_.embedding) {
      config = *options_.embedding;
    } else {
      OG_ASSIGN_OR_RETURN(config, embed::config_from_environment(environment));
    }
    OG_ASSIGN_OR_RETURN(embedder_, embed::make_text_embedder(config, embed::call_settings(environment)));
  }
  return embedder_;
}

std::shared_ptr<WriteVectors> GraphImpl::write_vectors() {
  if (!embed::embeds_on_write(embed::process_environment(), options_.embedding.has_value())) return nullptr;
  return std::make_shared<WriteVectors>([this] { return embedder(); });
}

Result<columnar::FloatVector> GraphImpl::embed_text(std::string_view text, std::uint32_t dimension,
                                                    std::string_view model, std::string_view property) {
  OG_ASSIGN_OR_RETURN(const std::shared_ptr<embed::TextEmbedder> provider, embedder());
  if (!model.empty() && provider->model() != model) {
    return std::unexpected(bad_request("nearest() on '" + std::string(property) + "': its vectors come from model '" +
                                       std::string(model) + "' but the resolved embedding model is '" +
                                       provider->model() + "'; set OMNIGRAPH_EMBED_MODEL to the recorded model"));
  }
  OG_ASSIGN_OR_RETURN(auto vectors, provider->embed({std::string(text)}, dimension, embed::Role::kQuery));
  return std::move(vectors.front());
}

Result<query::BoundQueryPtr> GraphImpl::compile(std::string_view source, std::string_view name,
                                                std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, head_of(branch));
  return queries_.compile(source, name, head->record().schema.digest, head->catalog());
}

Result<ReadAnswer> GraphImpl::query(std::string_view source, std::string_view name, std::string_view parameters,
                                    const ReadTarget& target) {
  if (target.branch && target.snapshot) {
    return std::unexpected(bad_request("request may specify branch or snapshot, not both"));
  }
  ReadAnswer answer;
  answer.target = target;
  graph::SnapshotPtr snapshot;
  if (target.snapshot) {
    OG_ASSIGN_OR_RETURN(snapshot, store_->at_commit(*target.snapshot));
  } else {
    OG_ASSIGN_OR_RETURN(answer.target.branch, graph::checked_branch_name(target.branch.value_or("main")));
    OG_ASSIGN_OR_RETURN(snapshot, store_->head(*answer.target.branch));
  }
  OG_ASSIGN_OR_RETURN(const query::BoundQueryPtr bound,
                      queries_.compile(source, name, snapshot->record().schema.digest, snapshot->catalog()));
  if (bound->is_mutation()) {
    return std::unexpected(bad_request(
        "query '" + bound->name + "' contains mutations (insert/update/delete); use POST /mutate for write queries"));
  }
  OG_ASSIGN_OR_RETURN(const auto values, query::read_parameters(*bound, parameters));
  exec::ReadContext context;
  context.now_ms = now_ms();
  context.embed = [this](std::string_view text, std::uint32_t dimension, std::string_view model,
                         std::string_view property) { return embed_text(text, dimension, model, property); };
  const base::PhaseClock::In execute(base::Phase::kExecute);
  graph::warm_tables(*snapshot, types_read(*bound));
  OG_ASSIGN_OR_RETURN(answer.result, exec::execute_read(*bound, values, *snapshot, context));
  answer.query_name = bound->name;
  answer.graph_commit_id = snapshot->commit_id();
  return answer;
}

Result<MutateAnswer> GraphImpl::mutate(std::string_view source, std::string_view name, std::string_view parameters,
                                       const MutateRequest& request) {
  graph::WriteOptions options;
  OG_ASSIGN_OR_RETURN(options.branch, graph::checked_branch_name(request.branch));
  options.actor = request.actor;
  options.if_head = request.if_commit;
  options.kind = graph::CommitKind::kMutate;

  MutateAnswer answer;
  exec::MutationCounts counts;
  exec::MutateContext context;
  context.now_ms = now_ms();
  ExternalBlobReader external_reader;  // for all attempts
  context.read_external = [&](std::string_view text) -> Result<Buffer> {
    OG_ASSIGN_OR_RETURN(const objectstore::BlobUri blob, external_blobs_.admit(text));
    return external_reader.read(blob);
  };
  const std::shared_ptr<WriteVectors> vectors = write_vectors();
  context.vectors = vectors;
  const base::PhaseClock::In execute(base::Phase::kExecute);
  const auto body = [&](graph::WriteTransaction& transaction) -> Result<void> {
    context.put_blob = [&](std::string_view key, std::span<const std::byte> bytes) {
      graph::note_upload(transaction, store_->parts().log->now());
      return store_->store().put(key, bytes);
    };
    const graph::Snapshot& base = *transaction.base();
    OG_ASSIGN_OR_RETURN(const query::BoundQueryPtr bound,
                        queries_.compile(source, name, base.record().schema.digest, base.catalog()));
    if (!bound->is_mutation()) {
      return std::unexpected(bad_request("query '" + bound->name + "' is a read; use POST /query for read queries"));
    }
    answer.query_name = bound->name;
    OG_ASSIGN_OR_RETURN(const auto values, query::read_parameters(*bound, parameters));
    graph::warm_tables(base, types_read(*bound));
    OG_ASSIGN_OR_RETURN(counts, exec::execute_mutation(*bound, values, transaction, context));
    return {};
  };
  OG_ASSIGN_OR_RETURN(const graph::WriteOutcome outcome, write_with_vectors(*store_, options, body, vectors));
  answer.branch = options.branch;
  answer.affected_nodes = counts.affected_nodes;
  answer.affected_edges = counts.affected_edges;
  answer.actor_id = request.actor;
  if (outcome.commit) answer.commit = commit_info(*outcome.commit, outcome.branch);
  return answer;
}

Result<SnapshotInfo> GraphImpl::snapshot(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, store_->head(name));
  SnapshotInfo info;
  info.graph_branch = name;
  info.graph_commit_id = head->commit_id();
  info.graph_manifest_version = head->version();
  info.internal_schema_version = base::kStorageFormat;
  // The map's order, edge: before node:, then by name, is the contract's.
  for (const auto& [key, entry] : head->record().tables) {
    DatasetInfo dataset;
    const std::size_t colon = key.find(':');
    dataset.entity_kind = key.substr(0, colon);
    dataset.type_name = key.substr(colon + 1);
    const auto kind = dataset.entity_kind == "edge" ? schema::EntityKind::kEdge : schema::EntityKind::kNode;
    dataset.dataset_path = graph::table_root(kind, dataset.type_name, entry.id);
    // A renamed type keeps the folder of its first name; the manifest key knows it.
    if (const std::size_t versions = entry.manifest.find("/_versions/"); versions != std::string::npos) {
      dataset.dataset_path = entry.manifest.substr(0, versions);
    }
    dataset.published_dataset_version = entry.head_version;
    if (entry.branch != graph::kMainBranch) dataset.native_dataset_branch = entry.branch;
    dataset.entity_count = entry.rows;
    dataset.lance_version = entry.version;
    info.datasets.push_back(std::move(dataset));
  }
  return info;
}

Result<std::string> GraphImpl::schema_source(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr head, head_of(branch));
  return head->schema_source();
}

Result<std::vector<CommitInfo>> GraphImpl::commits(std::string_view branch) {
  OG_ASSIGN_OR_RETURN(const std::string name, graph::checked_branch_name(branch));
  OG_ASSIGN_OR_RETURN(const auto logged, store_->commits(name));
  std::vector<CommitInfo> commits;
  commits.reserve(logged.size());
  for (const auto& entry : logged) commits.push_back(commit_info(entry.commit, entry.branch));
  return commits;
}

Result<CommitInfo> GraphImpl::commit(std::string_view id) {
  OG_ASSIGN_OR_RETURN(const auto logged, store_->commit(id));
  return commit_info(logged.commit, logged.branch);
}

Result<void> GraphImpl::create_branch(std::string_view name, std::string_view from) {
  OG_ASSIGN_OR_RETURN(const std::string branch, graph::checked_branch_name(name));
  OG_ASSIGN_OR_RETURN(const std::string source, graph::checked_branch_name(from));
  return store_->create_branch(branch, source);
}

Result<void> GraphImpl::delete_branch(std::string_view name) {
  OG_ASSIGN_OR_RETURN(const std::string branch, graph::checked_branch_name(name));
  return store_->delete_branch(branch);
}

}  // namespace omnigraph::engine
