#include "graph/carry.h"

#include <algorithm>

#include "columnar/kernels.h"
#include "graph/carry_column.h"
#include "graph/schema_change.h"
#include "graph/schema_change_data.h"
#include "schema/migration.h"

namespace omnigraph::graph {
namespace {

using columnar::ArrayPtr;
using schema::EntityKind;
using schema::TypeRef;

// The conditions of validated changes, left to the checks of the write that carries rows.
class JudgedByTheWrite final : public schema::MigrationData {
 public:
  Result<std::uint64_t> entities(TypeRef) override { return std::uint64_t{0}; }
  Result<schema::Violations> check_values(TypeRef, std::size_t, const schema::Property&,
                                          const schema::TypeConstraints&) override {
    return schema::Violations{};
  }
  Result<schema::Violations> check_unique(TypeRef, const std::vector<schema::UniqueColumn>&) override {
    return schema::Violations{};
  }
  Result<schema::Violations> check_cardinality(TypeRef, std::uint32_t, std::uint32_t) override {
    return schema::Violations{};
  }
};

std::optional<std::size_t> position(const std::vector<schema::Property>& properties, std::string_view name) {
  const auto found = std::ranges::find(properties, name, &schema::Property::name);
  if (found == properties.end()) return std::nullopt;
  return static_cast<std::size_t>(found - properties.begin());
}

const PropertyIdentity* property_by_id(const TypeIdentity& type, const std::string& id) {
  const auto found = std::ranges::find(type.properties, id, &PropertyIdentity::id);
  return found == type.properties.end() ? nullptr : &*found;
}

const PropertyIdentity* property_by_name(const TypeIdentity& type, const std::string& name) {
  const auto found = std::ranges::find(type.properties, name, &PropertyIdentity::name);
  return found == type.properties.end() ? nullptr : &*found;
}

schema::TypeMatch match_type(const Snapshot& from, const Snapshot& to, TypeRef type) {
  const schema::Catalog& before = *from.catalog();
  const auto& properties = to.catalog()->properties_of(type);
  schema::TypeMatch match;
  match.properties.resize(properties.size());
  const TypeIdentity* identity = to.record().schema.find(to.catalog()->table_key(type));
  if (identity == nullptr) return match;
  const auto& known = from.record().schema.types;
  const std::string kind = std::string(schema::kind_name(type.kind)).append(":");
  const auto old = std::ranges::find_if(
      known, [&](const TypeIdentity& t) { return t.id == identity->id && t.table_key.starts_with(kind); });
  if (old == known.end()) return match;
  const std::string_view name = std::string_view(old->table_key).substr(kind.size());
  match.accepted = type.kind == EntityKind::kNode ? before.find_node(name) : before.find_edge(name);
  if (!match.accepted) return match;
  const auto& old_properties = before.properties_of({type.kind, *match.accepted});
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const PropertyIdentity* mine = property_by_name(*identity, properties[i].name);
    const PropertyIdentity* theirs = mine == nullptr ? nullptr : property_by_id(*old, mine->id);
    if (theirs != nullptr) match.properties[i] = position(old_properties, theirs->name);
  }
  return match;
}

// Interfaces have no tables and so no identities but their names; their properties follow the hints.
std::vector<schema::TypeMatch> match_interfaces(const schema::Catalog& from, const schema::Catalog& to) {
  std::vector<schema::TypeMatch> matches;
  for (const schema::InterfaceType& type : to.interfaces) {
    schema::TypeMatch& match = matches.emplace_back();
    match.properties.resize(type.properties.size());
    const auto old = std::ranges::find(from.interfaces, type.name, &schema::InterfaceType::name);
    if (old == from.interfaces.end()) continue;
    match.accepted = static_cast<std::uint32_t>(old - from.interfaces.begin());
    for (std::size_t i = 0; i < type.properties.size(); ++i) {
      const schema::Property& property = type.properties[i];
      match.properties[i] = position(old->properties, property.name);
      if (!match.properties[i]) match.properties[i] = position(old->properties, property.rename_from);
    }
  }
  return matches;
}

std::vector<std::optional<std::uint32_t>> reversed(const std::vector<schema::TypeMatch>& matches, std::size_t count) {
  std::vector<std::optional<std::uint32_t>> out(count);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (matches[i].accepted) out[*matches[i].accepted] = static_cast<std::uint32_t>(i);
  }
  return out;
}

}  // namespace

schema::SchemaMatch match_identities(const Snapshot& from, const Snapshot& to) {
  schema::SchemaMatch match;
  match.interfaces = match_interfaces(*from.catalog(), *to.catalog());
  for (std::uint32_t i = 0; i < to.catalog()->nodes.size(); ++i) {
    match.nodes.push_back(match_type(from, to, {EntityKind::kNode, i}));
  }
  for (std::uint32_t i = 0; i < to.catalog()->edges.size(); ++i) {
    match.edges.push_back(match_type(from, to, {EntityKind::kEdge, i}));
  }
  return match;
}

bool same_schema(const Snapshot& a, const Snapshot& b) {
  const RecordSchema& x = a.record().schema;
  const RecordSchema& y = b.record().schema;
  if (x.digest != y.digest || x.types.size() != y.types.size()) return false;
  for (const TypeIdentity& type : x.types) {
    const TypeIdentity* other = y.find(type.table_key);
    if (other == nullptr || other->id != type.id || other->properties.size() != type.properties.size()) return false;
    for (const PropertyIdentity& property : type.properties) {
      const PropertyIdentity* theirs = property_by_name(*other, property.name);
      if (theirs == nullptr || theirs->id != property.id) return false;
    }
  }
  return true;
}

