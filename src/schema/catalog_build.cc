#include "schema/catalog_build.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "schema/admission.h"
#include "schema/range_bound.h"

namespace omnigraph::schema {
namespace {

using ast::ConstraintKind;
using ast::DeclarationKind;

Annotation to_annotation(const ast::Annotation& source) {
  Annotation annotation{source.name.text, {}, {}};
  if (source.value) annotation.values.push_back(source.value->text);
  for (const auto& [name, value] : source.keyword_values) annotation.keyword_values.emplace(name.text, value);
  return annotation;
}

Property to_property(const ResolvedProperty& resolved) {
  const ast::Property& source = *resolved.source;
  Property property;
  property.name = source.name.text;
  property.type = source.type;
  property.injected = resolved.injected;
  property.interfaces = resolved.interfaces;
  for (const ast::Annotation& annotation : source.annotations) {
    const std::string& word = annotation.name.text;
    if (word == "key") {
      property.declares_key = true;
    } else if (word == "unique") {
      property.declares_unique = true;
    } else if (word == "index") {
      property.declares_index = true;
    } else if (word == "rename_from") {
      property.rename_from = annotation.value->text;
    } else if (word == "embed") {
      EmbedBinding binding{annotation.value->text, {}};
      for (const auto& argument : annotation.keyword_values)
        binding.model = argument.value;  // only `model` is admitted
      property.embed = std::move(binding);
    } else {
      property.annotations.push_back(to_annotation(annotation));
    }
  }
  return property;
}

std::vector<Property> to_properties(const ResolvedType& type) {
  std::vector<Property> properties;
  properties.reserve(type.properties.size());
  for (const ResolvedProperty& property : type.properties) properties.push_back(to_property(property));
  return properties;
}

// Shared by nodes and edges: their header.
template <class Type>
void take_header(Type& out, const ast::Declaration& declaration) {
  out.name = declaration.name.text;
  for (const ast::Annotation& annotation : declaration.annotations) {
    if (annotation.name.text == "rename_from") {
      out.rename_from = annotation.value->text;
    } else {
      out.annotations.push_back(to_annotation(annotation));
    }
  }
}

void sort_unique(auto& values) {
  std::ranges::sort(values);
  const auto tail = std::ranges::unique(values);
  values.erase(tail.begin(), tail.end());
}

// Adds the body form of one constraint.
void add_constraint(TypeConstraints& out, const ast::Constraint& source, const ResolvedType& type) {
  if (is_tolerated_only(source, type)) return;
  std::vector<std::string> columns;
  for (const ast::Text& column : source.columns) columns.push_back(column.text);
  const auto type_of = [&](const std::string& column) -> const PropertyType* {
    const ast::Property* property = type.find(column);
    return property == nullptr ? nullptr : &property->type;
  };
  switch (source.kind) {
    case ConstraintKind::kKey: out.key = std::move(columns); break;
    case ConstraintKind::kUnique: out.unique.push_back(std::move(columns)); break;
    case ConstraintKind::kIndex:
      std::erase_if(columns, [&](const std::string& c) { return type_of(c) != nullptr && type_of(c)->list; });
      if (!columns.empty()) out.index.push_back(std::move(columns));
      break;
    case ConstraintKind::kRange: {
      RangeConstraint range{columns.front(), {}, {}};
      if (source.min) range.min = range_bound(*type_of(range.property), source.min->text);
      if (source.max) range.max = range_bound(*type_of(range.property), source.max->text);
      if (std::ranges::find(out.range, range) == out.range.end()) out.range.push_back(std::move(range));
      break;
    }
    case ConstraintKind::kCheck: {
      CheckConstraint check{columns.front(), source.pattern.text};
      if (std::ranges::find(out.check, check) == out.check.end()) out.check.push_back(std::move(check));
      break;
    }
  }
}

TypeConstraints to_constraints(const ResolvedType& type, const std::vector<Property>& properties) {
  TypeConstraints out;
  for (const Property& property : properties) {
    if (property.declares_key) out.key = {property.name};
    if (property.declares_unique) out.unique.push_back({property.name});
    if (property.declares_index) out.index.push_back({property.name});
  }
  for (const ast::Constraint& constraint : type.declaration->constraints) add_constraint(out, constraint, type);

  sort_unique(out.key);
  for (auto* sets : {&out.unique, &out.index}) {
    for (std::vector<std::string>& columns : *sets) sort_unique(columns);
    sort_unique(*sets);
    if (!out.key.empty()) std::erase(*sets, out.key);
  }
  return out;
}

NodeType to_node(const ResolvedType& type) {
  NodeType node;
  take_header(node, *type.declaration);
  node.properties = to_properties(type);
  node.implements = type.implements;
  node.constraints = to_constraints(type, node.properties);
  return node;
}

EdgeType to_edge(const ResolvedType& type) {
  EdgeType edge;
  take_header(edge, *type.declaration);
  edge.source = type.declaration->source.text;
  edge.target = type.declaration->target.text;
  edge.card_min = type.declaration->card_min;
  edge.card_max = type.declaration->card_max;
  edge.properties = to_properties(type);
  edge.constraints = to_constraints(type, edge.properties);
  return edge;
}

}  // namespace

Catalog build_catalog(const std::vector<ResolvedType>& types) {
  Catalog catalog;
  for (const ResolvedType& type : types) {
    switch (type.declaration->kind) {
      case DeclarationKind::kInterface:
        catalog.interfaces.push_back({type.declaration->name.text, to_properties(type)});
        break;
      case DeclarationKind::kNode: catalog.nodes.push_back(to_node(type)); break;
      case DeclarationKind::kEdge: catalog.edges.push_back(to_edge(type)); break;
    }
  }
  std::ranges::sort(catalog.nodes, {}, &NodeType::name);
  std::ranges::sort(catalog.edges, {}, &EdgeType::name);
  std::ranges::sort(catalog.interfaces, {}, &InterfaceType::name);
  for (EdgeType& edge : catalog.edges) {
    const auto source = catalog.find_node(edge.source);
    const auto target = catalog.find_node(edge.target);
    OG_CHECK(source && target);
    edge.source_index = *source;
    edge.target_index = *target;
  }
  for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) catalog.edges_by_word.push_back(i);
  std::ranges::sort(catalog.edges_by_word, {},
                    [&](std::uint32_t i) { return base::to_lower_ascii(catalog.edges[i].name); });
  return catalog;
}

}  // namespace omnigraph::schema
