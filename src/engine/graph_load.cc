// Loads: parse once, write with as many attempts as it takes (chapter 03 section 2).

#include "engine/graph_impl.h"
#include "engine/load_parser.h"
#include "graph/layout.h"

namespace omnigraph::engine {

namespace {

// The snapshot whose schema judges the input: the branch's head, or that of `from` when the branch is still missing.
Result<graph::SnapshotPtr> schema_source_of(graph::GraphStore& store, const std::string& branch,
                                            const std::optional<std::string>& from) {
  auto head = store.head(branch);
  if (head || head.error().code != Code::kNotFound) return head;
  if (!from) {
    return std::unexpected(not_found("branch '" + branch + "' not found; pass `from` to create it"));
  }
  return store.head(*from);
}

void hand_over(const ParsedLoad& parsed, LoadMode mode, graph::WriteTransaction& transaction) {
  const auto put_mode = mode == LoadMode::kAppend ? graph::PutMode::kAppend : graph::PutMode::kMerge;
  for (const auto& [type, rows] : parsed.types) {
    if (mode == LoadMode::kOverwrite) transaction.replace_all(type);
    for (const ParsedRows& part : rows.parts) {
      transaction.put(part.rows, mode == LoadMode::kOverwrite ? graph::PutMode::kAppend : put_mode, part.generated_ids);
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

}  // namespace

Result<LoadAnswer> GraphImpl::load(const ByteSource& source, const LoadRequest& request) {
  LoadAnswer answer;
  OG_ASSIGN_OR_RETURN(answer.branch, graph::checked_branch_name(request.branch));
  if (request.from) {
    OG_ASSIGN_OR_RETURN(answer.base_branch, graph::checked_branch_name(*request.from));
  }
  answer.mode = request.mode;
  answer.actor_id = request.actor;
  OG_ASSIGN_OR_RETURN(const graph::SnapshotPtr judge, schema_source_of(*store_, answer.branch, answer.base_branch));

  LoadParseOptions parse;
  parse.parser = request.parser;
  parse.key_orders = key_orders_of(judge->record().schema);
  parse.progress = request.progress;
  parse.put_blob = [this](std::string_view key, std::span<const std::byte> bytes) { return store_->store().put(key, bytes); };
  OG_ASSIGN_OR_RETURN(const ParsedLoad parsed, parse_load(source, *judge->catalog(), parse));
  count_types(parsed, *judge->catalog(), answer);

  graph::WriteOptions options;
  options.branch = answer.branch;
  options.actor = request.actor;
  options.kind = graph::CommitKind::kLoad;
  options.fork_from = answer.base_branch;
  options.commit_when_empty = true;
  const std::string& digest = judge->record().schema.digest;
  const auto body = [&](graph::WriteTransaction& transaction) -> Result<void> {
    // The staged columns follow the schema they were parsed with, the ids its key orders.
    const graph::RecordSchema& now = transaction.base()->record().schema;
    if (now.digest != digest || key_orders_of(now) != parse.key_orders) {
      return std::unexpected(conflict("the schema of branch '" + answer.branch + "' changed during the load; run it again"));
    }
    hand_over(parsed, request.mode, transaction);
    return {};
  };
  OG_ASSIGN_OR_RETURN(const graph::WriteOutcome outcome, store_->write(options, body));
  answer.branch_created = outcome.branch_created;
  if (outcome.commit) answer.commit = commit_info(*outcome.commit, outcome.branch);
  return answer;
}

}  // namespace omnigraph::engine
