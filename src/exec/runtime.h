// What one execution reads: tables, columns and adjacency of the snapshot, opened once and then only looked at, and the
// values of literals and parameters. Opening happens while the plan is made, by one thread; afterwards the const
// methods and everything handed out may be used by all workers.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "exec/column.h"
#include "exec/read.h"
#include "exec/text_match.h"
#include "exec/tuples.h"
#include "graph/snapshot.h"
#include "query/bound_query.h"

namespace omnigraph::exec {

// A mistake that only the run shows; carries the contract's prefix.
[[nodiscard]] Error query_error(std::string message);

class PathFinder;
class RankScores;

class Runtime {
 public:
  Runtime(const query::BoundQuery& query, const std::vector<columnar::Scalar>& parameters,
          const graph::Snapshot& snapshot, const ReadContext& context)
      : query_(query),
        parameters_(parameters),
        snapshot_(snapshot),
        context_(context),
        now_{columnar::DateTimeValue{context.now_ms}} {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] const query::BoundQuery& query() const { return query_; }
  [[nodiscard]] const schema::Catalog& catalog() const { return *query_.catalog; }
  [[nodiscard]] const graph::Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const ReadContext& context() const { return context_; }
  // Null in rows where an optional block found nothing.
  [[nodiscard]] bool is_optional(VariableId v) const {
    return v < query_.read->variables.size() && query_.read->variables[v].optional;
  }
  [[nodiscard]] const schema::TypeRef& type_of(VariableId v) const { return query_.read->variables[v].type; }

  // Literal, parameter or now(). REQUIRES: is_constant(expr).
  [[nodiscard]] const columnar::Scalar& scalar(const query::Expr& expr) const;
  [[nodiscard]] static bool is_constant(const query::Expr& expr) {
    return expr.kind == query::ExprKind::kLiteral || expr.kind == query::ExprKind::kParameter ||
           expr.kind == query::ExprKind::kNow;
  }

  [[nodiscard]] Result<graph::TableViewPtr> table(schema::TypeRef type);
  [[nodiscard]] Result<const Column*> property(schema::TypeRef type, std::uint32_t property);
  [[nodiscard]] Result<const Column*> ids(schema::TypeRef type);
  [[nodiscard]] Result<const index::Adjacency*> adjacency(std::uint32_t edge_type, graph::AdjacencyDirection direction);

  // Finder of paths[`path`] of the query.
  [[nodiscard]] Result<std::shared_ptr<const PathFinder>> path_finder(std::uint32_t path);

  // Scores of rank functions inside expressions; set before any is bound.
  [[nodiscard]] RankScores* scores() const { return scores_; }
  void set_scores(RankScores* scores) { scores_ = scores; }

  // Ends the query with an error that only a row shows. Any thread; the first one stays.
  void fail(Error error);
  // That error.
  [[nodiscard]] Result<void> check_failure() const;

  // Set when the result is complete or the caller gone: sources stop between batches.
  [[nodiscard]] bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  // Polls the caller. True: stop.
  [[nodiscard]] bool poll_cancelled() {
    if (context_.cancelled && context_.cancelled()) {
      cancelled_.store(true, std::memory_order_relaxed);
      stop();
    }
    return stopped();
  }
  [[nodiscard]] bool was_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  const query::BoundQuery& query_;
  const std::vector<columnar::Scalar>& parameters_;
  const graph::Snapshot& snapshot_;
  const ReadContext& context_;
  const columnar::Scalar now_;
  std::map<schema::TypeRef, graph::TableViewPtr> tables_;
  struct ColumnKey {
    schema::TypeRef type;
    std::uint32_t property;  // kIdColumn: the id
    friend auto operator<=>(const ColumnKey&, const ColumnKey&) = default;
  };
  static constexpr std::uint32_t kIdColumn = 0xffffffffu;
  std::map<ColumnKey, std::unique_ptr<Column>> columns_;
  std::map<std::pair<std::uint32_t, graph::AdjacencyDirection>, std::shared_ptr<const index::Adjacency>> adjacency_;
  std::map<std::uint32_t, std::shared_ptr<const PathFinder>> path_finders_;
  RankScores* scores_ = nullptr;
  mutable std::mutex failure_mutex_;
  std::optional<Error> failure_;  // Guarded by failure_mutex_.
  std::atomic<bool> stop_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace omnigraph::exec
