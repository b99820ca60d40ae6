// Losing a race for a slot: when to try again, when to give up, what to say (chapter 09 section 5).
// Thread safety: free functions on values.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "graph/moment.h"

namespace omnigraph::graph {

// From this try on no other writer of this process comes between the run and the publish.
inline constexpr std::uint32_t kTryWithTurn = 3;

// How a loser goes on. Maintenance has worked for long before its first try, a further one costs it little, and it may
// have to do with a writer that never rests: it tries on top of whatever took its slot, without a pause.
enum class Patience : std::uint8_t { kWriter, kMaintenance };

// A writer after 64 tries, or after 30 s and at least 32; maintenance after 10 minutes and at least 64 tries.
[[nodiscard]] bool gives_up(Patience patience, std::uint32_t tries, const Moment& started, const Moment& now);
// A random moment, longer with every try; at most 50 ms.
void pause_before_try(std::uint32_t tries);

// kConflict with the detail `read_set_conflict`; retryable. `expected`, `actual`: commit ids.
[[nodiscard]] Error read_set_conflict(const std::string& branch, const std::string& expected,
                                      const std::string& actual);

// kPreconditionFailed with the detail `precondition_failure`: the head is not the one the caller named.
[[nodiscard]] Error precondition_failed(const std::string& branch, const std::string& expected,
                                        const std::string& actual);

// A judgement about the data, to be given only on the newest state; anything else is trouble of this attempt.
[[nodiscard]] bool is_refusal(const Error& error);

}  // namespace omnigraph::graph
