// Whether a nearest search may pass over vectors that are only unlikely to be among the nearest (chapter 04 section
// 2.4). One setting a process. Thread safety: all functions may be called concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace omnigraph::exec {

enum class VectorMode : std::uint8_t { kExact, kApproximate };

// Types with no more vectors than this are searched exactly in either mode, and so are searches among no more than one
// in kApproximateShare of the rows.
inline constexpr std::size_t kApproximateVectorsMin = 100'000;
inline constexpr std::size_t kApproximateShare = 20;

// `exact` or `approximate`, blank for exact. Errors: kBadRequest.
[[nodiscard]] Result<VectorMode> parse_vector_mode(std::string_view text);

void set_vector_mode(VectorMode mode);
[[nodiscard]] VectorMode vector_mode();

}  // namespace omnigraph::exec
