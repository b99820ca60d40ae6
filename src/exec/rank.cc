#include "exec/rank.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "exec/interval_kernel.h"
#include "exec/vector_mode.h"
#include "graph/indexed_table.h"

namespace omnigraph::exec {
namespace {

using query::Expr;
using query::ExprKind;

constexpr std::uint64_t kFusionConstant = 60;

const Expr& ranked_field(const Expr& function) {
  return function.kind == ExprKind::kRrf ? ranked_field(function.args[0]) : function.args[0];
}

// Segments that a search may use; none for a table that is scanned anyway.
std::vector<VectorScan::Part> vector_parts(const graph::TableView& table, std::size_t property) {
  std::vector<VectorScan::Part> parts;
  if (table.live_rows() <= kScannedMax) return parts;
  const auto segments = graph::vector_segments(table, property);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] == nullptr || !segments[i]->is_complete()) continue;
    parts.push_back({table.fragment_start(i), segments[i]});
  }
  return parts;
}

// Where a search among the rows of the table may become approximate.
VectorScan::Limits vector_limits(const graph::TableView& table, const std::vector<VectorScan::Part>& parts) {
  VectorScan::Limits limits;
  std::size_t vectors = 0;
  for (const VectorScan::Part& part : parts) vectors += part.segment->vector_count();
  const bool many = std::min<std::size_t>(vectors, table.live_rows()) > kApproximateVectorsMin;
  if (many && vector_mode() == VectorMode::kApproximate) limits.exact_max = table.live_rows() / kApproximateShare;
  return limits;
}

// Row numbers grouped by the ordinal of one variable.
struct RowsByEntity {
  RowsByEntity(const Tuples& rows, VariableId variable) : ordinals(rows.columns[variable]) {
    ascending = ascends(ordinals);
    if (ascending) return;
    index.resize(ordinals.size());
    std::iota(index.begin(), index.end(), 0u);
    std::ranges::sort(index, [&](std::uint32_t a, std::uint32_t b) {
      return ordinals[a] != ordinals[b] ? ordinals[a] < ordinals[b] : a < b;
    });
  }
  // Calls each(row) for the rows of the entity.
  template <class Each>
  void for_each(Ordinal entity, Each&& each) const {
    if (ascending) {
      const auto it = std::ranges::lower_bound(ordinals, entity);
      if (it != ordinals.end() && *it == entity) each(static_cast<std::uint32_t>(it - ordinals.begin()));
      return;
    }
    const auto range = std::ranges::equal_range(index, entity, {}, [&](std::uint32_t i) { return ordinals[i]; });
    for (const std::uint32_t row : range) each(row);
  }
  const std::vector<Ordinal>& ordinals;
  std::vector<std::uint32_t> index;  // empty if the column is strictly ascending
  bool ascending = false;
};

}  // namespace

// The distinct values of the ranked variable and the rows they stand in.
class RankScores::Entities {
 public:
  Entities(const Tuples& rows, VariableId variable, const RowOrder& ties, const graph::TableView& table)
      : rows_(rows), by_entity_(rows, variable), ties_(ties), table_(table) {
    if (by_entity_.ascending) return;
    for (const std::uint32_t row : by_entity_.index) {
      const Ordinal entity = by_entity_.ordinals[row];
      if (distinct_.empty() || distinct_.back() != entity) distinct_.push_back(entity);
    }
  }

  [[nodiscard]] std::span<const Ordinal> list() const {
    return by_entity_.ascending ? std::span<const Ordinal>(by_entity_.ordinals) : distinct_;
  }
  // Empty: all live rows of the table.
  [[nodiscard]] std::vector<std::uint64_t> bitmap() const {
    if (list().size() == table_.live_rows()) return {};
    std::vector<std::uint64_t> words((std::size_t{table_.physical_rows()} + 63) / 64);
    for (const Ordinal o : list()) words[o >> 6] |= std::uint64_t{1} << (o & 63);
    return words;
  }
  // The entity comes before another one of equal score.
  [[nodiscard]] bool tie_before(Ordinal a, Ordinal b) const {
    return ties_.compare_rows(rows_, first_row(a), rows_, first_row(b)) < 0;
  }
  // Sorts by score, equal scores by the entity's first row in tie-break order.
  void sort(std::vector<Scored>& scored) const {
    std::ranges::sort(scored, {}, &Scored::score);
    for (std::size_t begin = 0; begin < scored.size();) {
      std::size_t end = begin + 1;
      while (end < scored.size() && scored[end].score == scored[begin].score) ++end;
      if (end - begin > 1) sort_tied({scored.data() + begin, end - begin});
      begin = end;
    }
  }

