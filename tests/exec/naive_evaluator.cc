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

bool is_not_a_number(const Scalar& s) {
  const auto value = number(s);
  return value.has_value() && std::isnan(*value);
}

// -1, 0, 1; REQUIRES comparable, not null, no NaN.
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

// Total order of results: null first, NaN after all numbers, lists item by item.
int order_values(const Scalar& a, const Scalar& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null() ? 0 : a.is_null() ? -1 : 1;
  if (is_not_a_number(a) || is_not_a_number(b)) {
    return static_cast<int>(is_not_a_number(a)) - static_cast<int>(is_not_a_number(b));
  }
  const auto* left = std::get_if<columnar::ScalarList>(&a.value);
  const auto* right = std::get_if<columnar::ScalarList>(&b.value);
  if (left != nullptr && right != nullptr) {
    for (std::size_t i = 0; i < std::min(left->size(), right->size()); ++i) {
      if (const int o = order_values((*left)[i], (*right)[i]); o != 0) return o;
    }
    return left->size() < right->size() ? -1 : left->size() > right->size() ? 1 : 0;
  }
  return compare_values(a, b);
}

std::string json_text(const Scalar& s) {
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
  Scalar id_of(TypeRef type, Ordinal row) const {
    if (row == kNoOrdinal) return {};
    return cell(*snapshot_.table(type).value()->ids().value(), row);
  }
  std::string id_text(TypeRef type, Ordinal row) const { return std::get<std::string>(id_of(type, row).value); }

  const Expr& resolved(const Expr& expr) const {
    return expr.kind == ExprKind::kProjection ? resolved(read_.projections[expr.projection].expr) : expr;
  }

  Scalar value(const Expr& raw, const Environment& e) const {
    const Expr& expr = resolved(raw);
    switch (expr.kind) {
      case ExprKind::kLiteral: return expr.literal;
      case ExprKind::kParameter: return parameters_[expr.parameter];
      case ExprKind::kEntityId: return id_of(read_.variables[expr.variable].type, e[expr.variable]);
      case ExprKind::kProperty:
        if (e[expr.variable] == kNoOrdinal) return {};
        return cell(*snapshot_.table(read_.variables[expr.variable].type).value()->property(expr.property).value(),
                    e[expr.variable]);
      case ExprKind::kCompare: {
        const Truth t = compare(expr.op, value(expr.args[0], e), value(expr.args[1], e));
        return t.has_value() ? Scalar{*t} : Scalar{};
      }
      case ExprKind::kAnd:
      case ExprKind::kOr: {
        const bool decisive = expr.kind == ExprKind::kOr;
        bool unknown = false;
        for (const Expr& arg : expr.args) {
          const Scalar part = value(arg, e);
          const auto* flag = std::get_if<bool>(&part.value);
          if (flag != nullptr && *flag == decisive) return Scalar{decisive};
          unknown = unknown || flag == nullptr;
        }
        return unknown ? Scalar{} : Scalar{!decisive};
      }
      case ExprKind::kNot: {
        const Scalar part = value(expr.args[0], e);
        const auto* flag = std::get_if<bool>(&part.value);
        return flag == nullptr ? Scalar{} : Scalar{!*flag};
      }
      case ExprKind::kIsNull: return Scalar{value(expr.args[0], e).is_null() != expr.negated};
      case ExprKind::kArithmetic:
        return compute(expr.arithmetic, value(expr.args[0], e),
                       expr.args.size() > 1 ? value(expr.args[1], e) : Scalar{});
      case ExprKind::kPath: return path_value(expr, e);
      default: std::abort();  // The generator makes no others.
    }
  }

  // No value is null: the generator uses fallible arithmetic in match only.
  static Scalar compute(query::Arithmetic op, const Scalar& a, const Scalar& b) {
    const bool unary = op == query::Arithmetic::kNegate;
    if (a.is_null() || (!unary && b.is_null())) return {};
    if (const auto* text = std::get_if<std::string>(&a.value)) return {*text + std::get<std::string>(b.value)};
    const auto real = [](const Scalar& s) {
      return std::holds_alternative<float>(s.value) || std::holds_alternative<double>(s.value);
    };
    if (real(a) || (!unary && real(b))) {
      const auto x = static_cast<double>(*number(a));
      const double y = unary ? 0 : static_cast<double>(*number(b));
      switch (op) {
        case query::Arithmetic::kAdd: return {x + y};
        case query::Arithmetic::kSubtract: return {x - y};
        case query::Arithmetic::kMultiply: return {x * y};
        case query::Arithmetic::kDivide: return {x / y};
        case query::Arithmetic::kRemainder: return {std::fmod(x, y)};
        case query::Arithmetic::kNegate: return {-x};
      }
    }
    __extension__ using Wide = __int128;
    const auto wide = [](const Scalar& s) -> Wide {
      if (const auto* u = std::get_if<std::uint64_t>(&s.value)) return static_cast<Wide>(*u);
      return std::get<std::int64_t>(s.value);
    };
    const Wide x = wide(a);
    const Wide y = unary ? 0 : wide(b);
    const Wide high = std::numeric_limits<std::int64_t>::max();
    if (x > high || y > high) return {};
    Wide result = 0;
    switch (op) {
      case query::Arithmetic::kAdd: result = x + y; break;
      case query::Arithmetic::kSubtract: result = x - y; break;
      case query::Arithmetic::kMultiply: result = x * y; break;
      case query::Arithmetic::kNegate: result = -x; break;
      case query::Arithmetic::kDivide:
        if (y == 0) return {};
        result = x / y;
        break;
      case query::Arithmetic::kRemainder:
        if (y == 0) return {};
        result = x % y;
        break;
    }
    if (result > high || result < -high - 1) return {};
    return {static_cast<std::int64_t>(result)};
  }

  // All walks of the right length are listed; the least wins.
  Scalar path_value(const Expr& expr, const Environment& e) const {
    const query::Path& path = read_.paths[expr.path];
    const Traversal& t = path.traversal;
    if (read_.variables[path.variable].optional && e[path.variable] == kNoOrdinal) return {};
    if (e[t.from] == kNoOrdinal || e[t.to] == kNoOrdinal || !connected(t, e[t.from], e[t.to])) return {};
    const schema::EdgeType& type = query_.catalog->edges[t.edge_type];
    std::uint32_t length = 1;
    bool looped = false;
    if (type.source_index == type.target_index) {
      const std::uint32_t d = distances(t, e[t.from]).at(e[t.to]);
      looped = !(d >= 1 && d >= t.min_hops && d <= t.max_hops);
      length = d;
    }
    std::vector<std::pair<std::vector<std::string>, std::vector<Ordinal>>> found;
    std::vector<Ordinal> walk{e[t.from]};
    list_walks(t, e[t.to], length, walk, found);
    std::vector<Ordinal> nodes = std::ranges::min_element(found)->second;
    if (looped) nodes.push_back(e[t.to]);
    columnar::ScalarList out;
    if (expr.function == "length") return {static_cast<std::int64_t>(nodes.size() - 1)};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (expr.function == "nodes") {
        out.push_back(id_of(read_.variables[i == 0 ? t.from : t.to].type, nodes[i]));
      } else if (i > 0) {
        std::optional<std::string> least;
        for (const Edge& edge : edges(t.edge_type)) {
          if (!goes(t, edge, nodes[i - 1], nodes[i])) continue;
          std::string id = id_text({EntityKind::kEdge, t.edge_type}, edge.row);
          if (!least.has_value() || id < *least) least = std::move(id);
        }
        out.push_back({*least});
      }
    }
    return {std::move(out)};
  }

  void list_walks(const Traversal& t, Ordinal to, std::uint32_t left, std::vector<Ordinal>& walk,
                  std::vector<std::pair<std::vector<std::string>, std::vector<Ordinal>>>& found) const {
    if (left == 0) {
      if (walk.back() != to) return;
      std::vector<std::string> ids;
      for (std::size_t i = 1; i < walk.size(); ++i) ids.push_back(id_text(read_.variables[t.to].type, walk[i]));
      found.emplace_back(std::move(ids), walk);
      return;
    }
    std::set<Ordinal> next;
    for (const Edge& edge : edges(t.edge_type)) {
      for (const Ordinal w : {edge.source, edge.target}) {
        if (goes(t, edge, walk.back(), w)) next.insert(w);
      }
    }
    for (const Ordinal w : next) {
      walk.push_back(w);
      list_walks(t, to, left - 1, walk, found);
      walk.pop_back();
    }
  }

  static Truth compare(CompareOp op, const Scalar& a, const Scalar& b) {
    if (a.is_null() || b.is_null()) return std::nullopt;
    if (is_not_a_number(a) || is_not_a_number(b)) return op == CompareOp::kNotEqual;
    switch (op) {
      case CompareOp::kEqual: return compare_values(a, b) == 0;
      case CompareOp::kNotEqual: return compare_values(a, b) != 0;
      case CompareOp::kLess: return compare_values(a, b) < 0;
      case CompareOp::kLessEqual: return compare_values(a, b) <= 0;
      case CompareOp::kGreater: return compare_values(a, b) > 0;
      case CompareOp::kGreaterEqual: return compare_values(a, b) >= 0;
      case CompareOp::kStartsWith: return std::get<std::string>(a.value).starts_with(std::get<std::string>(b.value));
      case CompareOp::kContains: break;
    }
    if (const auto* list = std::get_if<columnar::ScalarList>(&a.value)) {
      return std::ranges::any_of(*list,
                                 [&](const Scalar& item) { return compare(CompareOp::kEqual, item, b) == true; });
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

  std::map<Ordinal, std::uint32_t> distances(const Traversal& t, Ordinal from) const {
    const auto all = edges(t.edge_type);
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
    return distance;
  }

  bool connected(const Traversal& t, Ordinal from, Ordinal to) const {
    if (from == kNoOrdinal || to == kNoOrdinal) return false;
    const auto all = edges(t.edge_type);
    const schema::EdgeType& type = query_.catalog->edges[t.edge_type];
    if (type.source_index != type.target_index) {
      return t.min_hops == 1 && std::ranges::any_of(all, [&](const Edge& edge) { return goes(t, edge, from, to); });
    }
    const auto distance = distances(t, from);
    if (!distance.contains(to)) return false;
    const std::uint32_t d = distance.at(to);
    if (d >= 1 && d >= t.min_hops && d <= t.max_hops) return true;
    const bool loop =
        std::ranges::any_of(all, [&](const Edge& edge) { return edge.source == to && edge.target == to; });
    return loop && d + 1 >= t.min_hops && d + 1 <= t.max_hops;
  }

  using Visit = std::function<bool(const Environment&)>;

  // Tries all values of the block's node variables from the i-th on; false: the visitor wants no more.
  bool extend(const Block& block, std::size_t i, Environment& e, const Visit& visit) const {
    if (i == 0) {
      for (const query::VariableId v : block.variables) {
        if (read_.variables[v].path) e[v] = 0;
      }
    }
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

  // The positive part holds; from null there is no extension.
  bool check(const Block& block, Environment& e, const Visit& visit) const {
    for (const query::VariableId v : block.bindings) {
      if (e[v] == kNoOrdinal) return true;
    }
    return extend_optionals(block, 0, e, visit);
  }

  static void nullify(const Block& block, Environment& e) {
    for (const query::VariableId v : block.variables) e[v] = kNoOrdinal;
    for (const Block& inner : block.optionals) nullify(inner, e);
  }

  bool extend_optionals(const Block& block, std::size_t i, const Environment& e, const Visit& visit) const {
    if (i == block.optionals.size()) return check_filters(block, e, visit);
    bool found = false;
    bool more = true;
    Environment inner = e;
    extend(block.optionals[i], 0, inner, [&](const Environment& extended) {
      found = true;
      more = extend_optionals(block, i + 1, extended, visit);
      return more;
    });
    if (found) return more;
    Environment without = e;
    nullify(block.optionals[i], without);
    return extend_optionals(block, i + 1, without, visit);
  }

  bool check_filters(const Block& block, const Environment& e, const Visit& visit) const {
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
    if (read_.distinct) return distinct(matches);
    std::vector<query::VariableId> by_name;
    for (query::VariableId v = 0; v < read_.variables.size(); ++v) {
      if (read_.variables[v].depth == 0 && !read_.variables[v].path) by_name.push_back(v);
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
        row += json_text(value(read_.projections[p].expr, e));
      }
      row += "]";
      out.push_back(std::move(row));
    }
    return out;
  }

  static std::string text_of(const std::vector<Scalar>& row) {
    std::string text = "[";
    for (std::size_t p = 0; p < row.size(); ++p) text += (p > 0 ? "," : "") + json_text(row[p]);
    return text + "]";
  }

  // Equal values have equal texts.
  static std::string key_of(const Scalar& s) {
    const std::string text = json_text(s);
    return text == "-0.0" ? "0.0" : text;
  }

  std::vector<std::string> distinct(const std::vector<Environment>& matches) const {
    std::vector<std::vector<Scalar>> rows;
    std::set<std::string> seen;
    for (const Environment& e : matches) {
      std::vector<Scalar> row;
      std::string key;
      for (const query::Projection& p : read_.projections) {
        row.push_back(value(p.expr, e));
        key += key_of(row.back()) + "|";
      }
      if (seen.insert(key).second) rows.push_back(std::move(row));
    }
    sort_by_columns(rows);
    std::vector<std::string> out;
    for (const auto& row : rows) out.push_back(text_of(row));
    return out;
  }

  void sort_by_columns(std::vector<std::vector<Scalar>>& rows) const {
    std::ranges::stable_sort(rows, [&](const auto& a, const auto& b) {
      for (const query::OrderItem& item : read_.order) {
        const std::size_t p = projection_of(item.expr);
        const int o = order_values(a[p], b[p]);
        if (o != 0) return item.descending ? o > 0 : o < 0;
      }
      for (std::size_t p = 0; p < read_.projections.size(); ++p) {
        if (const int o = order_values(a[p], b[p]); o != 0) return o < 0;
      }
      return false;
    });
  }

  bool is_aggregated(const Expr& raw) const {
    const Expr& expr = resolved(raw);
    return expr.kind == ExprKind::kAggregate ||
           std::ranges::any_of(expr.args, [&](const Expr& arg) { return is_aggregated(arg); });
  }

  Scalar group_value(const Expr& raw, const std::vector<Environment>& group) const {
    const Expr& expr = resolved(raw);
    if (expr.kind == ExprKind::kAggregate) return aggregate(expr, group);
    if (!is_aggregated(expr)) return group.empty() ? value(expr, {}) : value(expr, group[0]);
    return compute(expr.arithmetic, group_value(expr.args[0], group),
                   expr.args.size() > 1 ? group_value(expr.args[1], group) : Scalar{});
  }

  Scalar aggregate(const Expr& expr, const std::vector<Environment>& group) const {
    std::vector<Scalar> values;
    for (const Environment& e : group) {
      Scalar v = value(expr.args[0], e);
      if (!v.is_null()) values.push_back(std::move(v));
    }
    if (expr.distinct) {
      std::set<std::string> seen;
      for (const Scalar& v : values) seen.insert(key_of(v));
      return {static_cast<std::int64_t>(seen.size())};
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
    for (const query::Projection& p : read_.projections) has_key = has_key || !is_aggregated(p.expr);
    if (!has_key) groups[""] = {};
    for (const Environment& e : matches) {
      std::string key;
      for (const query::Projection& p : read_.projections) {
        if (is_aggregated(p.expr)) continue;
        const std::string text = json_text(value(p.expr, e));
        key += (text == "-0.0" ? "0.0" : text) + "|";  // One group.
      }
      groups[key].push_back(e);
    }
    std::vector<std::vector<Scalar>> rows;
    for (const auto& [key, group] : groups) {
      std::vector<Scalar> row;
      for (const query::Projection& p : read_.projections) {
        row.push_back(group_value(p.expr, group));
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
        if (!read_.distinct && is_aggregated(read_.projections[p].expr)) continue;
        if (const int o = order_values(a[p], b[p]); o != 0) return o < 0;
      }
      return false;
    });
    std::vector<std::string> out;
    for (const auto& row : rows) {
      std::string text = "[";
      for (std::size_t p = 0; p < row.size(); ++p) {
        if (p > 0) text += ",";
        text += json_text(row[p]);
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
