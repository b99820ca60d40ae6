// `.gq` text to bound queries. Errors: kBadRequest, `parse error: ..` or `type error: [CODE: ]..`, with the place
// and a caret in the context. Thread safety: free functions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/ast.h"
#include "query/bound_query.h"
#include "schema/catalog.h"

namespace omnigraph::query {

// Parses a whole file; the first mistake is the message, further ones follow in the context.
[[nodiscard]] Result<ast::File> parse_file(std::string_view source, std::string_view file_name = "");

// The query `name`, or the only one when `name` is empty. Errors: `query 'x' not found`,
// `query file contains multiple queries; pass --name`, `query file contains no queries`.
[[nodiscard]] Result<const ast::Query*> select_query(const ast::File& file, std::string_view name);

struct BindOptions {
  // false: a query that both inserts or updates and deletes is type-checked all the same. The stored-query check
  // warns of it (mixing_error) where every other caller refuses.
  bool refuse_mixed_writes = true;
};

// `mutation query 'q' mixes inserts/updates and deletes; split into separate mutations`; nullopt: it does not, or
// @mixed allows it.
[[nodiscard]] std::optional<std::string> mixing_error(const ast::Query& query);

// `source` is the text that `query` was parsed from; the result does not refer to either.
[[nodiscard]] Result<BoundQueryPtr> bind_query(const ast::Query& query, std::string_view source,
                                               const std::shared_ptr<const schema::Catalog>& catalog,
                                               std::string_view file_name = "", const BindOptions& options = {});

// parse_file + select_query + bind_query.
[[nodiscard]] Result<BoundQueryPtr> compile(std::string_view source, std::string_view name,
                                            const std::shared_ptr<const schema::Catalog>& catalog,
                                            std::string_view file_name = "");

}  // namespace omnigraph::query
