// Mistakes found in one `.pg` text, collected so that one run can report all of them.
// Not thread safe. `source` and `file` must outlive the object.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/source_text.h"

namespace omnigraph::schema {

using base::SourceSpan;

enum class MistakeKind { kSyntax, kAdmission, kCatalog };

class Diagnostics {
 public:
  Diagnostics(std::string_view source, std::string_view file) : source_(source), file_(file) {}

  // `message` goes without prefix and place; `help` is the way out, may be empty.
  void add(MistakeKind kind, SourceSpan span, std::string message, std::string help = {});
  void syntax(SourceSpan span, std::string message, std::string help = {}) {
    add(MistakeKind::kSyntax, span, std::move(message), std::move(help));
  }
  void admission(SourceSpan span, std::string message, std::string help = {}) {
    add(MistakeKind::kAdmission, span, std::move(message), std::move(help));
  }
  void catalog(SourceSpan span, std::string message, std::string help = {}) {
    add(MistakeKind::kCatalog, span, std::move(message), std::move(help));
  }

  [[nodiscard]] bool empty() const { return mistakes_.empty(); }
  [[nodiscard]] bool has_syntax_errors() const { return has_syntax_errors_; }

  // kBadRequest. The message is the first mistake: parse errors before catalog errors, then by place. A syntax
  // error's message ends in ` --> LINE:COL`. The context shows its excerpt and then the further mistakes.
  // REQUIRES: not empty().
  [[nodiscard]] Error to_error();

 private:
  struct Mistake {
    MistakeKind kind;
    SourceSpan span;
    std::string message;
    std::string help;
  };
  [[nodiscard]] std::string headline(const Mistake& mistake) const;

  std::string_view source_;
  std::string_view file_;
  std::vector<Mistake> mistakes_;
  bool has_syntax_errors_ = false;
};

}  // namespace omnigraph::schema
