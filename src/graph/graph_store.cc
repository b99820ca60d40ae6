#include <array>

#include "base/ulid.h"
#include "graph/branches.h"
#include "graph/genesis.h"
#include "graph/history.h"
#include "graph/layout.h"
#include "graph/open_once.h"
#include "graph/parallel_io.h"
#include "graph/schema_change.h"
#include "graph/store.h"
#include "graph/store_parts.h"
#include "graph/write_loop.h"
#include "schema/parser.h"

namespace omnigraph::graph {
namespace {

class GraphStoreImpl final : public GraphStore {
 public:
  GraphStoreImpl(std::shared_ptr<objectstore::ObjectStore> store, const GraphFile& file, const StoreOptions& options)
      : parts_(std::move(store), file, options), writes_(parts_), branches_(parts_), history_(parts_) {}

  Result<SnapshotPtr> head(std::string_view branch) override {
    OG_ASSIGN_OR_RETURN(const std::string name, checked_branch_name(branch));
    OG_ASSIGN_OR_RETURN(const Head found, parts_.log->confirmed_head(name));
    if (!found.live()) return std::unexpected(branch_not_found(name));
    return parts_.snapshots->at_head(found.record);
  }

  Result<SnapshotPtr> at_commit(std::string_view commit_id) override {
    OG_ASSIGN_OR_RETURN(const FoundCommit found, history_.find(commit_id));
    OG_ASSIGN_OR_RETURN(SnapshotPtr snapshot, parts_.snapshots->at_commit(found.record, found.index));
    if (found.record->record.branch != kMainBranch) return snapshot;
    OG_ASSIGN_OR_RETURN(const Head main, parts_.log->recent_head(kMainBranch));
    return main.live() ? without_purged(std::move(snapshot), parts_.log, main.record->record) : snapshot;
  }

  Result<WriteOutcome> write(const WriteOptions& options, const WriteBody& body) override {
    return writes_.write(options, body);
  }

  Result<std::vector<std::string>> branches() override {
    OG_ASSIGN_OR_RETURN(const std::vector<Branches::Live> live, branches_.live());
    std::vector<std::string> names;
    for (const Branches::Live& branch : live) names.push_back(branch.name);
    return names;
  }
  Result<void> create_branch(std::string_view name, std::string_view from) override {
    return branches_.create(name, from);
  }
  Result<void> delete_branch(std::string_view name) override { return branches_.remove(name); }

  Result<std::vector<LoggedCommit>> commits(std::string_view branch) override { return history_.commits(branch); }
  Result<LoggedCommit> commit(std::string_view commit_id) override {
    OG_ASSIGN_OR_RETURN(const FoundCommit found, history_.find(commit_id));
    return LoggedCommit{found.record->record.commits[found.index], found.record->record.branch};
  }

  const std::string& graph_id() const override { return parts_.file.graph_id; }
  objectstore::ObjectStore& store() override { return *parts_.store; }
  StoreParts& parts() override { return parts_; }
  void drain() override { parts_.background.drain(); }

 private:
  StoreParts parts_;
  WriteLoop writes_;
  Branches branches_;
  History history_;
};

Result<GraphFile> existing_graph_file(objectstore::ObjectStore& store) {
  Result<GraphFile> file = read_graph_file(store);
  if (!file && file.error().code == Code::kNotFound) {
    return std::unexpected(
        not_found("there is no graph here (graph.json is missing); create one with `omnigraph init`"));
  }
  return file;
}

}  // namespace

Result<std::shared_ptr<GraphStore>> GraphStore::init(std::shared_ptr<objectstore::ObjectStore> store,
                                                     std::string_view schema_source, std::optional<std::string> actor,
                                                     const StoreOptions& options) {
  OG_ASSIGN_OR_RETURN(std::shared_ptr<const schema::Catalog> catalog, schema::parse_schema(schema_source));
  auto schema = std::make_shared<const LoadedSchema>(LoadedSchema{std::string(schema_source), std::move(catalog)});
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  // A file without a log belongs to an init that did not get to its commit: taken over as it is.
  OG_ASSIGN_OR_RETURN(const GraphFile file, create_graph_file(*store, {.graph_id = base::new_ulid(clock),
                                                                       .created_at_us = clock.now_us(),
                                                                       .exclusive_writer = options.exclusive_writer}));
  auto graph = std::make_shared<GraphStoreImpl>(std::move(store), file, options);
  OG_RETURN_IF_ERROR(publish_genesis(graph->parts(), schema, actor));
  return graph;
}

Result<std::shared_ptr<GraphStore>> GraphStore::open(std::shared_ptr<objectstore::ObjectStore> store,
                                                     const StoreOptions& options) {
  OG_ASSIGN_OR_RETURN(const GraphFile file, existing_graph_file(*store));
  return std::make_shared<GraphStoreImpl>(std::move(store), file, options);
}

Result<OpenedOnce> open_once(std::shared_ptr<objectstore::ObjectStore> store, std::string_view branch,
                             const StoreOptions& options) {
  // A name that is none is refused by the operation itself.
  const std::string other = checked_branch_name(branch).value_or(std::string(kMainBranch));
  const std::array<std::string, 2> branches = {std::string(kMainBranch), other};
  const Moment sent = moment_of(options.clock != nullptr ? *options.clock : system_clock());
  GraphFile file;
  std::array<objectstore::Listing, 2> newest;
  OG_RETURN_IF_ERROR(parallel_io(other == kMainBranch ? 2 : 3, [&](std::size_t i) -> Result<void> {
    if (i == 0) {
      OG_ASSIGN_OR_RETURN(file, existing_graph_file(*store));
    } else {
      OG_ASSIGN_OR_RETURN(newest[i - 1], store->list(log_prefix(branches[i - 1]), {.start_after = {}, .limit = 1}));
    }
    return {};
  }));
  auto graph = std::make_shared<GraphStoreImpl>(std::move(store), file, options);
  for (std::size_t i = 0; i < newest.size(); ++i) {
    if (newest[i].objects.empty()) continue;
    const auto seq = seq_of_record_key(newest[i].objects.front().key);
    if (seq) graph->parts().log->note_listed(branches[i], *seq, sent);
  }
  return OpenedOnce{std::move(graph), !newest[0].objects.empty()};
}

}  // namespace omnigraph::graph
