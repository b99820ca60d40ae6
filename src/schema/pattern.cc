#include "schema/pattern.h"

#include <re2/re2.h>

namespace omnigraph::schema {

Pattern::Pattern(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  compiled_ = std::make_unique<RE2>(re2::StringPiece(text.data(), text.size()), options);
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

bool Pattern::is_valid() const { return compiled_->ok(); }
std::string Pattern::complaint() const { return compiled_->error(); }

bool Pattern::matches(std::string_view value) const {
  return RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *compiled_);
}

}  // namespace omnigraph::schema