Error schemas_cannot_merge(const std::string& source_name, const std::string& target_name, const std::string& reason) {
  return conflict("schemas of '" + source_name + "' and '" + target_name + "' cannot be merged: " + reason);
}

RowCarrier::RowCarrier(SnapshotPtr source, SnapshotPtr target, schema::SchemaMatch match)
    : source_(std::move(source)), target_(std::move(target)), match_(std::move(match)) {
  nodes_ = reversed(match_.nodes, source_->catalog()->nodes.size());
  edges_ = reversed(match_.edges, source_->catalog()->edges.size());
}

Result<RowCarrier> RowCarrier::between(SnapshotPtr source, SnapshotPtr target, const std::string& source_name,
                                       const std::string& target_name) {
  schema::SchemaMatch match = match_identities(*source, *target);
  if (!same_schema(*source, *target)) {
    JudgedByTheWrite data;
    OG_ASSIGN_OR_RETURN(const schema::MigrationPlan plan,
                        schema::plan_migration(*source->catalog(), *target->catalog(), match,
                                               {.allow_data_loss = false, .data = &data}));
    if (const schema::MigrationStep* step = plan.first_unsupported()) {
      return std::unexpected(schemas_cannot_merge(source_name, target_name, step->reason));
    }
  }
  return RowCarrier(std::move(source), std::move(target), std::move(match));
}

std::optional<TypeRef> RowCarrier::target_of(TypeRef source) const {
  const auto& found = source.kind == EntityKind::kNode ? nodes_[source.index] : edges_[source.index];
  if (!found) return std::nullopt;
  return TypeRef{source.kind, *found};
}

std::optional<std::size_t> RowCarrier::target_property(TypeRef source, std::size_t property) const {
  const std::optional<TypeRef> target = target_of(source);
  if (!target) return std::nullopt;
  const auto& match = target->kind == EntityKind::kNode ? match_.nodes[target->index] : match_.edges[target->index];
  for (std::size_t i = 0; i < match.properties.size(); ++i) {
    if (match.properties[i] == property) return i;
  }
  return std::nullopt;
}

Result<std::shared_ptr<const StagedRows>> RowCarrier::carry(TypeRef source, std::span<const Ordinal> ordinals) const {
  const std::optional<TypeRef> target = target_of(source);
  OG_CHECK(target.has_value());
  const auto& match = target->kind == EntityKind::kNode ? match_.nodes[target->index] : match_.edges[target->index];
  const auto& from = source_->catalog()->properties_of(source);
  const auto& to = target_->catalog()->properties_of(*target);
  OG_ASSIGN_OR_RETURN(const TableViewPtr view, source_->table(source));
  auto rows = std::make_shared<StagedRows>(*target_->catalog(), *target);
  for (std::size_t begin = 0; begin < ordinals.size(); begin += static_cast<std::size_t>(kStagedBatchRowsMax)) {
    const auto piece =
        ordinals.subspan(begin, std::min(ordinals.size() - begin, static_cast<std::size_t>(kStagedBatchRowsMax)));
    const auto length = static_cast<std::int64_t>(piece.size());
    columnar::Batch batch{rows->fields(), {}, length};
    OG_ASSIGN_OR_RETURN(const auto ids, view->ids());
    batch.columns.push_back(columnar::take(*ids, piece));
    if (source.kind == EntityKind::kEdge) {
      OG_ASSIGN_OR_RETURN(const auto sources, view->sources());
      OG_ASSIGN_OR_RETURN(const auto destinations, view->destinations());
      batch.columns.push_back(columnar::take(*sources, piece));
      batch.columns.push_back(columnar::take(*destinations, piece));
    }
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (!match.properties[i]) {
        batch.columns.push_back(columnar::all_null(schema::column_type(to[i].type), length));
        continue;
      }
      const std::size_t at = *match.properties[i];
      OG_ASSIGN_OR_RETURN(const auto values, view->property(at));
      batch.columns.push_back(carry_column(columnar::take(*values, piece), from[at].type, to[i].type));
    }
    OG_RETURN_IF_ERROR(rows->append(std::move(batch)));
  }
  return rows;
}

Result<void> bring_to_schema(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts, const Snapshot& main,
                             const std::string& source_name, const std::string& target_name) {
  OG_ASSIGN_OR_RETURN(const SnapshotPtr own, draft.snapshot());
  if (same_schema(*own, main)) return {};
  schema::SchemaMatch match = match_identities(*own, main);
  SnapshotMigrationData data(*own);
  OG_ASSIGN_OR_RETURN(const schema::MigrationPlan plan,
                      schema::plan_migration(*own->catalog(), *main.catalog(), match, {.data = &data}));
  if (const schema::MigrationStep* step = plan.first_unsupported()) {
    return std::unexpected(schemas_cannot_merge(source_name, target_name, step->reason));
  }
  auto schema = std::make_shared<const LoadedSchema>(LoadedSchema{main.schema_source(), main.catalog()});
  return migrate_draft(parts, draft, facts,
                       {.schema = std::move(schema), .match = std::move(match), .like = &main.record(), .hard = false});
}

}  // namespace omnigraph::graph
