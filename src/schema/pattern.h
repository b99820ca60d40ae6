// Patterns of @check: RE2, Unicode, unanchored (chapter 01 section 5). The only place that knows the options.
// Thread safety: a Pattern may be used by many threads at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace omnigraph::schema {

class Pattern {
 public:
  explicit Pattern(std::string_view text);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  [[nodiscard]] bool is_valid() const;
  [[nodiscard]] std::string complaint() const;  // why it is not valid
  // Some substring matches. REQUIRES: is_valid().
  [[nodiscard]] bool matches(std::string_view value) const;

 private:
  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace omnigraph::schema
