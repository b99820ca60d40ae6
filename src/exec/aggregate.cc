#include "exec/aggregate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/hash.h"
#include "columnar/builder.h"
#include "columnar/kernels.h"

namespace omnigraph::exec {
namespace {

using columnar::TypeId;
using query::Aggregate;
using query::Expr;
using query::ExprKind;

constexpr std::uint32_t kNoGroup = 0xffffffffu;

std::uint64_t combine(std::uint64_t hash, std::uint64_t more) {
  return (hash ^ (more + 0x9E3779B97F4A7C15u + (hash << 6) + (hash >> 2))) * 0xD6E8FEB86659FD93u;
}

template <class T, class Each>
void for_each_number(const Column& column, const std::vector<Ordinal>& rows, Each&& each) {
  column.gather<T>(rows, [&](std::size_t i, T v) { each(i, static_cast<double>(v)); });
}

// each(i, value) for the non-null slots of a numeric column.
template <class Each>
void for_each_number(const Column& column, const std::vector<Ordinal>& rows, Each&& each) {
  switch (column.type().id) {
    case TypeId::kInt32: return for_each_number<std::int32_t>(column, rows, each);
    case TypeId::kInt64: return for_each_number<std::int64_t>(column, rows, each);
    case TypeId::kUint32: return for_each_number<std::uint32_t>(column, rows, each);
    case TypeId::kUint64: return for_each_number<std::uint64_t>(column, rows, each);
    case TypeId::kFloat32: return for_each_number<float>(column, rows, each);
    default: return for_each_number<double>(column, rows, each);
  }
}

bool is_numeric_column(const Column& column) {
  switch (column.type().id) {
    case TypeId::kInt32:
    case TypeId::kInt64:
    case TypeId::kUint32:
    case TypeId::kUint64:
    case TypeId::kFloat32:
    case TypeId::kFloat64: return true;
    default: return false;
  }
}

}  // namespace

Result<GroupPlan> GroupPlan::make(const query::ReadQuery& read, Runtime& runtime) {
  GroupPlan plan;
  for (std::size_t p = 0; p < read.projections.size(); ++p) {
    const Expr& expr = resolve_alias(read.projections[p].expr, read);
    if (expr.kind == ExprKind::kAggregate) {
      OG_ASSIGN_OR_RETURN(const std::size_t aggregate, plan.add_aggregate(expr, read, runtime));
      plan.outputs_.push_back({p, &expr, aggregate});
    } else if (expr.kind == ExprKind::kArithmetic) {
      OG_RETURN_IF_ERROR(plan.add_aggregates_of(expr, read, runtime));
      plan.outputs_.push_back({p, &expr, kArithmetic});
    } else {
      OG_RETURN_IF_ERROR(plan.add_key(p, expr, runtime));
    }
  }
  plan.choose_row_grouping(read, runtime);
  return plan;
}

Result<void> GroupPlan::add_key(std::size_t projection, const Expr& expr, Runtime& runtime) {
  Key key{projection, nullptr, expr.variable, expr.kind == ExprKind::kEntityId};
  if (!Runtime::is_constant(expr)) {
    const schema::TypeRef type = runtime.type_of(expr.variable);
    OG_ASSIGN_OR_RETURN(key.column, key.by_id ? runtime.ids(type) : runtime.property(type, expr.property));
    if (std::ranges::find(key_variables_, expr.variable) == key_variables_.end()) {
      key_variables_.push_back(expr.variable);
    }
  }
  keys_.push_back(key);
  return {};
}

std::size_t GroupPlan::find_aggregate(const Expr& expr) const {
  const auto found = std::ranges::find_if(computed_, [&](const Computed& c) { return same_expression(*c.expr, expr); });
  return static_cast<std::size_t>(found - computed_.begin());
}

// The place of the aggregate in computed_; the same one again is computed once.
Result<std::size_t> GroupPlan::add_aggregate(const Expr& expr, const query::ReadQuery& read, Runtime& runtime) {
  const std::size_t place = find_aggregate(expr);
  if (place < computed_.size()) return place;
  Computed computed{.expr = &expr, .function = expr.aggregate, .argument = {}};
  const Expr& argument = resolve_alias(expr.args[0], read);
  const bool node = expr.aggregate == Aggregate::kCount && argument.kind == ExprKind::kEntityId;
  computed.counts_rows = node && !expr.distinct && !runtime.is_optional(argument.variable);
  computed.distinct_rows = node && expr.distinct;
  computed.distinct_values = expr.distinct && !node;
  OG_ASSIGN_OR_RETURN(computed.argument, bind_expression(argument, runtime, WithoutValue::kFails));
  computed.made = makes_values(computed.argument);
  if (computed.distinct_rows) {
    OG_ASSIGN_OR_RETURN(const auto table, runtime.table(runtime.type_of(argument.variable)));
    computed.rows = table->physical_rows();
  }
  const bool column = computed.argument.kind == RowExpr::Kind::kColumn && !runtime.is_optional(argument.variable);
  if (column && is_numeric_column(*computed.argument.column)) computed.numbers = computed.argument.column;
  const bool sums = expr.aggregate == Aggregate::kSum || expr.aggregate == Aggregate::kAvg;
  sums_floats_ = sums_floats_ || (sums && !(column && argument.type.is_integer()));
  computed_.push_back(std::move(computed));
  return place;
}

Result<void> GroupPlan::add_aggregates_of(const Expr& expr, const query::ReadQuery& read, Runtime& runtime) {
  if (expr.kind == ExprKind::kAggregate) {
    OG_RETURN_IF_ERROR(add_aggregate(expr, read, runtime));
    return {};
  }
  for (const Expr& arg : expr.args) OG_RETURN_IF_ERROR(add_aggregates_of(resolve_alias(arg, read), read, runtime));
  return {};
}

// Keys of one variable that include its id or its whole @key differ from row to row: no values need be compared.
void GroupPlan::choose_row_grouping(const query::ReadQuery& read, Runtime& runtime) {
  if (key_variables_.size() != 1 || runtime.is_optional(key_variables_[0])) return;
  const schema::TypeRef type = runtime.type_of(key_variables_[0]);
  const schema::TypeConstraints& constraints = runtime.catalog().constraints_of(type);
  std::size_t members = 0;
  bool by_id = false;
  for (const std::string& member : constraints.key) {
    members += std::ranges::any_of(keys_,
                                   [&](const Key& key) {
                                     if (key.column == nullptr || key.by_id) return false;
                                     const Expr& expr = resolve_alias(read.projections[key.projection].expr, read);
                                     return runtime.catalog().properties_of(type)[expr.property].name == member;
                                   })
                   ? 1
                   : 0;
  }
  for (const Key& key : keys_) by_id = by_id || key.by_id;
  if (!by_id && (constraints.key.empty() || members < constraints.key.size())) return;
  const auto table = runtime.table(type);
  if (!table) return;
  group_by_row_ = key_variables_[0];
  group_rows_ = (*table)->physical_rows();
}

VariableSet GroupPlan::variables() const {
  VariableSet out;
  for (const VariableId v : key_variables_) out.set(v);
  const auto add = [&](const RowExpr& expr, const auto& self) -> void {
    if (expr.variable != kNoVariable) out.set(expr.variable);
    for (const RowExpr& arg : expr.args) self(arg, self);
  };
  for (const Computed& computed : computed_) {
    if (!computed.counts_rows) add(computed.argument, add);
  }
  return out;
}

GroupSink::GroupSink(const GroupPlan& plan, const query::ReadQuery& read, std::size_t variable_count)
    : plan_(plan),
      read_(read),
      states_(plan.computed_.size()),
      first_rows_(variable_count),
      group_of_row_(plan.group_rows_),
      best_(variable_count) {
  all_one_group_ = plan.key_variables_.empty();
  for (std::size_t a = 0; a < states_.size(); ++a) {
    const GroupPlan::Computed& computed = plan.computed_[a];
    if (computed.distinct_rows) states_[a].rows = std::make_unique<DistinctRows>(computed.rows);
    if (computed.distinct_values) {
      states_[a].values = std::make_unique<DistinctValues>();
      states_[a].values->set_made(computed.made);
    }
  }
  // Without a group key there is one row, also over nothing.
  if (plan.keys_.empty()) new_group(Tuples(variable_count), 0);
}

GroupSink::~GroupSink() {
  if (plan_.group_by_row_ == kNoVariable) return;
  for (const Ordinal row : first_rows_[plan_.group_by_row_]) group_of_row_[row] = 0;
}

std::uint32_t GroupSink::new_group(const Tuples& batch, std::size_t row) {
  for (const VariableId v : plan_.key_variables_) first_rows_[v].push_back(batch.columns[v][row]);
  for (std::size_t a = 0; a < states_.size(); ++a) {
    States& s = states_[a];
    s.counts.push_back(0);
    const Aggregate f = plan_.computed_[a].function;
    if (f == Aggregate::kSum || f == Aggregate::kAvg) s.sums.push_back(0), s.errors.push_back(0);
    if (f == Aggregate::kMin || f == Aggregate::kMax) s.extremes.emplace_back();
  }
  best_places_.push_back(kNoGroup);
  return group_count_++;
}

void GroupSink::grow_slots() {
  std::vector<Slot> larger(std::max<std::size_t>(64, slots_.size() * 2), Slot{0, kNoGroup});
  for (const Slot& slot : slots_) {
    if (slot.group == kNoGroup) continue;
    std::size_t at = slot.hash & (larger.size() - 1);
    while (larger[at].group != kNoGroup) at = (at + 1) & (larger.size() - 1);
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

std::uint32_t GroupSink::group_by_hash(const Tuples& batch, std::size_t row) {
  if (std::size_t{group_count_} * 2 >= slots_.size()) grow_slots();
  std::uint64_t hash = 0;
  for (const GroupPlan::Key& key : plan_.keys_) {
    if (key.column != nullptr) hash = combine(hash, group_hash(key.value(batch.columns[key.variable][row])));
  }
  hash ^= hash >> 31;
  for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.group == kNoGroup) {
      slot = {hash, new_group(batch, row)};
      return slot.group;
    }
    if (slot.hash != hash) continue;
    const bool same = std::ranges::all_of(plan_.keys_, [&](const GroupPlan::Key& key) {
      if (key.column == nullptr) return true;
      const Ordinal mine = batch.columns[key.variable][row];
      const Ordinal first = first_rows_[key.variable][slot.group];
      return mine == first || same_group(key.value(mine), key.value(first));
    });
    if (same) return slot.group;
  }
}

// The same for the commonest key, one string, without the detour over Value.
void GroupSink::find_groups_by_text(const Tuples& batch) {
  const GroupPlan::Key& key = plan_.keys_[0];
  const std::vector<Ordinal>& rows = batch.columns[key.variable];
  for (std::size_t row = 0; row < batch.size; ++row) {
    if (std::size_t{group_count_} * 2 >= slots_.size()) grow_slots();
    const bool null = rows[row] == kNoOrdinal || key.column->is_null(rows[row]);
    const std::string_view text = null ? std::string_view() : key.column->text(rows[row]);
    const TextKey text_key = null ? TextKey::of_null() : TextKey::of(text);
    const std::uint64_t hash = text_key.hash();
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.group == kNoGroup) {
        slot = {hash, new_group(batch, row)};
        texts_.push_back(text);
        text_keys_.push_back(text_key);
      } else if (slot.hash != hash || text_keys_[slot.group] != text_key ||
                 (!text_key.is_exact() && texts_[slot.group] != text)) {
        continue;
      }
      groups_[row] = slot.group;
      break;
    }
  }
}

