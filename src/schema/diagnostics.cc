#include "schema/diagnostics.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "schema/limits.h"

namespace omnigraph::schema {

void Diagnostics::add(MistakeKind kind, SourceSpan span, std::string message, std::string help) {
  has_syntax_errors_ = has_syntax_errors_ || kind == MistakeKind::kSyntax;
  mistakes_.push_back({kind, span, std::move(message), std::move(help)});
}

std::string Diagnostics::headline(const Mistake& mistake) const {
  std::string text = mistake.kind == MistakeKind::kCatalog ? "catalog error: " : "parse error: ";
  text += mistake.message;
  if (mistake.kind == MistakeKind::kSyntax) {
    const base::SourcePlace place = base::place_of(source_, mistake.span.begin);
    text += " --> " + std::to_string(place.line) + ":" + std::to_string(place.column);
  }
  return text;
}

Error Diagnostics::to_error() {
  OG_CHECK(!mistakes_.empty());
  const auto rank = [](const Mistake& m) { return std::pair(m.kind == MistakeKind::kCatalog, m.span.begin); };
  std::ranges::stable_sort(mistakes_, {}, rank);

  const Mistake& first = mistakes_.front();
  Error error{Code::kBadRequest, headline(first), base::render_excerpt(source_, first.span, file_, first.help)};
  const std::size_t further = mistakes_.size() - 1;
  for (std::size_t i = 1; i <= std::min(further, kFurtherMistakesMax); ++i) {
    const Mistake& mistake = mistakes_[i];
    error.context.append("\n").append(headline(mistake)).append("\n");
    error.context += base::render_excerpt(source_, mistake.span, file_, mistake.help);
  }
  if (further > kFurtherMistakesMax) {
    error.context.append("\nand ").append(std::to_string(further - kFurtherMistakesMax)).append(" more mistakes");
  }
  return error;
}

}  // namespace omnigraph::schema
