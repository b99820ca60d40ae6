#include "query/compile.h"

#include <utility>

#include "base/text.h"
#include "query/binder.h"

namespace omnigraph::query {

Result<const ast::Query*> select_query(const ast::File& file, std::string_view name) {
  if (name.empty()) {
    if (file.queries.empty()) return std::unexpected(bad_request("query file contains no queries"));
    if (file.queries.size() > 1) {
      return std::unexpected(bad_request("query file contains multiple queries; pass --name"));
    }
    return &file.queries.front();
  }
  std::vector<std::string> names;
  for (const ast::Query& query : file.queries) {
    if (query.name == name) return &query;
    names.push_back(query.name);
  }
  Error error = bad_request("query '" + std::string(name) + "' not found");
  if (const std::string help = base::did_you_mean(name, names); !help.empty()) error.context = "  = " + help;
  return std::unexpected(std::move(error));
}

std::optional<std::string> mixing_error(const ast::Query& query) {
  const auto* statements = std::get_if<std::vector<ast::Mutation>>(&query.body);
  if (statements == nullptr || query.mixed) return std::nullopt;
  bool writes = false;
  bool deletes = false;
  for (const ast::Mutation& statement : *statements) {
    (statement.kind == ast::MutationKind::kDelete ? deletes : writes) = true;
  }
  if (!writes || !deletes) return std::nullopt;
  return "mutation query '" + query.name + "' mixes inserts/updates and deletes; split into separate mutations";
}

Result<BoundQueryPtr> bind_query(const ast::Query& query, std::string_view source,
                                 const std::shared_ptr<const schema::Catalog>& catalog, std::string_view file_name,
                                 const BindOptions& options) {
  return Binder(query, {source, file_name}, catalog, options).run();
}

Result<BoundQueryPtr> compile(std::string_view source, std::string_view name,
                              const std::shared_ptr<const schema::Catalog>& catalog, std::string_view file_name) {
  OG_ASSIGN_OR_RETURN(const ast::File file, parse_file(source, file_name));
  OG_ASSIGN_OR_RETURN(const ast::Query* query, select_query(file, name));
  return bind_query(*query, source, catalog, file_name);
}

}  // namespace omnigraph::query