// Fills groups_ for the batch.
void GroupSink::find_groups(const Tuples& batch) {
  if (all_one_group_) {
    if (group_count_ == 0) new_group(batch, 0);
    return;
  }
  groups_.resize(batch.size);
  if (plan_.group_by_row_ == kNoVariable) {
    const bool text = plan_.keys_.size() == 1 && plan_.keys_[0].column->type().id == TypeId::kUtf8;
    if (text) return find_groups_by_text(batch);
    for (std::size_t row = 0; row < batch.size; ++row) groups_[row] = group_by_hash(batch, row);
    return;
  }
  const std::vector<Ordinal>& rows = batch.columns[plan_.group_by_row_];
  for (std::size_t row = 0; row < batch.size; ++row) {
    std::uint64_t& known = group_of_row_[rows[row]];
    if (known == 0) known = std::uint64_t{new_group(batch, row)} + 1;
    groups_[row] = static_cast<std::uint32_t>(known - 1);
  }
}

// The aggregate whose count comes first in a descending order; none: computed_.size().
std::size_t GroupPlan::leading_count(const query::ReadQuery& read) const {
  const std::size_t none = computed_.size();
  if (group_by_row_ == kNoVariable || read.ranked || read.distinct || read.order.empty()) return none;
  if (!read.order[0].descending) return none;
  const std::size_t aggregate = find_aggregate(resolve_alias(read.order[0].expr, read));
  return aggregate < none && computed_[aggregate].counts_rows ? aggregate : none;
}