 private:
  [[nodiscard]] std::uint32_t first_row(Ordinal entity) const {
    std::uint32_t first = 0xffffffffu;
    by_entity_.for_each(entity, [&](std::uint32_t row) {
      if (first == 0xffffffffu || ties_.compare_rows(rows_, row, rows_, first) < 0) first = row;
    });
    return first;
  }
  void sort_tied(std::span<Scored> tied) const {
    std::vector<std::pair<std::uint32_t, Scored>> first_rows;
    for (const Scored& s : tied) first_rows.emplace_back(first_row(s.row), s);
    std::ranges::sort(first_rows, [&](const auto& a, const auto& b) {
      return ties_.compare_rows(rows_, a.first, rows_, b.first) < 0;
    });
    for (std::size_t i = 0; i < tied.size(); ++i) tied[i] = first_rows[i].second;
  }

  const Tuples& rows_;
  const RowsByEntity by_entity_;
  const RowOrder& ties_;
  const graph::TableView& table_;
  std::vector<Ordinal> distinct_;  // empty if the rows themselves are distinct and ascending
};

bool same_expression(const Expr& a, const Expr& b) {
  return a.kind == b.kind && a.literal == b.literal && a.parameter == b.parameter && a.variable == b.variable &&
         a.property == b.property && a.op == b.op && a.aggregate == b.aggregate && a.projection == b.projection &&
         a.arithmetic == b.arithmetic && a.negated == b.negated && a.distinct == b.distinct && a.path == b.path &&
         a.function == b.function && std::ranges::equal(a.args, b.args, same_expression);
}

Result<columnar::FloatVector> RankScores::query_vector(const Expr& nearest) {
  const Expr& field = nearest.args[0];
  const schema::Property& property = runtime_.catalog().properties_of(runtime_.type_of(field.variable))[field.property];
  const Expr& query = nearest.args[1];
  const auto wrong = [] { return std::unexpected(query_error("nearest query must be a string or list of floats")); };
  if (!Runtime::is_constant(query)) return wrong();
  const columnar::Scalar& scalar = runtime_.scalar(query);
  columnar::FloatVector vector;
  if (const auto* floats = std::get_if<columnar::FloatVector>(&scalar.value)) {
    vector = *floats;
  } else if (const auto* list = std::get_if<columnar::ScalarList>(&scalar.value)) {
    for (const columnar::Scalar& item : *list) {
      const Value v = value_of(item);
      if (!v.is_number()) return wrong();
      const auto f = static_cast<float>(to_double(v));
      if (!std::isfinite(f)) return std::unexpected(query_error("vector element exceeds Float32 range"));
      vector.push_back(f);
    }
  } else if (const auto* text = std::get_if<std::string>(&scalar.value)) {
    const std::string model = property.embed.has_value() ? property.embed->model : "";
    auto& known = embedded_[{*text, model + "\n" + std::to_string(property.type.vector_dimension)}];
    if (known.empty()) {
      if (!runtime_.context().embed) {
        return std::unexpected(
            query_error("nearest() on '" + property.name + "' with a text needs an embedding provider; give a vector"));
      }
      OG_ASSIGN_OR_RETURN(known, runtime_.context().embed(*text, property.type.vector_dimension, model, property.name));
    }
    vector = known;
  } else {
    return wrong();
  }
  if (vector.size() != property.type.vector_dimension) {
    return std::unexpected(query_error("nearest() on '" + property.name + "' expects " +
                                       std::to_string(property.type.vector_dimension) + " values, got " +
                                       std::to_string(vector.size())));
  }
  return vector;
}

Result<VectorScan*> RankScores::vector_scan(const Expr& nearest) {
  auto& scan = scans_[&nearest];
  if (scan == nullptr) {
    OG_ASSIGN_OR_RETURN(auto vector, query_vector(nearest));
    const Expr& field = nearest.args[0];
    OG_ASSIGN_OR_RETURN(const Column* column, runtime_.property(runtime_.type_of(field.variable), field.property));
    OG_ASSIGN_OR_RETURN(const auto table, runtime_.table(runtime_.type_of(field.variable)));
    std::vector<VectorScan::Part> parts = vector_parts(*table, field.property);
    const VectorScan::Limits limits = vector_limits(*table, parts);
    scan = std::make_unique<VectorScan>(*column, std::move(vector), std::move(parts), limits);
  }
  return scan.get();
}

Result<Bm25Scorer*> RankScores::bm25(const Expr& function) {
  auto& scorer = texts_[&function];
  if (scorer == nullptr) {
    const Expr& field = function.args[0];
    const std::string* text = nullptr;
    if (Runtime::is_constant(function.args[1]))
      text = std::get_if<std::string>(&runtime_.scalar(function.args[1]).value);
    if (text == nullptr) return std::unexpected(query_error("bm25 query must resolve to a string"));
    const schema::TypeRef type = runtime_.type_of(field.variable);
    OG_ASSIGN_OR_RETURN(const auto table, runtime_.table(type));
    OG_ASSIGN_OR_RETURN(scorer, Bm25Scorer::make(*table, field.property, *text));
  }
  return scorer.get();
}

