#include "tests/exec/naive_evaluator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace omnigraph::exec::testing {
namespace {

using columnar::Scalar;
using graph::kNoOrdinal;
using graph::Ordinal;
using query::Block;
using query::CompareOp;
using query::Expr;
using query::ExprKind;
using query::Traversal;
using schema::EntityKind;
using schema::TypeRef;

using Environment = std::vector<Ordinal>;
using Truth = std::optional<bool>;

std::optional<long double> number(const Scalar& s) {
  if (const auto* i = std::get_if<std::int64_t>(&s.value)) return static_cast<long double>(*i);
  if (const auto* u = std::get_if<std::uint64_t>(&s.value)) return static_cast<long double>(*u);
  if (const auto* f = std::get_if<float>(&s.value)) return static_cast<long double>(*f);
  if (const auto* d = std::get_if<double>(&s.value)) return static_cast<long double>(*d);
  return std::nullopt;
}

bool is_f32(const Scalar& s) { return std::holds_alternative<float>(s.value); }

// -1, 0, 1; REQUIRES comparable, not null.
int compare_values(const Scalar& a, const Scalar& b) {
  if (auto x = number(a), y = number(b); x && y) {
    if (is_f32(a) != is_f32(b)) {
      x = static_cast<long double>(static_cast<float>(*x));
      y = static_cast<long double>(static_cast<float>(*y));
    }
    return *x < *y ? -1 : *x > *y ? 1 : 0;
  }
  if (a.value.index() != b.value.index()) return a.value.index() < b.value.index() ? -1 : 1;
  if (const auto* text = std::get_if<std::string>(&a.value)) {
    const int o = text->compare(std::get<std::string>(b.value));
    return o < 0 ? -1 : o > 0 ? 1 : 0;
  }
  if (const auto* flag = std::get_if<bool>(&a.value))
    return static_cast<int>(*flag) - static_cast<int>(std::get<bool>(b.value));
  if (const auto* date = std::get_if<columnar::DateValue>(&a.value)) {
    const auto other = std::get<columnar::DateValue>(b.value);
    return date->days < other.days ? -1 : date->days > other.days ? 1 : 0;
  }
  if (const auto* time = std::get_if<columnar::DateTimeValue>(&a.value)) {
    const auto other = std::get<columnar::DateTimeValue>(b.value);
    return time->milliseconds < other.milliseconds ? -1 : time->milliseconds > other.milliseconds ? 1 : 0;
  }
  return 0;
}

// Total order of results: null first.
int order_values(const Scalar& a, const Scalar& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null() ? 0 : a.is_null() ? -1 : 1;
  return compare_values(a, b);
}

std::string json(const Scalar& s) {
  std::string out;
  columnar::append_json(out, s);
  return out;
}

class Naive {
 public:
  Naive(const query::BoundQuery& query, const std::vector<Scalar>& parameters, const graph::Snapshot& snapshot)
      : query_(query), read_(*query.read), parameters_(parameters), snapshot_(snapshot) {}

  std::vector<std::string> rows() {
    Environment environment(read_.variables.size(), kNoOrdinal);
    std::vector<Environment> matches;
    extend(read_.match, 0, environment, [&](const Environment& e) {
      matches.push_back(e);
      return true;
    });
    return read_.aggregates ? grouped(matches) : plain(matches);
  }

 private:
  Scalar cell(const columnar::ChunkedArray& column, Ordinal row) const {
    const auto place = column.locate(row);
    return columnar::scalar_at(*column.chunk(place.chunk), place.index);
  }
  Scalar id_of(TypeRef type, Ordinal row) const { return cell(*snapshot_.table(type).value()->ids().value(), row); }

  const Expr& resolved(const Expr& expr) const {
    return expr.kind == ExprKind::kProjection ? resolved(read_.projections[expr.projection].expr) : expr;
  }

