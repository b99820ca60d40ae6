// The Graph class itself, shared by the files that implement its parts.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "embed/text_embedder.h"
#include "engine/changes.h"
#include "engine/external_blobs.h"
#include "engine/graph.h"
#include "engine/query_cache.h"
#include "engine/write_vectors.h"

namespace omnigraph::engine {

[[nodiscard]] CommitInfo commit_info(const graph::Commit& commit, const std::string& branch);

class GraphImpl final : public Graph {
 public:
  GraphImpl(std::shared_ptr<graph::GraphStore> store, std::string uri, OpenOptions options)
      : store_(std::move(store)),
        uri_(std::move(uri)),
        options_(std::move(options)),
        external_blobs_(options_.external_blob_bases),
        changes_(*store_) {}

  const std::string& uri() const override { return uri_; }
  Result<ReadAnswer> query(std::string_view source, std::string_view name, std::string_view parameters,
                           const ReadTarget& target) override;
  Result<MutateAnswer> mutate(std::string_view source, std::string_view name, std::string_view parameters,
                              const MutateRequest& request) override;
  Result<query::BoundQueryPtr> compile(std::string_view source, std::string_view name,
                                       std::string_view branch) override;
  Result<LoadAnswer> load(const ByteSource& source, const LoadRequest& request) override;
  Result<void> check_export(std::string_view branch, const std::vector<std::string>& types) override;
  Result<void> export_rows(std::string_view branch, const std::vector<std::string>& types,
                           const TextSink& sink) override;
  Result<SnapshotInfo> snapshot(std::string_view branch) override;
  Result<std::string> schema_source(std::string_view branch) override;
  Result<SchemaPlanAnswer> plan_schema(std::string_view source, const SchemaOptions& options) override;
  Result<SchemaApplyAnswer> apply_schema(std::string_view source, const SchemaOptions& options) override;
  Result<std::vector<CommitInfo>> commits(std::string_view branch) override;
  Result<CommitInfo> commit(std::string_view id) override;
  Result<std::vector<std::string>> branches() override { return store_->branches(); }
  Result<void> create_branch(std::string_view name, std::string_view from) override;
  Result<void> delete_branch(std::string_view name) override;
  Changes& changes() { return changes_; }
  graph::GraphStore& storage() override { return *store_; }

 private:
  [[nodiscard]] Result<graph::SnapshotPtr> head_of(std::string_view branch);
  // The provider of the options or of the environment; made at the first text.
  [[nodiscard]] Result<std::shared_ptr<embed::TextEmbedder>> embedder();
  // For one write; null where writes compute no vectors.
  [[nodiscard]] std::shared_ptr<WriteVectors> write_vectors();
  // Query text to a vector.
  [[nodiscard]] Result<columnar::FloatVector> embed_text(std::string_view text, std::uint32_t dimension,
                                                         std::string_view model, std::string_view property);
  [[nodiscard]] std::int64_t now_ms() const;

  const std::shared_ptr<graph::GraphStore> store_;
  const std::string uri_;
  const OpenOptions options_;
  const ExternalBlobs external_blobs_;
  Changes changes_;
  QueryCache queries_;
  std::mutex embedder_mutex_;
  std::shared_ptr<embed::TextEmbedder> embedder_;  // guarded by embedder_mutex_
};

}  // namespace omnigraph::engine
