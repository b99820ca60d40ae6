// Ranking: nearest, bm25 and rrf as scores and as the order of a query (chapter 02 section 8, chapter 04 sections 1.3,
// 2 and 3). Not thread safe; the scorers it hands out are.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/expression.h"
#include "exec/row_order.h"
#include "exec/runtime.h"
#include "exec/text_match.h"
#include "exec/vector_scan.h"

namespace omnigraph::exec {

// Entities of the ranked variable, best first.
struct Ranking {
  VariableId variable = kNoVariable;
  std::vector<Ordinal> entities;
  std::vector<std::uint32_t> place;  // equal for entities that only the tie-break separates; ascending
};

class RankScores {
 public:
  explicit RankScores(Runtime& runtime) : runtime_(runtime) {}

  // Resolves the arguments of all rank functions of the query: texts are embedded before any row is read.
  Result<void> prepare(const query::ReadQuery& read);

  // Score of a row as an expression. rrf needs rank() or fuse() first.
  Result<RowExpr> bind(const query::Expr& function);

  // Ranks the entities among `rows` that the function does not exclude. `ties` orders rows of equal score; `limit` 0:
  // no limit. With `cut` only the entities that can be among the first `limit` rows are listed.
  Result<Ranking> rank(const query::Expr& function, const Tuples& rows, const RowOrder& ties, std::uint64_t limit,
                       bool cut);

 private:
  class Entities;
  struct RankedEntity {
    Ordinal entity;
    std::uint64_t rank;
  };
  Result<std::array<std::vector<RankedEntity>, 2>> ranked_arms(const query::Expr& rrf, const Entities& entities,
                                                               std::size_t best, bool cut);
  Result<void> rank_partially(const query::Expr& function, const Entities& entities, std::size_t best,
                              const std::vector<RankedEntity>& others, std::vector<RankedEntity>& out);
  Result<VectorScan*> vector_scan(const query::Expr& nearest);
  Result<Bm25Scorer*> bm25(const query::Expr& function);
  Result<columnar::FloatVector> query_vector(const query::Expr& nearest);
  Result<std::uint64_t> fusion_constant(const query::Expr& rrf) const;
  // Scores of one arm, smaller is better.
  Result<std::vector<Scored>> arm(const query::Expr& function, const Entities& entities, std::size_t best);

  Runtime& runtime_;
  std::map<const query::Expr*, std::unique_ptr<VectorScan>> scans_;
  std::map<const query::Expr*, std::unique_ptr<Bm25Scorer>> texts_;
  std::map<std::pair<std::string, std::string>, columnar::FloatVector> embedded_;  // by text, model and dimension
  std::vector<std::pair<const query::Expr*, std::shared_ptr<std::map<Ordinal, double>>>> fused_;
};

// Same function of the same arguments.
[[nodiscard]] bool same_expression(const query::Expr& a, const query::Expr& b);

// The rows of the ranked entities in final order, at most `limit` (0: all): rows of one entity stay together.
[[nodiscard]] std::vector<std::uint32_t> ranked_rows(const Ranking& ranking, const Tuples& rows, const RowOrder& ties,
                                                     std::uint64_t limit);

}  // namespace omnigraph::exec