  Scalar value(const Expr& raw, const Environment& e) const {
    const Expr& expr = resolved(raw);
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return expr.literal;
      case ExprKind::kParameter:
        return parameters_[expr.parameter];
      case ExprKind::kEntityId:
        return id_of(read_.variables[expr.variable].type, e[expr.variable]);
      case ExprKind::kProperty:
        return cell(*snapshot_.table(read_.variables[expr.variable].type).value()->property(expr.property).value(),
                    e[expr.variable]);
      case ExprKind::kCompare: {
        const Truth t = compare(expr.op, value(expr.args[0], e), value(expr.args[1], e));
        return t.has_value() ? Scalar{*t} : Scalar{};
      }
      default:
        std::abort();  // The generator makes no others.
    }
  }

  static Truth compare(CompareOp op, const Scalar& a, const Scalar& b) {
    if (a.is_null() || b.is_null()) return std::nullopt;
    switch (op) {
      case CompareOp::kEqual:
        return compare_values(a, b) == 0;
      case CompareOp::kNotEqual:
        return compare_values(a, b) != 0;
      case CompareOp::kLess:
        return compare_values(a, b) < 0;
      case CompareOp::kLessEqual:
        return compare_values(a, b) <= 0;
      case CompareOp::kGreater:
        return compare_values(a, b) > 0;
      case CompareOp::kGreaterEqual:
        return compare_values(a, b) >= 0;
      case CompareOp::kStartsWith:
        return std::get<std::string>(a.value).starts_with(std::get<std::string>(b.value));
      case CompareOp::kContains:
        break;
    }
    if (const auto* list = std::get_if<columnar::ScalarList>(&a.value)) {
      return std::ranges::any_of(*list,
                                 [&](const Scalar& item) { return !item.is_null() && compare_values(item, b) == 0; });
    }
    return std::get<std::string>(a.value).find(std::get<std::string>(b.value)) != std::string::npos;
  }

  bool holds(const Expr& filter, const Environment& e) const {
    const Scalar v = value(filter, e);
    const auto* flag = std::get_if<bool>(&v.value);
    return flag != nullptr && *flag;
  }

  struct Edge {
    Ordinal source, target, row;
  };
  std::vector<Edge> edges(std::uint32_t type) const {
    const schema::EdgeType& edge = query_.catalog->edges[type];
    const auto view = snapshot_.edge_table(type).value();
    const auto sources = snapshot_.node_table(edge.source_index).value();
    const auto targets = snapshot_.node_table(edge.target_index).value();
    std::vector<Edge> out;
    for (Ordinal o = 0; o < view->physical_rows(); ++o) {
      if (view->is_deleted(o)) continue;
      const Ordinal s = *sources->find(std::get<std::string>(cell(*view->sources().value(), o).value));
      const Ordinal t = *targets->find(std::get<std::string>(cell(*view->destinations().value(), o).value));
      if (s != kNoOrdinal && t != kNoOrdinal) out.push_back({s, t, o});
    }
    return out;
  }

  static bool goes(const Traversal& t, const Edge& edge, Ordinal from, Ordinal to) {
    const bool out = edge.source == from && edge.target == to;
    const bool in = edge.source == to && edge.target == from;
    return t.direction == query::Direction::kOut ? out : t.direction == query::Direction::kIn ? in : out || in;
  }

  bool connected(const Traversal& t, Ordinal from, Ordinal to) const {
    const auto all = edges(t.edge_type);
    const schema::EdgeType& type = query_.catalog->edges[t.edge_type];
    if (type.source_index != type.target_index) {
      return t.min_hops == 1 && std::ranges::any_of(all, [&](const Edge& edge) { return goes(t, edge, from, to); });
    }
    std::map<Ordinal, std::uint32_t> distance{{from, 0}};
    for (std::uint32_t d = 1; d <= t.max_hops; ++d) {
      std::set<Ordinal> met;
      for (const auto& [node, at] : distance) {
        if (at != d - 1) continue;
        for (const Edge& edge : all) {
          for (const Ordinal next : {edge.source, edge.target}) {
            if (goes(t, edge, node, next) && !distance.contains(next)) met.insert(next);
          }
        }
      }
      for (const Ordinal node : met) distance[node] = d;
    }
    if (!distance.contains(to)) return false;
    const std::uint32_t d = distance[to];
    if (d >= 1 && d >= t.min_hops && d <= t.max_hops) return true;
    const bool loop =
        std::ranges::any_of(all, [&](const Edge& edge) { return edge.source == to && edge.target == to; });
    return loop && d + 1 >= t.min_hops && d + 1 <= t.max_hops;
  }

