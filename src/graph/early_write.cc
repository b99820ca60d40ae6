#include "graph/early_write.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "graph/collecting_transaction.h"
#include "graph/prepare_files.h"
#include "graph/store_parts.h"

namespace omnigraph::graph {
namespace {

// Nothing in it names rows of its base.
bool names_no_base_row(const WriteSet& writes) {
  const auto is_free = [](const auto& entry) {
    const TableWrites& table = entry.second;
    return !table.replace_all && table.removed.empty() && std::ranges::all_of(table.puts, [](const TablePut& put) {
      return put.replaced.empty() && put.fill == nullptr;
    });
  };
  return writes.reads.empty() && !writes.tables.empty() && std::ranges::all_of(writes.tables, is_free);
}

bool brings_new_rows_alone(const PreparedWrite& prepared) {
  return !prepared.tables.empty() && std::ranges::all_of(prepared.tables, [](const PreparedTable& table) {
    return table.counts.updated == 0 && table.counts.deleted == 0;
  });
}

Result<std::optional<EarlyWrite>> run_on_head(StoreParts& parts, const WriteOptions& options, const WriteBody& body,
                                              PreparedFileCache& files) {
  OG_ASSIGN_OR_RETURN(const Head head, parts.log->recent_head(options.branch));
  if (!head.live()) return std::nullopt;
  EarlyWrite early;
  OG_ASSIGN_OR_RETURN(early.base, parts.snapshots->at_head(head.record));
  files.begin_attempt(parts.log->now());
  CollectingTransaction transaction(early.base);
  OG_RETURN_IF_ERROR(body(transaction));
  if (!names_no_base_row(transaction.writes())) return std::nullopt;
  // A file with other rows folded in could serve this base alone.
  OG_ASSIGN_OR_RETURN(const PreparedWrite prepared,
                      prepare_write(*early.base, transaction.writes(), *parts.store, files, {.folds = false}));
  if (!brings_new_rows_alone(prepared)) return std::nullopt;
  early.writes = transaction.take_writes();
  return early;
}

}  // namespace

bool EarlyWrite::fits(const CommitRecord& now) const {
  const CommitRecord& then = base->record();
  return then.incarnation == now.incarnation && then.schema.digest == now.schema.digest;
}

std::optional<EarlyWrite> run_early(StoreParts& parts, const WriteOptions& options, const WriteBody& body,
                                    PreparedFileCache& files) {
  try {
    auto early = run_on_head(parts, options, body, files);
    return early ? *std::move(early) : std::nullopt;
  } catch (const std::exception&) {  // no memory, say: there may be some when its turn comes
    return std::nullopt;
  }
}

std::optional<PreparedWrite> prepare_early(const EarlyWrite& early, const Snapshot& base,
                                           objectstore::ObjectStore& store, PreparedFileCache& files) {
  if (!early.fits(base.record())) return std::nullopt;
  auto prepared = prepare_write(base, early.writes, store, files);
  if (!prepared || !brings_new_rows_alone(*prepared)) return std::nullopt;
  return *std::move(prepared);
}

}  // namespace omnigraph::graph
