// Loads: parse once, write with as many attempts as it takes (chapter 03 section 2).

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/warning.h"
#include "engine/graph_impl.h"
#include "engine/load_external.h"
#include "engine/load_input.h"
#include "engine/load_parser.h"
#include "graph/early_uploads.h"
#include "graph/layout.h"
#include "graph/new_file_indexes.h"
#include "graph/store_indexes.h"
#include "graph/store_parts.h"

namespace omnigraph::engine {

namespace {

void hand_over(const ParsedLoad& parsed, LoadMode mode, const std::shared_ptr<WriteVectors>& vectors,
               graph::WriteTransaction& transaction) {
  const auto put_mode = mode == LoadMode::kAppend ? graph::PutMode::kAppend : graph::PutMode::kMerge;
  for (const auto& [type, rows] : parsed.types) {
    if (mode == LoadMode::kOverwrite) transaction.replace_all(type);
    const auto fill = fill_of(*transaction.base()->catalog(), type, vectors);
    for (const ParsedRows& part : rows.parts) {
      graph::put_filled(transaction, part.rows, mode == LoadMode::kOverwrite ? graph::PutMode::kAppend : put_mode,
                        part.generated_ids, fill);
    }
  }
}

void count_types(const ParsedLoad& parsed, const schema::Catalog& catalog, LoadAnswer& answer) {
  // TypeRefs are ordered by kind, then index; indexes follow the names.
  for (const auto& [type, rows] : parsed.types) {
    auto& list = type.kind == schema::EntityKind::kNode ? answer.nodes : answer.edges;
    list.push_back({catalog.name_of(type), rows.entity_count});
    answer.total_entities += rows.entity_count;
  }
}

// What was left when the files were written (graph/new_file_indexes.h), less what only fuzzy() would use.
Result<void> index_left(graph::GraphStore& store, const std::string& commit_id, const graph::FileIndexing& indexing) {
  const graph::FileIndexing::Files left = indexing.left();
  if (left.empty()) return {};
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr after, store.at_commit(commit_id));
  for (const auto& [type, paths] : left) {
    OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, after->table(type));
    OG_RETURN_IF_ERROR(
        graph::store_indexes(store.store(), *after->catalog(), *table, {.only = paths, .with_words = false}));
  }
  return {};
}

Result<LoadAnswer> load_once(graph::GraphStore& store, LoadInput& input, const LoadRequest& request,
                             const std::shared_ptr<WriteVectors>& vectors, const ExternalBlobs& external) {
  LoadAnswer answer;
  OG_ASSIGN_OR_RETURN(answer.branch, graph::checked_branch_name(request.branch));
  if (request.from) {
    OG_ASSIGN_OR_RETURN(answer.base_branch, graph::checked_branch_name(*request.from));
  }
  answer.mode = request.mode;
  answer.actor_id = request.actor;
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr judge, input.judge(store, answer.branch, answer.base_branch));

  LoadParseOptions parse;
  parse.parser = request.parser;
  parse.key_orders = key_orders_of(judge->record().schema);
  parse.progress = request.progress;
  std::optional<graph::Moment> uploads_since;
  parse.put_blob = [&](std::string_view key, std::span<const std::byte> bytes) {
    if (!uploads_since) uploads_since = store.parts().log->now();
    return store.store().put(key, bytes);
  };
  parse.rejects = request.rejects;
  parse.external_blobs = external;
  OG_ASSIGN_OR_RETURN(ParsedLoad parsed, parse_load(input.from_the_beginning(), *judge->catalog(), parse));
  const bool overwrites = request.mode == LoadMode::kOverwrite;
  OG_RETURN_IF_ERROR(
      take_in_external(parsed, *judge->catalog(), parse, overwrites ? ExternalCells::kKept : ExternalCells::kCopied));
  count_types(parsed, *judge->catalog(), answer);
  if (request.rejects) answer.rejects = std::move(parsed.rejected);

  graph::WriteOptions options;
  options.branch = answer.branch;
  options.actor = request.actor;
  options.kind = graph::CommitKind::kLoad;
  options.fork_from = answer.base_branch;
  options.commit_when_empty = true;
  const std::string& digest = judge->record().schema.digest;
  const auto indexing = std::make_shared<graph::FileIndexing>();
  const auto body = [&](graph::WriteTransaction& transaction) -> Result<void> {
    // The staged columns follow the schema they were parsed with, the ids its key orders.
    const graph::RecordSchema& now = transaction.base()->record().schema;
    if (now.digest != digest || key_orders_of(now) != parse.key_orders) {
      return std::unexpected(
          conflict("the schema of branch '" + answer.branch + "' changed during the load; run it again"));
    }
    graph::index_files(transaction, indexing);
    if (uploads_since) graph::note_upload(transaction, *uploads_since);
    hand_over(parsed, request.mode, vectors, transaction);
    return {};
  };
  OG_ASSIGN_OR_RETURN(const graph::WriteOutcome outcome, write_with_vectors(store, options, body, vectors));
  answer.branch_created = outcome.branch_created;
  if (!outcome.commit) return answer;
  answer.commit = commit_info(*outcome.commit, outcome.branch);
  // The rows are committed, and nothing depends on their indexes.
  if (const auto indexed = index_left(store, outcome.commit->id, *indexing); !indexed) {
    base::warn("index_not_stored",
               "the load is committed, but not all its indexes are there until `omnigraph optimize`: " +
                   indexed.error().message);
  }
  return answer;
}

}  // namespace

Result<LoadAnswer> GraphImpl::load(const ByteSource& source, const LoadRequest& request) {
  LoadInput input(source);
  const std::shared_ptr<WriteVectors> vectors = write_vectors();
  while (true) {
    Result<LoadAnswer> answer = load_once(*store_, input, request, vectors, external_blobs_);
    if (answer) return answer;
    const Result<bool> misjudged = input.misjudged();
    if (!misjudged || !*misjudged) return answer;
  }
}

}  // namespace omnigraph::engine