  using Visit = std::function<bool(const Environment&)>;

  // Tries all values of the block's node variables from the i-th on; false: the visitor wants no more.
  bool extend(const Block& block, std::size_t i, Environment& e, const Visit& visit) const {
    while (i < block.variables.size() && read_.variables[block.variables[i]].type.kind != EntityKind::kNode) ++i;
    if (i == block.variables.size()) return extend_edges(block, 0, e, visit);
    const query::VariableId v = block.variables[i];
    const auto view = snapshot_.table(read_.variables[v].type).value();
    for (Ordinal o = 0; o < view->physical_rows(); ++o) {
      if (view->is_deleted(o)) continue;
      e[v] = o;
      if (!extend(block, i + 1, e, visit)) return false;
    }
    e[v] = kNoOrdinal;
    return true;
  }

  bool extend_edges(const Block& block, std::size_t t, Environment& e, const Visit& visit) const {
    if (t == block.traversals.size()) return check(block, e, visit);
    const Traversal& traversal = block.traversals[t];
    const Ordinal from = e[traversal.from];
    const Ordinal to = e[traversal.to];
    if (traversal.edge == query::kNoVariable) {
      return !connected(traversal, from, to) || extend_edges(block, t + 1, e, visit);
    }
    for (const Edge& edge : edges(traversal.edge_type)) {
      if (!goes(traversal, edge, from, to)) continue;
      e[traversal.edge] = edge.row;
      if (!extend_edges(block, t + 1, e, visit)) return false;
    }
    e[traversal.edge] = kNoOrdinal;
    return true;
  }

  bool check(const Block& block, Environment& e, const Visit& visit) const {
    for (const Expr& filter : block.filters) {
      if (!holds(filter, e)) return true;
    }
    for (const Block& negation : block.negations) {
      bool found = false;
      Environment inner = e;
      extend(negation, 0, inner, [&](const Environment&) {
        found = true;
        return false;
      });
      if (found) return true;
    }
    return visit(e);
  }

  std::vector<std::string> plain(std::vector<Environment>& matches) const {
    std::vector<query::VariableId> by_name;
    for (query::VariableId v = 0; v < read_.variables.size(); ++v) {
      if (read_.variables[v].depth == 0) by_name.push_back(v);
    }
    std::ranges::stable_sort(by_name, {}, [&](query::VariableId v) { return read_.variables[v].name; });
    std::ranges::stable_sort(matches, [&](const Environment& a, const Environment& b) {
      for (const query::OrderItem& item : read_.order) {
        const int o = order_values(value(item.expr, a), value(item.expr, b));
        if (o != 0) return item.descending ? o > 0 : o < 0;
      }
      for (const query::VariableId v : by_name) {
        const int o = order_values(id_of(read_.variables[v].type, a[v]), id_of(read_.variables[v].type, b[v]));
        if (o != 0) return o < 0;
      }
      return false;
    });
    std::vector<std::string> out;
    for (const Environment& e : matches) {
      std::string row = "[";
      for (std::size_t p = 0; p < read_.projections.size(); ++p) {
        if (p > 0) row += ",";
        row += json(value(read_.projections[p].expr, e));
      }
      row += "]";
      out.push_back(std::move(row));
    }
    return out;
  }

