// ULIDs: 26 upper-case Crockford base-32 characters, 48 bits of Unix milliseconds and 80 random bits.
// Source: github.com/ulid/spec. Thread safety: free functions, safe.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace omnigraph::base {

// Within one process strictly increasing, also inside one millisecond (the random part is incremented).
[[nodiscard]] std::string new_ulid(const Clock& clock = system_clock());
// A ULID greater than both its own clock's and every id in `floor` (may be empty).
[[nodiscard]] std::string new_ulid_after(std::string_view floor, const Clock& clock = system_clock());
[[nodiscard]] bool is_ulid(std::string_view text);
// `count` random bytes from the kernel.
[[nodiscard]] std::string random_bytes(std::size_t count);
[[nodiscard]] std::uint64_t random_u64();

}  // namespace omnigraph::base
