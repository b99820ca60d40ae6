// What a merge would do, page by page.
#include <algorithm>
#include <charconv>
#include <set>

#include "base/hash.h"
#include "engine/entity_image.h"
#include "engine/merge.h"
#include "engine/merge_conflicts.h"
#include "engine/merge_token.h"
#include "graph/layout.h"
#include "graph/merge.h"
#include "graph/row_equal.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kPageBytes = std::size_t{4} << 20;  // what a page aims at; one larger change goes alone

std::string_view op_of(const graph::MergeAction& action) {
  if (action.source == graph::kNoOrdinal) return "delete";
  return action.target == graph::kNoOrdinal ? "insert" : "update";
}

struct Filter {
  std::set<std::string, std::less<>> kinds, types, ops;

  static Result<Filter> of(const DiffRequest& request) {
    Filter filter;
    for (const std::string& kind : request.kinds) {
      if (kind != "node" && kind != "edge") return std::unexpected(bad_request("unknown kind '" + kind + "'"));
      filter.kinds.insert(kind);
    }
    for (const std::string& op : request.ops) {
      if (op != "insert" && op != "update" && op != "delete") {
        return std::unexpected(bad_request("unknown op '" + op + "'"));
      }
      filter.ops.insert(op);
    }
    filter.types.insert(request.types.begin(), request.types.end());
    return filter;
  }

  static bool lets(const std::set<std::string, std::less<>>& wanted, std::string_view value) {
    return wanted.empty() || wanted.contains(value);
  }
};

// What a page token must have been made for.
std::string digest_of(const DiffRequest& request, const Filter& filter) {
  std::string text = request.source + "\n" + request.target + (request.merge_properties ? "\nproperties" : "\n");
  for (const auto* values : {&filter.kinds, &filter.types, &filter.ops}) {
    text.append("\n");
    for (const std::string& value : *values) text.append(value).append(",");
  }
  return base::sha256_hex(text).substr(0, 16);
}

// The changes of one type, one by one.
class TypeChanges {
 public:
  static Result<TypeChanges> open(const graph::MergeStates& states, const graph::MergedType& type,
                                  objectstore::ObjectStore& blobs) {
    TypeChanges changes(states, type, blobs);
    if (type.source) {
      OG_ASSIGN_OR_RETURN(EntityImages images, EntityImages::open(states.source, *type.source, blobs));
      changes.source_.emplace(std::move(images));
    }
    if (type.target) {
      OG_ASSIGN_OR_RETURN(EntityImages images, EntityImages::open(states.target, *type.target, blobs));
      changes.target_.emplace(std::move(images));
    }
    return changes;
  }

  Result<DiffChange> change(const graph::MergeAction& action) {
    DiffChange out;
    const auto& shown = type_->target ? type_->target : type_->source;
    const graph::Snapshot& state = type_->target ? *states_->target : *states_->source;
    out.kind = schema::kind_name(shown->kind);
    out.type_id = type_->table_id;
    out.type_name = state.catalog()->name_of(*shown);
    out.id = action.id;
    out.op = op_of(action);
    if (action.target != graph::kNoOrdinal) {
      OG_ASSIGN_OR_RETURN(out.before, target_->image(action.target));
    }
    if (action.source == graph::kNoOrdinal) return out;
    if (action.from_source.empty()) {
      OG_ASSIGN_OR_RETURN(out.after, source_->image(action.source));
    } else {
      OG_ASSIGN_OR_RETURN(out.after, merged_image(action));
    }
    if (action.target != graph::kNoOrdinal) {
      OG_ASSIGN_OR_RETURN(out.fields, fields(action));
    }
    return out;
  }

 private:
  TypeChanges(const graph::MergeStates& states, const graph::MergedType& type, objectstore::ObjectStore& blobs)
      : states_(&states), type_(&type), blobs_(&blobs) {}

  // Whether a field of an entity that is merged field by field is the source's.
  [[nodiscard]] bool comes_from_source(const graph::MergeAction& action, const std::string& field) const {
    const auto& properties = states_->target->catalog()->properties_of(*type_->target);
    const auto found = std::ranges::find(properties, field, &schema::Property::name);
    const auto index = static_cast<std::size_t>(found - properties.begin());
    return action.from_source[index];  // the endpoints come last
  }

