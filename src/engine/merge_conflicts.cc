#include "engine/merge_conflicts.h"

#include <map>

#include "engine/entity_image.h"
#include "graph/table_diff.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kNamedInError = 3;

// Images of one state, by type of the target's catalog.
class StateImages {
 public:
  StateImages(graph::SnapshotPtr state, const graph::Snapshot& target, objectstore::ObjectStore& blobs)
      : state_(std::move(state)), blobs_(blobs) {
    if (state_ == nullptr) return;
    for (const graph::TypePair& pair : graph::pair_types(*state_, target, false)) {
      if (pair.before && pair.after) types_[*pair.after] = *pair.before;
    }
  }

  Result<std::string> image(schema::TypeRef type, graph::Ordinal row) {
    if (row == graph::kNoOrdinal) return std::string();
    auto opened = images_.find(type);
    if (opened == images_.end()) {
      OG_ASSIGN_OR_RETURN(EntityImages images, EntityImages::open(state_, types_.at(type), blobs_));
      opened = images_.emplace(type, std::move(images)).first;
    }
    return opened->second.image(row);
  }

 private:
  const graph::SnapshotPtr state_;
  objectstore::ObjectStore& blobs_;
  std::map<schema::TypeRef, schema::TypeRef> types_;
  std::map<schema::TypeRef, EntityImages> images_;
};

}  // namespace

Result<std::vector<DiffConflict>> describe_conflicts(const graph::MergeResult& result, objectstore::ObjectStore& blobs,
                                                     bool images) {
  const graph::Snapshot& target = *result.states.target;
  StateImages base(result.states.base, target, blobs);
  StateImages source(result.states.source, target, blobs);
  StateImages own(result.states.target, target, blobs);
  std::vector<DiffConflict> described;
  for (const graph::MergeConflict& conflict : result.conflicts) {
    DiffConflict& out = described.emplace_back();
    out.entity_kind = schema::kind_name(conflict.type.kind);
    out.type_name = target.catalog()->name_of(conflict.type);
    out.entity_id = conflict.entity_id;
    out.kind = graph::conflict_kind_name(conflict.kind);
    out.message = conflict.message;
    out.fields = conflict.fields;
    if (!images) continue;
    OG_ASSIGN_OR_RETURN(out.base, base.image(conflict.type, conflict.base));
    OG_ASSIGN_OR_RETURN(out.source, source.image(conflict.type, conflict.source));
    OG_ASSIGN_OR_RETURN(out.target, own.image(conflict.type, conflict.target));
  }
  return described;
}

void write_conflict(base::JsonWriter& json, const DiffConflict& conflict, bool images) {
  json.begin_object().key("entity_kind").string(conflict.entity_kind).key("type_name").string(conflict.type_name);
  json.key("entity_id").string_or_null(conflict.entity_id.value_or(""), conflict.entity_id.has_value());
  json.key("kind").string(conflict.kind).key("message").string(conflict.message);
  if (images) {
    if (!conflict.base.empty()) json.key("base").raw(conflict.base);
    if (!conflict.source.empty()) json.key("source").raw(conflict.source);
    if (!conflict.target.empty()) json.key("target").raw(conflict.target);
    json.key("fields").begin_array();
    for (const std::string& field : conflict.fields) json.string(field);
    json.end_array();
  }
  json.end_object();
}

Error conflicts_error(const std::vector<DiffConflict>& conflicts, bool images) {
  std::string text = "merge conflicts: ";
  for (std::size_t i = 0; i < conflicts.size() && i < kNamedInError; ++i) {
    const DiffConflict& conflict = conflicts[i];
    if (i > 0) text.append("; ");
    text.append(conflict.entity_kind).append(" type '").append(conflict.type_name).append("'");
    if (conflict.entity_id) text.append(", entity id '").append(*conflict.entity_id).append("'");
    text.append(" (").append(conflict.kind).append(")");
  }
  if (conflicts.size() > kNamedInError) {
    text.append("; and ").append(std::to_string(conflicts.size() - kNamedInError)).append(" more");
  }
  std::string detail;
  base::JsonWriter json(detail);
  json.begin_array();
  for (const DiffConflict& conflict : conflicts) write_conflict(json, conflict, images);
  json.end_array();
  return with_detail(conflict(std::move(text)), "merge_conflicts", std::move(detail));
}

}  // namespace omnigraph::engine