// Weights are the counts of whole groups here: those below the count of the worst group that is still wanted are
// passed over.
void GroupSink::push_best(const Tuples& batch) {
  constexpr std::size_t kSliceRows = 256;  // After how many rows a better bound is looked for.
  for (std::size_t begin = 0; begin < batch.size; begin += kSliceRows) {
    const std::size_t end = std::min(batch.size, begin + kSliceRows);
    best_.clear();
    std::array<std::uint32_t, kSliceRows> rows;
    std::size_t count = 0;
    for (std::size_t row = begin; row < end; ++row) {  // Without a branch: most are passed over, in no pattern.
      rows[count] = static_cast<std::uint32_t>(row);
      count += batch.weight(row) >= least_count_ ? 1 : 0;
    }
    for (std::size_t v = 0; v < batch.columns.size() && count > 0; ++v) {
      if (batch.columns[v].empty()) continue;
      for (std::size_t i = 0; i < count; ++i) best_.columns[v].push_back(batch.columns[v][rows[i]]);
    }
    for (std::size_t i = 0; i < count; ++i) best_.weights.push_back(batch.weight(rows[i]));
    best_.size = count;
    if (best_.size > 0) add(best_);
    if (group_count_ < next_bound_) continue;
    next_bound_ = group_count_ * 2;
    std::vector<std::uint64_t> counts = states_[plan_.leading_count(read_)].counts;
    const auto worst = counts.begin() + static_cast<std::ptrdiff_t>(wanted_groups_ - 1);
    std::nth_element(counts.begin(), worst, counts.end(), std::greater<>());
    least_count_ = std::max(least_count_, *worst);
  }
}

