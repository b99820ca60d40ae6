// What values that caches keep take in memory: what they allocate, with the allocator's part, counted by walking
// through them. Parts shared with other values count in full. Thread safety: free functions.
#pragma once

#include <cstdint>

#include "columnar/array.h"
#include "graph/commit_log.h"
#include "graph/record.h"
#include "lance/manifest.h"

namespace omnigraph::graph {

[[nodiscard]] std::uint64_t memory_of(const lance::Manifest& manifest);
[[nodiscard]] std::uint64_t memory_of(const CommitRecord& record);
[[nodiscard]] std::uint64_t memory_of(const LoadedRecord& record);  // read, its unpacked copies included
// Without the buffers that lie in the memory of `counted` (Buffer::owner), which its holder counts.
[[nodiscard]] std::uint64_t memory_of(const columnar::Array& values, const void* counted = nullptr);
[[nodiscard]] std::uint64_t memory_of(const columnar::ChunkedArray& values, const void* counted = nullptr);

}  // namespace omnigraph::graph
