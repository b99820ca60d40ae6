#include "schema/resolve.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"

namespace omnigraph::schema {
namespace {

using Interfaces = std::map<std::string_view, const ast::Declaration*>;

// What a declaration of a property means, without places and without the rename hint, which is no part of it.
std::vector<std::string> meaning_of(const ast::Property& property) {
  std::vector<std::string> parts;
  for (const ast::Annotation& annotation : property.annotations) {
    if (annotation.name.text == "rename_from") continue;
    std::string part = annotation.name.text;
    if (annotation.value) part += '\0' + annotation.value->text;
    std::map<std::string_view, std::string_view> arguments;
    for (const auto& argument : annotation.keyword_values) arguments.emplace(argument.name.text, argument.value);
    for (const auto& [name, value] : arguments) part += '\0' + std::string(name) + '=' + std::string(value);
    parts.push_back(std::move(part));
  }
  std::ranges::sort(parts);
  return parts;
}

class NodeResolver {
 public:
  NodeResolver(const Interfaces& interfaces, Diagnostics& diagnostics, ResolvedType& type)
      : interfaces_(interfaces), diagnostics_(diagnostics), type_(type) {}

  void run() {
    for (const ast::Text& name : type_.declaration->implements) {
      const auto found = interfaces_.find(name.text);
      if (found == interfaces_.end()) {
        unknown_interface(name);
      } else if (std::ranges::find(type_.implements, name.text) == type_.implements.end()) {
        type_.implements.push_back(name.text);
        for (const ast::Property& property : found->second->properties) satisfy(property, name);
      }
    }
    for (ResolvedProperty& property : type_.properties) std::ranges::sort(property.interfaces);
  }

 private:
  void unknown_interface(const ast::Text& name) {
    std::vector<std::string> known;
    for (const auto& [interface_name, declaration] : interfaces_) known.emplace_back(interface_name);
    diagnostics_.admission(name.span,
                           "node " + type_.declaration->name.text + " implements unknown interface '" + name.text + "'",
                           base::did_you_mean(name.text, known));
  }

  void satisfy(const ast::Property& wanted, const ast::Text& interface_name) {
    const std::string& type_name = type_.declaration->name.text;
    const auto name_of = [](const ResolvedProperty& p) -> std::string_view { return p.source->name.text; };
    const auto found = std::ranges::find(type_.properties, std::string_view(wanted.name.text), name_of);
    if (found == type_.properties.end()) {
      type_.properties.push_back({&wanted, true, {interface_name.text}});
      return;
    }
    if (found->source == &wanted ||
        std::ranges::find(found->interfaces, interface_name.text) != found->interfaces.end()) {
      return;  // The interface itself repeats the name; the catalog reports that.
    }
    found->interfaces.push_back(interface_name.text);
    if (!found->injected) {
      if (found->source->type == wanted.type) return;
      diagnostics_.admission(found->source->type_span, "node " + type_name + " property '" + wanted.name.text +
                                                           "' has type " + type_text(found->source->type) +
                                                           " but interface " + interface_name.text +
                                                           " declares it as " + type_text(wanted.type));
    } else if (found->source->type != wanted.type || meaning_of(*found->source) != meaning_of(wanted)) {
      diagnostics_.admission(
          interface_name.span,
          "interfaces contributing '" + type_name + "." + wanted.name.text + "' have incompatible property semantics",
          "declare the property on the node, or alike in the interfaces");
    }
  }

  const Interfaces& interfaces_;
  Diagnostics& diagnostics_;
  ResolvedType& type_;
};

}  // namespace

const ast::Property* ResolvedType::find(std::string_view name) const {
  for (const ResolvedProperty& property : properties) {
    if (property.source->name.text == name) return property.source;
  }
  return nullptr;
}

std::vector<ResolvedType> resolve_types(const ast::File& file, Diagnostics& diagnostics) {
  Interfaces interfaces;
  for (const ast::Declaration& declaration : file.declarations) {
    if (declaration.kind == ast::DeclarationKind::kInterface) interfaces.emplace(declaration.name.text, &declaration);
  }
  std::vector<ResolvedType> types;
  types.reserve(file.declarations.size());
  for (const ast::Declaration& declaration : file.declarations) {
    ResolvedType& type = types.emplace_back();
    type.declaration = &declaration;
    for (const ast::Property& property : declaration.properties) type.properties.push_back({&property, false, {}});
    if (declaration.kind == ast::DeclarationKind::kNode) NodeResolver(interfaces, diagnostics, type).run();
  }
  return types;
}

}  // namespace omnigraph::schema