void GroupSink::keep_best(std::uint64_t count) {
  constexpr std::uint64_t kGroupsMax = 4096;  // Beyond it the bound is not worth looking for.
  if (count == 0 || count > kGroupsMax || plan_.leading_count(read_) == states_.size()) return;
  wanted_groups_ = count;
  next_bound_ = static_cast<std::uint32_t>(count);
}

void GroupSink::push(const Tuples& batch) {
  if (wanted_groups_ > 0) {
    push_best(batch);
  } else if (batch.size > 0) {
    add(batch);
  }
}

void GroupSink::add(const Tuples& batch) {
  find_groups(batch);
  for (std::size_t a = 0; a < states_.size(); ++a) accumulate(a, batch);
  if (rank_places_ == nullptr) return;
  for (std::size_t row = 0; row < batch.size; ++row) {
    std::uint32_t& best = best_places_[all_one_group_ ? 0 : groups_[row]];
    best = std::min(best, (*rank_places_)[batch.columns[rank_variable_][row]]);
  }
}

void GroupSink::add_number(States& states, std::uint32_t group, double value, std::uint64_t weight) {
  double term = value;
  double rounded = 0;
  if (weight != 1) {
    const auto w = static_cast<double>(weight);
    term = value * w;
    rounded = std::fma(value, w, -term);
  }
  double& sum = states.sums[group];
  const double before = sum;
  sum += term;
  const double gained = sum - before;
  states.errors[group] += (before - (sum - gained)) + (term - gained) + rounded;
}