  Result<std::vector<std::string>> fields(const graph::MergeAction& action) {
    OG_ASSIGN_OR_RETURN(std::vector<std::string> names,
                        graph::differing_fields(*states_->target, *type_->target, action.target, *states_->source,
                                                *type_->source, action.source));
    if (!action.from_source.empty()) {
      std::erase_if(names, [&](const std::string& name) { return !comes_from_source(action, name); });
    }
    return names;
  }

  // Some fields of the source's row, the others of the target's.
  Result<std::string> merged_image(const graph::MergeAction& action) {
    if (!rows_) {
      OG_ASSIGN_OR_RETURN(graph::RowComparer rows,
                          graph::RowComparer::open(*states_->source, *type_->source, *states_->target, *type_->target));
      rows_.emplace(std::move(rows));
    }
    const schema::Catalog& catalog = *states_->target->catalog();
    const auto& properties = catalog.properties_of(*type_->target);
    std::string out = "{\"properties\":{";
    for (const std::size_t p : properties_by_name(catalog, *type_->target)) {
      if (out.back() != '{') out.push_back(',');
      base::append_json_string(out, properties[p].name);
      out.push_back(':');
      std::optional<std::size_t> theirs;
      for (const graph::PropertyPair& pair : rows_->properties()) {
        if (pair.b == p) theirs = pair.a;
      }
      OG_ASSIGN_OR_RETURN(const graph::Cell cell, action.from_source[p] && theirs
                                                      ? rows_->a().property(*theirs, action.source)
                                                      : rows_->b().property(p, action.target));
      OG_RETURN_IF_ERROR(append_property_json(out, properties[p], *cell.array, cell.index, *blobs_, NonFinite::kText));
    }
    out.push_back('}');
    if (type_->target->kind == schema::EntityKind::kEdge) {
      const bool ours = action.from_source.back();
      graph::RowReader& reader = ours ? rows_->a() : rows_->b();
      const graph::Ordinal row = ours ? action.source : action.target;
      OG_ASSIGN_OR_RETURN(const std::string_view from, reader.text(graph::RowReader::kSource, row));
      OG_ASSIGN_OR_RETURN(const std::string_view to, reader.text(graph::RowReader::kDestination, row));
      out.append(",\"endpoints\":{\"from\":");
      base::append_json_string(out, from);
      out.append(",\"to\":");
      base::append_json_string(out, to);
      out.push_back('}');
    }
    out.push_back('}');
    return out;
  }

  const graph::MergeStates* states_;
  const graph::MergedType* type_;
  objectstore::ObjectStore* blobs_;
  std::optional<EntityImages> source_, target_;
  std::optional<graph::RowComparer> rows_;
};

Result<graph::RecordPtr> pinned_record(graph::StoreParts& parts, const graph::RecordPosition& position) {
  Result<graph::RecordPtr> record = parts.log->read(position.branch, position.seq);
  if (!record && record.error().code == Code::kNotFound) {
    return std::unexpected(Error{Code::kGone, "history_expired: the head of '" + position.branch +
                                                  "' that this diff started from was removed; start the diff again"});
  }
  return record;
}

graph::RecordPosition position_of(const graph::RecordPtr& record) {
  return {.branch = record->record.branch, .seq = record->record.seq, .id = record->record.head_id};
}

class DiffRun {
 public:
  DiffRun(Graph& graph, const DiffRequest& request) : graph_(graph), request_(request) {}

  Result<DiffAnswer> run() {
    OG_RETURN_IF_ERROR(take_heads());
    graph::StoreParts& parts = graph_.storage().parts();
    OG_ASSIGN_OR_RETURN(result_, graph::preview_merge(parts, heads_, request_.merge_properties));
    answer_.source = {request_.source, heads_.source->record.head_id};
    answer_.target = {request_.target, heads_.target->record.head_id};
    answer_.base_commit_id = result_.base_commit_id;
    answer_.outcome = graph::merge_outcome_name(result_.outcome);
    answer_.conflict_count = result_.conflicts.size();
    count();
    if (!request_.page_token) {
      OG_ASSIGN_OR_RETURN(answer_.conflicts, describe_conflicts(result_, graph_.storage().store(), true));
    }
    if (request_.with_changes) OG_RETURN_IF_ERROR(fill_page());
    return std::move(answer_);
  }

