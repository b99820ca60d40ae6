// Classes of ASCII characters, whatever the locale.
#pragma once

namespace omnigraph::policy::cedar {

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace omnigraph::policy::cedar