void GroupSink::take_extreme(States& states, bool minimum, std::uint32_t group, const Value& value) {
  Value& best = states.extremes[group];
  if (!best.is_null()) {
    const int o = order(value, best);
    if (minimum ? o >= 0 : o <= 0) return;
  }
  best = value;
}

// One distinct value more, if it is new.
void GroupSink::count_distinct(std::size_t a, std::uint32_t group, const Tuples& batch, std::size_t row) {
  States& states = states_[a];
  const GroupPlan::Computed& computed = plan_.computed_[a];
  if (computed.distinct_rows) {
    const Ordinal node = batch.columns[computed.argument.variable][row];
    if (node != kNoOrdinal && states.rows->insert(group, node)) ++states.counts[group];
    return;
  }
  const EvaluationScope scope;
  const Value v = evaluate(computed.argument, batch, row);
  if (!v.is_null() && states.values->insert(group, v)) ++states.counts[group];
}

void GroupSink::accumulate(std::size_t a, const Tuples& batch) {
  const GroupPlan::Computed& computed = plan_.computed_[a];
  States& states = states_[a];
  const auto group = [&](std::size_t row) { return all_one_group_ ? 0u : groups_[row]; };
  if (computed.counts_rows) {
    if (all_one_group_ && batch.weights.empty()) {
      states.counts[0] += batch.size;
      return;
    }
    if (!all_one_group_ && batch.weights.empty()) {
      for (const std::uint32_t g : groups_) ++states.counts[g];
      return;
    }
    for (std::size_t row = 0; row < batch.size; ++row) states.counts[group(row)] += batch.weight(row);
    return;
  }
  if (computed.distinct_rows || computed.distinct_values) {
    for (std::size_t row = 0; row < batch.size; ++row) count_distinct(a, group(row), batch, row);
    return;
  }
  const bool sums = computed.function == Aggregate::kSum || computed.function == Aggregate::kAvg;
  if (sums && computed.numbers != nullptr && batch.weights.empty()) {
    const std::vector<Ordinal>& rows = batch.columns[computed.argument.variable];
    return all_one_group_ ? sum_all(a, rows) : sum_by_group(a, rows);
  }
  if (sums && computed.numbers != nullptr) {
    for_each_number(*computed.numbers, batch.columns[computed.argument.variable], [&](std::size_t row, double v) {
      states.counts[group(row)] += batch.weight(row);
      add_number(states, group(row), v, batch.weight(row));
    });
    return;
  }
  for (std::size_t row = 0; row < batch.size; ++row) {
    const EvaluationScope scope;
    Value v = evaluate(computed.argument, batch, row);
    if (v.is_null()) continue;
    states.counts[group(row)] += batch.weight(row);
    if (sums) add_number(states, group(row), to_double(v), batch.weight(row));
    if (states.extremes.empty()) continue;
    if (computed.made && v.kind == Value::Kind::kString) v.text = made_texts_.emplace_back(v.text);
    take_extreme(states, computed.function == Aggregate::kMin, group(row), v);
    // A text that lost is dropped at once.
    if (computed.made && v.kind == Value::Kind::kString && states.extremes[group(row)].text.data() != v.text.data()) {
      made_texts_.pop_back();
    }
  }
}

