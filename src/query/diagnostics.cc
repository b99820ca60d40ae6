#include "query/diagnostics.h"

#include "base/result.h"

namespace omnigraph::query {
namespace {

std::string parse_message(const SourceRef& source, const Mistake& mistake) {
  const base::SourcePlace place = base::place_of(source.text, mistake.span.begin);
  return "parse error: " + mistake.text + " at " + std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string result(1, '\'');
  return result.append(text).append(1, '\'');
}

std::string dollar(std::string_view variable) {
  std::string result(1, '$');
  return result.append(variable);
}

Error parse_error(const SourceRef& source, const std::vector<Mistake>& mistakes) {
  OG_CHECK(!mistakes.empty());
  Error error = bad_request(parse_message(source, mistakes.front()));
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    if (i > 0) error.context.append("\n").append(parse_message(source, mistakes[i])).append("\n");
    error.context += base::render_excerpt(source.text, mistakes[i].span, source.file, mistakes[i].help);
  }
  return error;
}

Error type_error(const SourceRef& source, std::string_view code, std::string_view text, base::SourceSpan span,
                 std::string_view help) {
  std::string message = "type error: ";
  if (!code.empty()) message.append(code).append(": ");
  Error error = bad_request(message.append(text));
  error.context = base::render_excerpt(source.text, span, source.file, help);
  return error;
}

}  // namespace omnigraph::query
