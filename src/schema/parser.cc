#include "schema/parser.h"

#include <utility>

#include "base/text.h"
#include "schema/admission.h"
#include "schema/catalog_build.h"
#include "schema/diagnostics.h"
#include "schema/resolve.h"
#include "schema/syntax.h"

namespace omnigraph::schema {

Result<std::shared_ptr<const Catalog>> parse_schema(std::string_view source, const ParseOptions& options) {
  if (!base::is_valid_utf8(source))
    return std::unexpected(bad_request("parse error: schema is not valid UTF-8 --> 1:1"));
  Diagnostics diagnostics(source, options.file);
  const ast::File file = parse_syntax(source, diagnostics);
  // A half-read declaration would be blamed for what it lost, so the rules wait for clean syntax.
  if (!diagnostics.has_syntax_errors()) {
    const std::vector<ResolvedType> types = resolve_types(file, diagnostics);
    check_admission(types, options.accepted, diagnostics);
    check_catalog(types, diagnostics);
    if (diagnostics.empty()) return std::make_shared<const Catalog>(build_catalog(types));
  }
  return std::unexpected(diagnostics.to_error());
}

}  // namespace omnigraph::schema