Result<std::uint64_t> RankScores::fusion_constant(const Expr& rrf) const {
  if (rrf.args.size() < 3) return kFusionConstant;
  const Value k = value_of(runtime_.scalar(rrf.args[2]));
  if (k.is_null()) return kFusionConstant;
  if (k.kind == Value::Kind::kUint) return k.natural;
  if (k.kind != Value::Kind::kInt || k.integer <= 0) {
    return std::unexpected(query_error("rrf k must be an integer greater than 0, got " + std::to_string(k.integer)));
  }
  return static_cast<std::uint64_t>(k.integer);
}

Result<void> RankScores::prepare(const query::ReadQuery& read) {
  const std::function<Result<void>(const Expr&)> visit = [&](const Expr& expr) -> Result<void> {
    if (expr.kind == ExprKind::kNearest) {
      OG_RETURN_IF_ERROR(vector_scan(expr));
    } else if (expr.kind == ExprKind::kBm25) {
      OG_RETURN_IF_ERROR(bm25(expr));
    } else if (expr.kind == ExprKind::kRrf) {
      OG_RETURN_IF_ERROR(fusion_constant(expr));
    }
    for (const Expr& arg : expr.args) OG_RETURN_IF_ERROR(visit(arg));
    return {};
  };
  for (const query::OrderItem& item : read.order) OG_RETURN_IF_ERROR(visit(item.expr));
  for (const query::Projection& projection : read.projections) OG_RETURN_IF_ERROR(visit(projection.expr));
  return {};
}

Result<RowExpr> RankScores::bind(const Expr& function) {
  RowExpr out;
  out.kind = RowExpr::Kind::kScore;
  out.variable = ranked_field(function).variable;
  if (function.kind == ExprKind::kNearest) {
    OG_ASSIGN_OR_RETURN(const VectorScan* scan, vector_scan(function));
    out.scorer = [scan](Ordinal row) {
      const auto distance = scan->distance(row);
      return distance.has_value() ? Value::of_double(*distance) : Value();
    };
    return out;
  }
  if (function.kind == ExprKind::kBm25) {
    OG_ASSIGN_OR_RETURN(const Bm25Scorer* scorer, bm25(function));
    out.scorer = [scorer](Ordinal row) { return Value::of_double(scorer->score(row)); };
    return out;
  }
  for (const auto& [ranked, scores] : fused_) {
    if (!same_expression(*ranked, function)) continue;
    out.scorer = [scores = scores](Ordinal row) {
      const auto it = scores->find(row);
      return Value::of_double(it == scores->end() ? 0.0 : it->second);
    };
    return out;
  }
  return std::unexpected(internal_error("rrf score asked for before the ranking"));
}

Result<std::vector<Scored>> RankScores::arm(const Expr& function, const Entities& entities, std::size_t best) {
  if (function.kind == ExprKind::kNearest) {
    OG_ASSIGN_OR_RETURN(const VectorScan* scan, vector_scan(function));
    return scan->collect(entities.list(), best);
  }
  OG_ASSIGN_OR_RETURN(const Bm25Scorer* scorer, bm25(function));
  std::vector<Scored> scored = scorer->collect(entities.bitmap(), best);
  for (Scored& s : scored) s.score = -s.score;
  return scored;
}

// Both arms of an rrf in order, with ranks from 1. Where one arm is a nearest, which contributes at most `best`
// entities, a bm25 arm need not be ranked as a whole: below its first `best` places only the other arm's entities can
// still win.
Result<std::array<std::vector<RankScores::RankedEntity>, 2>> RankScores::ranked_arms(const Expr& rrf,
                                                                                     const Entities& entities,
                                                                                     std::size_t best, bool cut) {
  std::array<std::vector<RankedEntity>, 2> out;
  const auto is_nearest = [&](std::size_t a) { return rrf.args[a].kind == ExprKind::kNearest; };
  const bool partial = cut && best > 0 && is_nearest(0) != is_nearest(1);
  for (const bool nearest : {true, false}) {
    for (std::size_t a = 0; a < 2; ++a) {
      if (is_nearest(a) != nearest) continue;
      if (!nearest && partial) {
        OG_RETURN_IF_ERROR(rank_partially(rrf.args[a], entities, best, out[1 - a], out[a]));
        continue;
      }
      OG_ASSIGN_OR_RETURN(std::vector<Scored> scored, arm(rrf.args[a], entities, nearest ? best : 0));
      entities.sort(scored);
      if (nearest && best > 0 && scored.size() > best) scored.resize(best);
      for (std::size_t r = 0; r < scored.size(); ++r) out[a].push_back({scored[r].row, r + 1});
    }
  }
  return out;
}