void GroupSink::sum_by_group(std::size_t a, const std::vector<Ordinal>& rows) {
  const std::uint32_t* const groups = groups_.data();
  std::uint64_t* const counts = states_[a].counts.data();
  double* const sums = states_[a].sums.data();
  double* const errors = states_[a].errors.data();
  for_each_number(*plan_.computed_[a].numbers, rows, [=](std::size_t row, double value) {
    const std::uint32_t g = groups[row];
    const double before = sums[g];
    const double sum = before + value;
    const double gained = sum - before;
    ++counts[g];
    sums[g] = sum;
    errors[g] += (before - (sum - gained)) + (value - gained);
  });
}

void GroupSink::sum_all(std::size_t a, const std::vector<Ordinal>& rows) {
  std::array<double, 64 * LaneSums::kLanes> dense{};
  LaneSums sums;
  std::size_t filled = 0;
  States& states = states_[a];
  const auto empty = [&] {
    sums.add(dense.data(), filled);
    states.counts[0] += filled;
    filled = 0;
  };
  for_each_number(*plan_.computed_[a].numbers, rows, [&](std::size_t, double v) {
    dense[filled++] = v;
    if (filled == dense.size()) empty();
  });
  empty();
  add_lanes(states, sums);
}

// To the sum of the only group.
void GroupSink::add_lanes(States& states, const LaneSums& sums) {
  for (std::size_t lane = 0; lane < LaneSums::kLanes; ++lane) {
    add_number(states, 0, sums.sum(lane), 1);
    states.errors[0] += sums.error(lane);
  }
}

void GroupSink::absorb(const GroupSink& other) {
  // The other's groups are rows of a batch that holds their first rows.
  Tuples batch(first_rows_.size());
  for (const VariableId v : plan_.key_variables_) batch.columns[v] = other.first_rows_[v];
  batch.size = other.group_count_;
  if (batch.size == 0) return;
  find_groups(batch);
  for (std::uint32_t from = 0; from < other.group_count_; ++from) {
    const std::uint32_t to = all_one_group_ ? 0 : groups_[from];
    best_places_[to] = std::min(best_places_[to], other.best_places_[from]);
    for (std::size_t a = 0; a < states_.size(); ++a) {
      States& mine = states_[a];
      const States& theirs = other.states_[a];
      if (mine.rows == nullptr && mine.values == nullptr) mine.counts[to] += theirs.counts[from];
      if (!mine.sums.empty()) {
        add_number(mine, to, theirs.sums[from], 1);
        mine.errors[to] += theirs.errors[from];
      }
      if (!mine.extremes.empty() && !theirs.extremes[from].is_null()) {
        Value theirs_best = theirs.extremes[from];
        if (plan_.computed_[a].made && theirs_best.kind == Value::Kind::kString) {
          theirs_best.text = made_texts_.emplace_back(theirs_best.text);
        }
        take_extreme(mine, plan_.computed_[a].function == Aggregate::kMin, to, theirs_best);
      }
    }
  }
  for (std::size_t a = 0; a < states_.size(); ++a) absorb_distinct(a, other);
}

// Their distinct values, as far as they are new here. groups_ holds where their groups went.
void GroupSink::absorb_distinct(std::size_t a, const GroupSink& other) {
  States& mine = states_[a];
  const auto group = [&](std::uint32_t theirs) { return all_one_group_ ? 0u : groups_[theirs]; };
  if (mine.rows != nullptr) {
    other.states_[a].rows->for_each([&](std::uint32_t theirs, Ordinal row) {
      if (mine.rows->insert(group(theirs), row)) ++mine.counts[group(theirs)];
    });
  }
  if (mine.values != nullptr) {
    other.states_[a].values->for_each([&](std::uint32_t theirs, const Value& value) {
      if (mine.values->insert(group(theirs), value)) ++mine.counts[group(theirs)];
    });
  }
}

