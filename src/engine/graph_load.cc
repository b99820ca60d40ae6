// Loads: parse once, write with as many attempts as it takes (chapter 03 section 2).

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/task_pool.h"
#include "base/warning.h"
#include "engine/graph_impl.h"
#include "engine/load_input.h"
#include "engine/load_parser.h"
#include "graph/layout.h"
#include "graph/store_indexes.h"

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

// Data files of a snapshot, by type, that a load of many rows might be taken to have written.
using FilesByType = std::map<schema::TypeRef, std::set<std::string>>;

Result<void> note_files(const graph::Snapshot& snapshot, const ParsedLoad& parsed, FilesByType& files) {
  files.clear();
  for (const auto& [type, rows] : parsed.types) {
    if (rows.entity_count < graph::kLoadIndexedRowsMin) continue;
    OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, snapshot.table(type));
    std::set<std::string>& known = files[type];
    for (const lance::Fragment& fragment : table->manifest().fragments) {
      for (const lance::DataFileEntry& file : fragment.files) known.insert(file.path);
    }
  }
  return {};
}

// Indexes of the large files that the load wrote (chapter 04 section 4), less what only fuzzy() would use.
Result<void> index_loaded(graph::GraphStore& store, const std::string& commit_id, const FilesByType& before) {
  if (before.empty()) return {};
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr after, store.at_commit(commit_id));
  const std::vector<std::pair<schema::TypeRef, std::set<std::string>>> types(before.begin(), before.end());
  std::vector<Result<void>> stored(types.size());
  base::TaskPool::shared().parallel_for(types.size(), [&](std::size_t i) {
    const auto& [type, known] = types[i];
    stored[i] = [&]() -> Result<void> {
      OG_ASSIGN_OR_RETURN(const graph::TableViewPtr table, after->table(type));
      return graph::store_indexes(store.store(), *after->catalog(), *table,
                                  {.rows_min = graph::kLoadIndexedRowsMin, .known = known, .with_words = false});
    }();
  });
  for (const Result<void>& each : stored) OG_RETURN_IF_ERROR(each);
  return {};
}

Result<LoadAnswer> load_once(graph::GraphStore& store, LoadInput& input, const LoadRequest& request,
                             const std::shared_ptr<WriteVectors>& vectors) {
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
  parse.put_blob = [&](std::string_view key, std::span<const std::byte> bytes) {
    return store.store().put(key, bytes);
  };
  parse.rejects = request.rejects;
  OG_ASSIGN_OR_RETURN(ParsedLoad parsed, parse_load(input.from_the_beginning(), *judge->catalog(), parse));
  count_types(parsed, *judge->catalog(), answer);
  if (request.rejects) answer.rejects = std::move(parsed.rejected);

  graph::WriteOptions options;
  options.branch = answer.branch;
  options.actor = request.actor;
  options.kind = graph::CommitKind::kLoad;
  options.fork_from = answer.base_branch;
  options.commit_when_empty = true;
  const std::string& digest = judge->record().schema.digest;
  FilesByType files_before;
  const auto body = [&](graph::WriteTransaction& transaction) -> Result<void> {
    // The staged columns follow the schema they were parsed with, the ids its key orders.
    const graph::RecordSchema& now = transaction.base()->record().schema;
    if (now.digest != digest || key_orders_of(now) != parse.key_orders) {
      return std::unexpected(
          conflict("the schema of branch '" + answer.branch + "' changed during the load; run it again"));
    }
    OG_RETURN_IF_ERROR(note_files(*transaction.base(), parsed, files_before));
    hand_over(parsed, request.mode, vectors, transaction);
    return {};
  };
  OG_ASSIGN_OR_RETURN(const graph::WriteOutcome outcome, write_with_vectors(store, options, body, vectors));
  answer.branch_created = outcome.branch_created;
  if (!outcome.commit) return answer;
  answer.commit = commit_info(*outcome.commit, outcome.branch);
  // The rows are committed, and nothing depends on their indexes.
  if (const auto indexed = index_loaded(store, outcome.commit->id, files_before); !indexed) {
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
    Result<LoadAnswer> answer = load_once(*store_, input, request, vectors);
    if (answer) return answer;
    const Result<bool> misjudged = input.misjudged();
    if (!misjudged || !*misjudged) return answer;
  }
}

}  // namespace omnigraph::engine