 private:
  Result<void> take_heads() {
    OG_ASSIGN_OR_RETURN(request_.source, graph::checked_branch_name(request_.source));
    OG_ASSIGN_OR_RETURN(request_.target, graph::checked_branch_name(request_.target));
    OG_ASSIGN_OR_RETURN(filter_, Filter::of(request_));
    digest_ = digest_of(request_, filter_);
    graph::StoreParts& parts = graph_.storage().parts();
    if (!request_.page_token) {
      OG_ASSIGN_OR_RETURN(heads_, graph::merge_heads(parts, {.source = request_.source, .target = request_.target}));
      return {};
    }
    OG_ASSIGN_OR_RETURN(const DiffPageToken token,
                        decode_diff_page(graph_.storage().graph_id(), *request_.page_token, digest_));
    done_ = token.done;
    OG_ASSIGN_OR_RETURN(heads_.source, pinned_record(parts, token.source));
    OG_ASSIGN_OR_RETURN(heads_.target, pinned_record(parts, token.target));
    return {};
  }

  [[nodiscard]] std::string type_key(const graph::MergedType& type) const {
    return type.target ? result_.states.target->catalog()->table_key(*type.target)
                       : result_.states.source->catalog()->table_key(*type.source);
  }

  void count() {
    for (const graph::MergedType& type : result_.types) {
      DiffCounts& counts = answer_.counts[type_key(type)];
      for (const graph::MergeAction& action : type.actions) {
        const std::string_view op = op_of(action);
        ++(op == "insert" ? counts.inserted : op == "update" ? counts.updated : counts.deleted);
      }
    }
  }

  Result<void> fill_page() {
    std::uint64_t at = 0;
    std::size_t bytes = 0;
    for (const graph::MergedType& type : result_.types) {
      const std::string key = type_key(type);
      if (at + type.actions.size() <= done_ || !Filter::lets(filter_.kinds, key.substr(0, 4)) ||
          !Filter::lets(filter_.types, key.substr(5))) {
        at += type.actions.size();
        continue;
      }
      OG_ASSIGN_OR_RETURN(TypeChanges changes, TypeChanges::open(result_.states, type, graph_.storage().store()));
      for (const graph::MergeAction& action : type.actions) {
        if (at++ < done_ || !Filter::lets(filter_.ops, op_of(action))) continue;
        OG_ASSIGN_OR_RETURN(DiffChange change, changes.change(action));
        const std::size_t size = change.before.size() + change.after.size() + change.id.size();
        const bool full =
            answer_.changes.size() >= request_.limit || (!answer_.changes.empty() && bytes + size > kPageBytes);
        if (full) {
          answer_.next_page_token = encode_diff_page(graph_.storage().graph_id(), {.source = position_of(heads_.source),
                                                                                   .target = position_of(heads_.target),
                                                                                   .request = digest_,
                                                                                   .done = at - 1});
          return {};
        }
        bytes += size;
        answer_.changes.push_back(std::move(change));
      }
    }
    return {};
  }

  Graph& graph_;
  DiffRequest request_;
  Filter filter_;
  std::string digest_;
  std::uint64_t done_ = 0;
  graph::MergeHeads heads_;
  graph::MergeResult result_;
  DiffAnswer answer_;
};

}  // namespace

Result<DiffAnswer> diff_branches(Graph& graph, const DiffRequest& request) { return DiffRun(graph, request).run(); }

Result<std::size_t> diff_limit_of(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (failed == std::errc::invalid_argument || end != text.data() + text.size()) {
    return std::unexpected(bad_request("limit must be a non-negative integer"));
  }
  if (failed == std::errc() && limit == 0) {
    return std::unexpected(bad_request("change page limit must be greater than zero"));
  }
  if (failed != std::errc() || limit > kDiffPageChangesMax) {
    const std::string actual = failed == std::errc() ? std::to_string(limit) : "18446744073709551615";
    return std::unexpected(
        with_detail(Error{Code::kResourceLimit, "resource limit exceeded for commit_changes_page_changes: actual " +
                                                    actual + ", limit " + std::to_string(kDiffPageChangesMax)},
                    "resource_limit",
                    "{\"resource\":\"commit_changes_page_changes\",\"limit\":" + std::to_string(kDiffPageChangesMax) +
                        ",\"actual\":" + actual + "}"));
  }
  return limit;
}

}  // namespace omnigraph::engine
