#include "graph/carry.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "columnar/kernels.h"
#include "graph/carry_column.h"
#include "graph/schema_change.h"
#include "graph/schema_change_data.h"
#include "schema/migration.h"
#include "schema/migration_types.h"

namespace omnigraph::graph {
namespace {

using ColumnPtr = std::shared_ptr<const columnar::ChunkedArray>;
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

// One table in the columns of another schema.
class CarriedView final : public TableView {
 public:
  CarriedView(TableViewPtr whole, TypeRef type, const std::vector<schema::Property>& from,
              const std::vector<schema::Property>& to, const schema::TypeMatch& match)
      : whole_(std::move(whole)), type_(type), from_(from), to_(to), match_(match) {}

  TypeRef type() const override { return type_; }
  Ordinal physical_rows() const override { return whole_->physical_rows(); }
  Ordinal live_rows() const override { return whole_->live_rows(); }
  std::span<const std::uint64_t> deleted_words() const override { return whole_->deleted_words(); }
  Result<ColumnPtr> property(std::size_t index) const override {
    const auto& from = match_.properties[index];
    if (!from) return all_null(index, whole_->physical_rows());
    OG_ASSIGN_OR_RETURN(ColumnPtr values, whole_->property(*from));
    return converted(std::move(values), *from, index);
  }
  Result<ColumnPtr> ids() const override { return whole_->ids(); }
  Result<ColumnPtr> sources() const override { return whole_->sources(); }
  Result<ColumnPtr> destinations() const override { return whole_->destinations(); }
  Result<ColumnPtr> source_rows() const override { return whole_->source_rows(); }
  Result<ColumnPtr> destination_rows() const override { return whole_->destination_rows(); }
  std::uint64_t row_id(Ordinal o) const override { return whole_->row_id(o); }
  Ordinal ordinal_of_row(std::uint64_t row_id) const override { return whole_->ordinal_of_row(row_id); }
  Result<Ordinal> find(std::string_view id) const override { return whole_->find(id); }
  Result<ColumnPtr> fragment_property(std::size_t i, std::size_t index) const override {
    const auto& from = match_.properties[index];
    if (!from) return all_null(index, whole_->manifest().fragments[i].physical_rows);
    OG_ASSIGN_OR_RETURN(ColumnPtr values, whole_->fragment_property(i, *from));
    return converted(std::move(values), *from, index);
  }
  Result<ColumnPtr> fragment_system(std::size_t i, std::size_t system_column) const override {
    return whole_->fragment_system(i, system_column);
  }
  const lance::Manifest& manifest() const override { return whole_->manifest(); }
  Ordinal fragment_start(std::size_t i) const override { return whole_->fragment_start(i); }

 private:
  [[nodiscard]] ColumnPtr all_null(std::size_t index, std::uint64_t rows) const {
    const columnar::DataType type = schema::column_type(to_[index].type);
    std::vector<columnar::ArrayPtr> chunks;
    if (rows > 0) chunks.push_back(columnar::all_null(type, static_cast<std::int64_t>(rows)));
    return std::make_shared<const columnar::ChunkedArray>(type, std::move(chunks));
  }
  [[nodiscard]] ColumnPtr converted(ColumnPtr values, std::size_t from, std::size_t to) const {
    if (!schema::changes_storage(from_[from].type, to_[to].type)) return values;
    std::vector<columnar::ArrayPtr> chunks;
    for (std::size_t c = 0; c < values->chunk_count(); ++c) {
      chunks.push_back(carry_column(values->chunk(c), from_[from].type, to_[to].type));
    }
    return std::make_shared<const columnar::ChunkedArray>(schema::column_type(to_[to].type), std::move(chunks));
  }

  const TableViewPtr whole_;
  const TypeRef type_;
  const std::vector<schema::Property>& from_;  // of the snapshots, which the owner keeps
  const std::vector<schema::Property>& to_;
  const schema::TypeMatch& match_;
};

class CarriedSnapshot final : public Snapshot {
 public:
  CarriedSnapshot(SnapshotPtr from, SnapshotPtr to, schema::SchemaMatch match)
      : state_(std::make_shared<const State>(State{std::move(from), std::move(to), std::move(match)})),
        record_(state_->from->record()) {
    record_.schema = state_->to->record().schema;
    record_.tables.clear();
    const schema::Catalog& catalog = *state_->to->catalog();
    const auto take = [&](TypeRef type) {
      const auto& accepted = match_of(type).accepted;
      if (!accepted) return;
      const auto& tables = state_->from->record().tables;
      const auto found = tables.find(state_->from->catalog()->table_key({type.kind, *accepted}));
      if (found != tables.end()) record_.tables.emplace(catalog.table_key(type), found->second);
    };
    for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) take({EntityKind::kNode, i});
    for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) take({EntityKind::kEdge, i});
  }