std::uint64_t GroupSink::held_bytes() const {
  const auto bytes_of = [](const auto& list) { return list.capacity() * sizeof(list[0]); };
  constexpr std::uint64_t kMadeTextBytes = 64;  // a guess
  std::uint64_t bytes = bytes_of(slots_) + bytes_of(texts_) + bytes_of(text_keys_) + bytes_of(best_places_) +
                        made_texts_.size() * kMadeTextBytes;
  for (const VariableId v : plan_.key_variables_) bytes += bytes_of(first_rows_[v]);
  for (const States& states : states_) {
    bytes += bytes_of(states.counts) + bytes_of(states.sums) + bytes_of(states.errors) + bytes_of(states.extremes);
    if (states.rows != nullptr) bytes += states.rows->held_bytes();
    if (states.values != nullptr) bytes += states.values->held_bytes();
  }
  return bytes;
}

Value GroupSink::key_value(std::size_t key, std::uint32_t group) const {
  const GroupPlan::Key& k = plan_.keys_[key];
  return k.column == nullptr ? Value() : k.value(first_rows_[k.variable][group]);
}

Value GroupSink::computed_value(std::size_t a, std::uint32_t group) const {
  const States& s = states_[a];
  const std::uint64_t count = s.counts[group];
  switch (plan_.computed_[a].function) {
    case Aggregate::kCount: return Value::of_int(static_cast<std::int64_t>(count));
    case Aggregate::kMin:
    case Aggregate::kMax: return s.extremes[group];
    case Aggregate::kSum:
    case Aggregate::kAvg: break;
  }
  if (count == 0) return {};
  // Once the sum is infinite the correction is meaningless.
  const double sum = std::isfinite(s.sums[group]) ? s.sums[group] + s.errors[group] : s.sums[group];
  return Value::of_double(plan_.computed_[a].function == Aggregate::kSum ? sum : sum / static_cast<double>(count));
}

Value GroupSink::output_value(const GroupPlan::Output& output, std::uint32_t group, Runtime& runtime) const {
  if (output.aggregate != GroupPlan::kArithmetic) return computed_value(output.aggregate, group);
  return evaluate_over(*output.expr, group, runtime);
}

Value GroupSink::evaluate_over(const Expr& written, std::uint32_t group, Runtime& runtime) const {
  const Expr& expr = resolve_alias(written, read_);
  if (expr.kind == ExprKind::kAggregate) return computed_value(plan_.find_aggregate(expr), group);
  if (expr.kind != ExprKind::kArithmetic) return value_of(runtime.scalar(expr));
  const Value a = evaluate_over(expr.args[0], group, runtime);
  const Value b = expr.args.size() > 1 ? evaluate_over(expr.args[1], group, runtime) : Value();
  const auto result = arithmetic(expr.arithmetic, a, b);
  if (result) return *result;
  runtime.fail(query_error(std::string(query::no_value_text(result.error())) + " in " + expr.written));
  return {};
}