  Scalar aggregate(const Expr& expr, const std::vector<Environment>& group) const {
    std::vector<Scalar> values;
    for (const Environment& e : group) {
      Scalar v = value(expr.args[0], e);
      if (!v.is_null()) values.push_back(std::move(v));
    }
    if (expr.aggregate == query::Aggregate::kCount) return {static_cast<std::int64_t>(values.size())};
    if (values.empty()) return {};
    if (expr.aggregate == query::Aggregate::kMin) {
      return *std::ranges::min_element(values, [](const Scalar& a, const Scalar& b) { return order_values(a, b) < 0; });
    }
    if (expr.aggregate == query::Aggregate::kMax) {
      return *std::ranges::max_element(values, [](const Scalar& a, const Scalar& b) { return order_values(a, b) < 0; });
    }
    long double exact = 0;  // Wide enough for the generator's values, so that their order does not matter.
    for (const Scalar& v : values) exact += static_cast<long double>(static_cast<double>(*number(v)));
    const auto sum = static_cast<double>(exact);
    return {expr.aggregate == query::Aggregate::kSum ? sum : sum / static_cast<double>(values.size())};
  }

  std::vector<std::string> grouped(const std::vector<Environment>& matches) const {
    std::map<std::string, std::vector<Environment>> groups;
    bool has_key = false;
    for (const query::Projection& p : read_.projections)
      has_key = has_key || resolved(p.expr).kind != ExprKind::kAggregate;
    if (!has_key) groups[""] = {};
    for (const Environment& e : matches) {
      std::string key;
      for (const query::Projection& p : read_.projections) {
        if (resolved(p.expr).kind == ExprKind::kAggregate) continue;
        const std::string text = json(value(p.expr, e));
        key += (text == "-0.0" ? "0.0" : text) + "|";  // One group.
      }
      groups[key].push_back(e);
    }
    std::vector<std::vector<Scalar>> rows;
    for (const auto& [key, group] : groups) {
      std::vector<Scalar> row;
      for (const query::Projection& p : read_.projections) {
        const Expr& expr = resolved(p.expr);
        row.push_back(expr.kind == ExprKind::kAggregate ? aggregate(expr, group) : value(expr, group[0]));
      }
      rows.push_back(std::move(row));
    }
    std::ranges::stable_sort(rows, [&](const auto& a, const auto& b) {
      for (const query::OrderItem& item : read_.order) {
        const std::size_t p = projection_of(item.expr);
        const int o = order_values(a[p], b[p]);
        if (o != 0) return item.descending ? o > 0 : o < 0;
      }
      for (std::size_t p = 0; p < read_.projections.size(); ++p) {
        if (resolved(read_.projections[p].expr).kind == ExprKind::kAggregate) continue;
        if (const int o = order_values(a[p], b[p]); o != 0) return o < 0;
      }
      return false;
    });
    std::vector<std::string> out;
    for (const auto& row : rows) {
      std::string text = "[";
      for (std::size_t p = 0; p < row.size(); ++p) {
        if (p > 0) text += ",";
        text += json(row[p]);
      }
      text += "]";
      out.push_back(std::move(text));
    }
    return out;
  }

  std::size_t projection_of(const Expr& raw) const {
    if (raw.kind == ExprKind::kProjection) return raw.projection;
    for (std::size_t p = 0; p < read_.projections.size(); ++p) {
      const Expr& expr = resolved(read_.projections[p].expr);
      if (expr.kind != raw.kind || expr.variable != raw.variable || expr.property != raw.property) continue;
      if (expr.kind != ExprKind::kAggregate) return p;
      const Expr& a = expr.args[0];
      const Expr& b = raw.args[0];
      if (expr.aggregate == raw.aggregate && a.kind == b.kind && a.variable == b.variable && a.property == b.property)
        return p;
    }
    std::abort();
  }

  const query::BoundQuery& query_;
  const query::ReadQuery& read_;
  const std::vector<Scalar>& parameters_;
  const graph::Snapshot& snapshot_;
};

}  // namespace

std::vector<std::string> naive_rows(const query::BoundQuery& query, const std::vector<Scalar>& parameters,
                                    const graph::Snapshot& snapshot) {
  return Naive(query, parameters, snapshot).rows();
}

}  // namespace omnigraph::exec::testing
