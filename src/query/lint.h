// `omnigraph lint` and operation descriptors (chapter 02 section 10). Pure data; front ends render it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/bound_query.h"

namespace omnigraph::query {

struct FieldDescriptor {  // a result column or a parameter
  std::string name{};
  std::string kind{};       // string bool int bigint float date datetime vector list blob
  std::string item_kind{};  // lists
  std::uint32_t vector_dim = 0;
  bool nullable = false;
};
[[nodiscard]] FieldDescriptor describe(std::string name, const schema::PropertyType& type);

// What no plan has room for (kVariablesMax), as a message; nullopt: it fits. Execution and lint refuse by the same
// text.
[[nodiscard]] std::optional<std::string> too_many_variables(const ReadQuery& read);

struct TypeUse {
  std::string kind;
  std::string type_name;
};  // node | edge

struct Operation {
  std::vector<FieldDescriptor> result;
  std::vector<TypeUse> reads, writes;  // sorted, no duplicates
};
[[nodiscard]] Operation describe_operation(const BoundQuery& query);

struct QueryLint {
  std::string name{};
  bool mutation = false;
  std::vector<std::string> warnings{};
  std::optional<std::string> error{};  // rendered `type error: ..`: message, then place and caret on lines of their own
  std::optional<Operation> operation{};
};

struct Finding {
  std::string severity{}, code{}, message{}, type_name{}, property{};  // message: one line
  std::vector<std::string> query_names{};
};

struct LintReport {
  std::uint32_t queries_processed = 0, errors = 0, warnings = 0, infos = 0;
  std::vector<QueryLint> results;
  std::vector<Finding> findings;
};

[[nodiscard]] LintReport lint(std::string_view source, std::string_view file_name,
                              const std::shared_ptr<const schema::Catalog>& catalog);

}  // namespace omnigraph::query