  const std::string& commit_id() const override { return state_->from->commit_id(); }
  std::uint64_t version() const override { return state_->from->version(); }
  const CommitRecord& record() const override { return record_; }
  const std::shared_ptr<const schema::Catalog>& catalog() const override { return state_->to->catalog(); }
  const std::string& schema_source() const override { return state_->to->schema_source(); }

  Result<TableViewPtr> table(TypeRef type) const override {
    OG_ASSIGN_OR_RETURN(const TypeRef from, own_type(type));
    OG_ASSIGN_OR_RETURN(TableViewPtr whole, state_->from->table(from));
    auto view =
        std::make_shared<const CarriedView>(std::move(whole), type, state_->from->catalog()->properties_of(from),
                                            state_->to->catalog()->properties_of(type), match_of(type));
    // The view points into the state, which may have to outlive this snapshot.
    struct Kept {
      std::shared_ptr<const State> state;
      std::shared_ptr<const CarriedView> view;
    };
    auto kept = std::make_shared<const Kept>(Kept{state_, std::move(view)});
    return TableViewPtr(kept, kept->view.get());
  }
  Result<std::shared_ptr<const index::Adjacency>> adjacency(std::uint32_t edge_index,
                                                            AdjacencyDirection direction) const override {
    OG_ASSIGN_OR_RETURN(const TypeRef from, own_type({EntityKind::kEdge, edge_index}));
    return state_->from->adjacency(from.index, direction);
  }

 private:
  struct State {
    SnapshotPtr from, to;
    schema::SchemaMatch match;
  };
  [[nodiscard]] const schema::TypeMatch& match_of(TypeRef type) const {
    return type.kind == EntityKind::kNode ? state_->match.nodes[type.index] : state_->match.edges[type.index];
  }
  [[nodiscard]] Result<TypeRef> own_type(TypeRef type) const {
    const auto& accepted = match_of(type).accepted;
    if (accepted) return TypeRef{type.kind, *accepted};
    return std::unexpected(
        internal_error("commit '" + commit_id() + "' has no table for " + catalog()->table_key(type)));
  }

  const std::shared_ptr<const State> state_;
  CommitRecord record_;
};

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

Result<SnapshotPtr> carried_snapshot(SnapshotPtr from, const SnapshotPtr& to, const std::string& source_name,
                                     const std::string& target_name) {
  if (same_schema(*from, *to)) return from;
  schema::SchemaMatch match = match_identities(*from, *to);
  JudgedByTheWrite data;
  OG_ASSIGN_OR_RETURN(const schema::MigrationPlan plan,
                      schema::plan_migration(*from->catalog(), *to->catalog(), match, {.data = &data}));
  if (const schema::MigrationStep* step = plan.first_unsupported()) {
    return std::unexpected(schemas_cannot_merge(source_name, target_name, step->reason));
  }
  return std::make_shared<const CarriedSnapshot>(std::move(from), to, std::move(match));
}

Result<void> bring_to_schema(StoreParts& parts, RecordDraft& draft, const CommitFacts& facts, const Snapshot& main,
                             const BranchNames& names, bool in_memory) {
  OG_ASSIGN_OR_RETURN(const SnapshotPtr own, draft.snapshot());
  if (same_schema(*own, main)) return {};
  schema::SchemaMatch match = match_identities(*own, main);
  SnapshotMigrationData data(*own);
  OG_ASSIGN_OR_RETURN(const schema::MigrationPlan plan,
                      schema::plan_migration(*own->catalog(), *main.catalog(), match, {.data = &data}));
  if (const schema::MigrationStep* step = plan.first_unsupported()) {
    return std::unexpected(schemas_cannot_merge(names.source, names.target, step->reason));
  }
  auto schema = std::make_shared<const LoadedSchema>(LoadedSchema{main.schema_source(), main.catalog()});
  return migrate_draft(parts, draft, facts,
                       {.schema = std::move(schema),
                        .match = std::move(match),
                        .like = &main.record(),
                        .hard = false,
                        .in_memory = in_memory});
}

}  // namespace omnigraph::graph
