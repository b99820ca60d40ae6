#include "query/lint.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "query/compile.h"
#include "query/limits.h"

namespace omnigraph::query {
namespace {

using schema::EntityKind;

constexpr std::string_view kNoParameters = "mutation declares no params; hardcoded mutations are easy to miss";

// Per updated node type: the properties some update sets, and the queries that update it.
struct UpdateCoverage {
  std::set<std::string> assigned;
  std::set<std::string> queries;
};
using Coverage = std::map<std::uint32_t, UpdateCoverage>;

void add_updates(const BoundQuery& query, Coverage& coverage) {
  for (const Mutation& mutation : query.mutations) {
    if (mutation.kind != ast::MutationKind::kUpdate || mutation.type.kind != EntityKind::kNode) continue;
    UpdateCoverage& type = coverage[mutation.type.index];
    type.queries.insert(query.name);
    for (const Assignment& assignment : mutation.assignments) {
      type.assigned.insert(query.catalog->properties_of(mutation.type)[assignment.property].name);
    }
  }
}

std::vector<Finding> unset_properties(const Coverage& coverage, const schema::Catalog& catalog) {
  std::vector<Finding> findings;
  for (const auto& [index, updates] : coverage) {
    const schema::NodeType& node = catalog.nodes[index];
    for (const schema::Property& property : node.properties) {
      if (!property.type.nullable || property.embed || updates.assigned.contains(property.name)) continue;
      findings.push_back({.severity = "warning",
                          .code = "L201",
                          .message = node.name + "." + property.name + " exists in schema but no update query sets it",
                          .type_name = node.name,
                          .property = property.name,
                          .query_names = {updates.queries.begin(), updates.queries.end()}});
    }
  }
  return findings;
}

std::size_t negation_depth(const Block& block) {
  std::size_t depth = 0;
  for (const Block& negation : block.negations) depth = std::max(depth, 1 + negation_depth(negation));
  return depth;
}

int severity_rank(const std::string& severity) { return severity == "error" ? 0 : severity == "warning" ? 1 : 2; }

void sort_and_count(LintReport& report) {
  std::sort(report.findings.begin(), report.findings.end(), [](const Finding& a, const Finding& b) {
    return std::forward_as_tuple(severity_rank(a.severity), a.type_name, a.property, a.message) <
           std::forward_as_tuple(severity_rank(b.severity), b.type_name, b.property, b.message);
  });
  for (const Finding& finding : report.findings) {
    ++(finding.severity == "error" ? report.errors : finding.severity == "warning" ? report.warnings : report.infos);
  }
  for (const QueryLint& query : report.results) {
    if (query.error) ++report.errors;
    report.warnings += static_cast<std::uint32_t>(query.warnings.size());
  }
}

}  // namespace

std::optional<std::string> too_many_variables(const ReadQuery& read) {
  if (read.variables.size() + negation_depth(read.match) + 1 <= kVariablesMax) return std::nullopt;
  return "the query has " + std::to_string(read.variables.size()) + " variables; with its not blocks at most " +
         std::to_string(kVariablesMax) + " are supported";
}

LintReport lint(std::string_view source, std::string_view file_name,
                const std::shared_ptr<const schema::Catalog>& catalog) {
  LintReport report;
  const auto file = parse_file(source, file_name);
  if (!file) {
    Finding finding{.severity = "error", .code = "Q000", .message = file.error().message};
    report.findings.push_back(std::move(finding));
    sort_and_count(report);
    return report;
  }
  Coverage coverage;
  for (const ast::Query& query : file->queries) {
    QueryLint result{.name = query.name};
    result.mutation = !std::holds_alternative<ast::Read>(query.body);
    if (result.mutation && query.parameters.empty()) result.warnings.emplace_back(kNoParameters);
    const auto bound = bind_query(query, source, catalog, file_name);
    const auto excess = bound && (*bound)->read ? too_many_variables(*(*bound)->read) : std::nullopt;
    if (excess) {
      result.error = "query: " + *excess;
    } else if (bound) {
      result.operation = describe_operation(**bound);
      add_updates(**bound, coverage);
    } else {
      result.error = bound.error().render();
    }
    report.results.push_back(std::move(result));
  }
  report.queries_processed = static_cast<std::uint32_t>(report.results.size());
  report.findings = unset_properties(coverage, *catalog);
  sort_and_count(report);
  return report;
}

}  // namespace omnigraph::query