// The first `best` entities of a bm25 arm and those of `others`.
Result<void> RankScores::rank_partially(const Expr& function, const Entities& entities, std::size_t best,
                                        const std::vector<RankedEntity>& others, std::vector<RankedEntity>& out) {
  OG_ASSIGN_OR_RETURN(const Bm25Scorer* scorer, bm25(function));
  const std::vector<Bm25Scorer::Rough> matching = scorer->matching(entities.bitmap());
  std::vector<Scored> top = scorer->best_of(matching, best);
  for (Scored& s : top) s.score = -s.score;
  entities.sort(top);
  if (top.size() > best) top.resize(best);
  for (std::size_t r = 0; r < top.size(); ++r) out.push_back({top[r].row, r + 1});
  if (matching.size() <= best) return {};
  std::vector<RankedEntity> below;
  for (const RankedEntity& other : others) {
    const double score = scorer->score(other.entity);
    if (score == 0 || std::ranges::any_of(top, [&](const Scored& s) { return s.row == other.entity; })) continue;
    const std::size_t before = scorer->count_before(matching, {other.entity, score},
                                                    [&](Ordinal a, Ordinal b) { return entities.tie_before(a, b); });
    below.push_back({other.entity, before + 1});
  }
  std::ranges::sort(below, {}, &RankedEntity::rank);
  out.insert(out.end(), below.begin(), below.end());
  return {};
}

Result<Ranking> RankScores::rank(const Expr& function, const Tuples& rows, const RowOrder& ties, std::uint64_t limit,
                                 bool cut) {
  Ranking out;
  out.variable = ranked_field(function).variable;
  OG_ASSIGN_OR_RETURN(const auto table, runtime_.table(runtime_.type_of(out.variable)));
  const Entities entities(rows, out.variable, ties, *table);
  const auto best = static_cast<std::size_t>(limit);
  if (function.kind != ExprKind::kRrf) {
    OG_ASSIGN_OR_RETURN(std::vector<Scored> scored, arm(function, entities, cut ? best : 0));
    entities.sort(scored);
    for (std::size_t i = 0; i < scored.size(); ++i) {
      out.entities.push_back(scored[i].row);
      const bool tied = i > 0 && scored[i].score == scored[i - 1].score;
      out.place.push_back(tied ? out.place.back() : static_cast<std::uint32_t>(i));
    }
    return out;
  }
  OG_ASSIGN_OR_RETURN(const std::uint64_t k, fusion_constant(function));
  auto scores = std::make_shared<std::map<Ordinal, double>>();
  std::vector<Scored> fused;  // entities of the first arm in its order, then the rest in the second's
  OG_ASSIGN_OR_RETURN(const auto arms, ranked_arms(function, entities, best, cut));
  for (const std::vector<RankedEntity>& ranked : arms) {
    for (const RankedEntity& e : ranked) {
      const auto [it, added] = scores->emplace(e.entity, 0.0);
      it->second += 1.0 / static_cast<double>(k + e.rank);
      if (added) fused.push_back({e.entity, 0});
    }
  }
  for (Scored& s : fused) s.score = -(*scores)[s.row];
  std::ranges::stable_sort(fused, {}, &Scored::score);
  if (cut && best > 0 && fused.size() > best) fused.resize(best);
  for (const Scored& s : fused) {
    out.place.push_back(static_cast<std::uint32_t>(out.entities.size()));
    out.entities.push_back(s.row);
  }
  fused_.emplace_back(&function, std::move(scores));
  return out;
}

std::vector<std::uint32_t> ranked_rows(const Ranking& ranking, const Tuples& rows, const RowOrder& ties,
                                       std::uint64_t limit) {
  const RowsByEntity by_entity(rows, ranking.variable);
  std::vector<std::uint32_t> out;
  std::vector<std::uint32_t> own;
  for (const Ordinal entity : ranking.entities) {
    if (limit > 0 && out.size() >= limit) break;
    own.clear();
    by_entity.for_each(entity, [&](std::uint32_t row) { own.insert(own.end(), rows.weight(row), row); });
    std::ranges::sort(own, [&](std::uint32_t a, std::uint32_t b) { return ties.compare_rows(rows, a, rows, b) < 0; });
    out.insert(out.end(), own.begin(), own.end());
  }
  if (limit > 0 && out.size() > limit) out.resize(static_cast<std::size_t>(limit));
  return out;
}

}  // namespace omnigraph::exec
