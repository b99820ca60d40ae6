// The rows that a merge puts on its target: copies of the source's, blobs with them; endpoints are resolved again by
// the write path, since the target numbers its rows itself (chapter 09 section 6).
#include <algorithm>

#include "columnar/builder.h"
#include "graph/merge_plan.h"
#include "graph/row_equal.h"

namespace omnigraph::graph {
namespace {

// Copies rows of one type into staged batches of the target's columns.
class RowCopier {
 public:
  static Result<RowCopier> open(const MergeStates& states, const MergedType& type) {
    OG_ASSIGN_OR_RETURN(TableViewPtr source, states.source->table(*type.source));
    OG_ASSIGN_OR_RETURN(TableViewPtr target, states.target->table(*type.target));
    std::vector<std::optional<std::size_t>> columns(states.target->catalog()->properties_of(*type.target).size());
    for (const PropertyPair& pair : pair_properties(*states.source, *type.source, *states.target, *type.target)) {
      if (pair.b) columns[*pair.b] = pair.a;
    }
    return RowCopier(std::move(source), std::move(target), std::move(columns));
  }

  // Appends the rows that actions[begin, end) put to `out`.
  Result<void> copy(std::span<const MergeAction* const> actions, StagedRows& out) {
    columnar::Batch batch{.fields = out.fields(), .columns = {}, .length = static_cast<std::int64_t>(actions.size())};
    const std::size_t system = staged_system_columns(out.type().kind);
    for (std::size_t c = 0; c < out.fields().size(); ++c) {
      columnar::ArrayBuilder column(out.fields()[c].type);
      for (const MergeAction* action : actions) {
        OG_ASSIGN_OR_RETURN(const std::optional<Cell> cell,
                            c < system ? system_cell(*action, c) : property_cell(*action, c - system));
        if (cell) {
          column.append_from(*cell->array, cell->index);
        } else {
          column.append_null();
        }
      }
      batch.columns.push_back(column.finish());
    }
    return out.append(std::move(batch));
  }

 private:
  RowCopier(TableViewPtr source, TableViewPtr target, std::vector<std::optional<std::size_t>> columns)
      : source_(std::move(source)), target_(std::move(target)), columns_(std::move(columns)) {}

  Result<std::optional<Cell>> system_cell(const MergeAction& action, std::size_t column) {
    if (!action.from_source.empty() && !action.from_source.back()) return found(target_.system(column, action.target));
    return found(source_.system(column, action.source));
  }
  Result<std::optional<Cell>> property_cell(const MergeAction& action, std::size_t property) {
    if (!action.from_source.empty() && !action.from_source[property]) {
      return found(target_.property(property, action.target));
    }
    if (!columns_[property]) return std::optional<Cell>{};
    return found(source_.property(*columns_[property], action.source));
  }
  static Result<std::optional<Cell>> found(Result<Cell> cell) {
    if (!cell) return std::unexpected(std::move(cell).error());
    return std::optional<Cell>(*cell);
  }

  RowReader source_, target_;
  std::vector<std::optional<std::size_t>> columns_;  // of the source, by property of the target
};

}  // namespace

Result<WriteSet> merge_writes(const MergeStates& states, const MergePlan& plan) {
  WriteSet writes;
  for (const MergedType& type : plan.types) {
    TableWrites& table = writes.tables[*type.target];
    TablePut put{.rows = nullptr, .mode = PutMode::kMerge, .generated_ids = false, .replaced = {}};
    std::vector<const MergeAction*> puts;
    for (const MergeAction& action : type.actions) {
      if (action.source == kNoOrdinal) {
        table.removed.push_back(action.target);
      } else {
        puts.push_back(&action);
        put.replaced.push_back(action.target);
      }
    }
    if (puts.empty()) continue;
    auto rows = std::make_shared<StagedRows>(*states.target->catalog(), *type.target);
    OG_ASSIGN_OR_RETURN(RowCopier copier, RowCopier::open(states, type));
    const std::span<const MergeAction* const> all(puts);
    for (std::size_t begin = 0; begin < all.size(); begin += kStagedBatchRowsMax) {
      const std::size_t count = std::min<std::size_t>(kStagedBatchRowsMax, all.size() - begin);
      OG_RETURN_IF_ERROR(copier.copy(all.subspan(begin, count), *rows));
    }
    put.rows = std::move(rows);
    table.puts.push_back(std::move(put));
  }
  return writes;
}

}  // namespace omnigraph::graph
