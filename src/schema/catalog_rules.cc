#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/text.h"
#include "schema/admission.h"
#include "schema/limits.h"

namespace omnigraph::schema {
namespace {

using ast::Declaration;
using ast::DeclarationKind;

class CatalogChecker {
 public:
  explicit CatalogChecker(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void run(const std::vector<ResolvedType>& types) {
    if (types.size() > kTypeCountMax) {
      diagnostics_.catalog(
          types[kTypeCountMax].declaration->name.span,
          "schema declares " + std::to_string(types.size()) + " types, the limit is " + std::to_string(kTypeCountMax));
    }
    for (const ResolvedType& type : types) type_name(*type.declaration);
    for (const ResolvedType& type : types) {
      property_names(*type.declaration);
      if (type.declaration->kind == DeclarationKind::kEdge) endpoints(*type.declaration);
    }
  }

 private:
  void type_name(const Declaration& declaration) {
    const ast::Text& name = declaration.name;
    switch (declaration.kind) {
      case DeclarationKind::kInterface:
        if (!interfaces_.insert(name.text).second) diagnostics_.catalog(name.span, "duplicate interface: " + name.text);
        break;
      case DeclarationKind::kNode:
        if (!nodes_.insert(name.text).second) diagnostics_.catalog(name.span, "duplicate node type: " + name.text);
        break;
      case DeclarationKind::kEdge: {
        const auto [at, fresh] = edges_.emplace(base::to_lower_ascii(name.text), name.text);
        if (fresh) break;
        diagnostics_.catalog(name.span, at->second == name.text
                                            ? "duplicate edge type: " + name.text
                                            : "edge name collision after case folding: '" + name.text +
                                                  "' conflicts with '" + at->second + "'");
        break;
      }
    }
  }

  void property_names(const Declaration& declaration) {
    std::set<std::string_view> names;
    for (const ast::Property& property : declaration.properties) {
      if (names.insert(property.name.text).second) continue;
      diagnostics_.catalog(property.name.span,
                           "duplicate property '" + declaration.name.text + "." + property.name.text + "'");
    }
  }

  void endpoints(const Declaration& edge) {
    const auto check = [&](const ast::Text& type, std::string_view which) {
      if (nodes_.contains(type.text)) return;
      const std::vector<std::string> known(nodes_.begin(), nodes_.end());
      diagnostics_.catalog(
          type.span, "edge " + edge.name.text + " references unknown " + std::string(which) + " type: " + type.text,
          interfaces_.contains(type.text) ? "an edge joins node types; '" + type.text + "' is an interface"
                                          : base::did_you_mean(type.text, known));
    };
    check(edge.source, "source");
    check(edge.target, "target");
  }

  Diagnostics& diagnostics_;
  std::set<std::string> interfaces_;
  std::set<std::string> nodes_;
  std::map<std::string, std::string> edges_;  // folded name to the name first declared
};

}  // namespace

void check_catalog(const std::vector<ResolvedType>& types, Diagnostics& diagnostics) {
  CatalogChecker(diagnostics).run(types);
}

}  // namespace omnigraph::schema