// The order's items, then the group keys in projection order, of distinct rows all columns; a rank order goes before
// all. The first `count` groups.
std::vector<std::uint32_t> GroupSink::ordered_groups(std::uint64_t count, Runtime& runtime) const {
  struct Item {
    bool is_key;
    std::size_t index;  // in keys_, outputs_
    bool descending;
  };
  std::vector<Item> items;
  const auto item_of = [&](std::size_t projection, bool descending) {
    for (std::size_t k = 0; k < plan_.keys_.size(); ++k) {
      if (plan_.keys_[k].projection == projection) items.push_back({true, k, descending});
    }
    for (std::size_t o = 0; o < plan_.outputs_.size(); ++o) {
      if (plan_.outputs_[o].projection == projection) items.push_back({false, o, descending});
    }
  };
  for (std::size_t i = read_.ranked ? 1 : 0; i < read_.order.size(); ++i) {
    const Expr& expr = resolve_alias(read_.order[i].expr, read_);
    for (std::size_t p = 0; p < read_.projections.size(); ++p) {
      if (!same_expression(resolve_alias(read_.projections[p].expr, read_), expr)) continue;
      item_of(p, read_.order[i].descending);
      break;
    }
  }
  if (read_.distinct) {
    for (std::size_t p = 0; p < read_.projections.size(); ++p) item_of(p, false);
  } else {
    for (std::size_t k = 0; k < plan_.keys_.size(); ++k) items.push_back({true, k, false});
  }

  const auto value = [&](const Item& item, std::uint32_t group) {
    return item.is_key ? key_value(item.index, group) : output_value(plan_.outputs_[item.index], group, runtime);
  };
  std::vector<std::uint32_t> index(group_count_);
  std::iota(index.begin(), index.end(), 0u);
  if (read_.order.empty()) {
    if (index.size() > count) index.resize(static_cast<std::size_t>(count));
    return index;
  }
  std::vector<std::uint64_t> prefixes(group_count_, 0);
  const std::size_t first =
      items.empty() || items[0].is_key ? GroupPlan::kArithmetic : plan_.outputs_[items[0].index].aggregate;
  const bool by_count = first != GroupPlan::kArithmetic && plan_.computed_[first].function == Aggregate::kCount;
  for (std::uint32_t g = 0; g < group_count_ && !items.empty(); ++g) {
    const EvaluationScope scope;
    const std::uint64_t prefix = by_count ? states_[first].counts[g] : order_prefix(value(items[0], g));
    prefixes[g] = items[0].descending ? ~prefix : prefix;
  }
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    if (best_places_[a] != best_places_[b]) return best_places_[a] < best_places_[b];
    if (prefixes[a] != prefixes[b]) return prefixes[a] < prefixes[b];
    for (const Item& item : items) {
      const EvaluationScope scope;
      const int o = order(value(item, a), value(item, b));
      if (o != 0) return item.descending ? o > 0 : o < 0;
    }
    return false;
  };
  if (index.size() > count) {
    const auto middle = index.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(index.begin(), middle, index.end(), before);
    index.erase(middle, index.end());
  }
  std::ranges::sort(index, before);
  return index;
}

Result<ReadResult> GroupSink::result(const Window& window, Runtime& runtime) {
  ReadResult result = empty_result(read_);
  std::vector<std::uint32_t> groups = ordered_groups(window.end(), runtime);
  groups.erase(groups.begin(),
               groups.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(window.offset, groups.size())));
  for (const GroupPlan::Key& key : plan_.keys_) {
    const Expr& expr = resolve_alias(read_.projections[key.projection].expr, read_);
    if (key.column != nullptr) {
      std::vector<Ordinal> rows;
      for (const std::uint32_t g : groups) rows.push_back(first_rows_[key.variable][g]);
      result.rows.columns[key.projection] = columnar::take(key.column->data(), rows);
      continue;
    }
    columnar::ArrayBuilder builder(schema::column_type(expr.type));
    for (std::size_t i = 0; i < groups.size(); ++i) append_value(builder, value_of(runtime.scalar(expr)));
    result.rows.columns[key.projection] = builder.finish();
  }
  for (const GroupPlan::Output& output : plan_.outputs_) {
    columnar::ArrayBuilder builder(schema::column_type(output.expr->type));
    for (const std::uint32_t g : groups) {
      const EvaluationScope scope;
      append_value(builder, output_value(output, g, runtime));
    }
    result.rows.columns[output.projection] = builder.finish();
  }
  for (std::size_t p = 0; p < result.rows.columns.size(); ++p) {
    result.rows.fields[p].type = result.rows.columns[p]->type();
  }
  result.rows.length = static_cast<std::int64_t>(groups.size());
  return result;
}

}  // namespace omnigraph::exec
