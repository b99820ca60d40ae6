// Limits of one embedding call (chapter 04 sections 5.2 and 5.8) and of what an answer may cost.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omnigraph::embed {

inline constexpr std::size_t kBatchTextsMax = 256;
inline constexpr std::size_t kGeminiBatchTextsMax = 100;
// Of the texts of one request. One text that is longer goes alone.
inline constexpr std::size_t kBatchBytesMax = std::size_t{512} << 10;
inline constexpr std::size_t kRequestsInFlight = 4;
// 256 vectors of 16,384 elements, written with 20 characters each, are 84 MB.
inline constexpr std::size_t kAnswerBytesMax = std::size_t{256} << 20;
// Of a refusal's body, in the error's text.
inline constexpr std::size_t kRefusalBytesMax = 500;
inline constexpr std::uint64_t kCacheBytesMax = std::uint64_t{64} << 20;
// A server may ask for any wait in Retry-After; beyond this the ordinary delay is used where there is no deadline.
inline constexpr std::int64_t kRetryAfterMaxMs = 300'000;

}  // namespace omnigraph::embed
