// Operators and expressions in the words of the query, for explained and measured plans. Parameters appear by name,
// never by value. Thread safety: free functions.
#pragma once

#include <string>

#include "exec/plan.h"
#include "exec/profile.h"

namespace omnigraph::exec {

[[nodiscard]] std::string expression_text(const query::Expr& expr, const query::BoundQuery& query);

// What is returned, in which order and how much of it.
[[nodiscard]] std::string result_text(const query::BoundQuery& query);

// Name, detail and estimate.
[[nodiscard]] OperatorProfile text_of_source(const ScanSource& source, const Runtime& runtime);
[[nodiscard]] OperatorProfile text_of_operator(const Operator& op, const Runtime& runtime);
// Of a pipeline that starts from rows it is given (inner ones), or from one empty row.
[[nodiscard]] OperatorProfile text_of_input(const Pipeline& pipeline);

}  // namespace omnigraph::exec
