// Pieces of columns while they are put together. Thread safety: free functions.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"

namespace omnigraph::lance {

// Decoded chunks above this size are closed, so that a growing chunk is not copied over and over.
inline constexpr std::uint64_t kChunkBytes = std::uint64_t{4} << 20;

using Chunks = std::vector<columnar::ArrayPtr>;  // none of them empty

[[nodiscard]] std::uint64_t length_of(const Chunks& chunks);
// Nulls of any length; long ones share their memory.
void append_null_chunks(const columnar::DataType& type, std::uint64_t length, Chunks& out);
// `run` repeated: `length` slots in all.
void append_repeated_chunk(const columnar::ArrayPtr& run, std::uint64_t length, Chunks& out);
// How many slots of `slot_bytes` a shared run should have.
[[nodiscard]] std::uint64_t shared_run_length(std::uint64_t slot_bytes);
// The slots [begin, begin + count) as one array; no copy if one chunk holds them.
// REQUIRES: the chunks are that long.
[[nodiscard]] columnar::ArrayPtr slots_of(const columnar::DataType& type, const Chunks& chunks, std::uint64_t begin,
                                          std::uint64_t count);
// Cuts all columns, which have equal lengths, at every boundary of any of them and calls `take` with the pieces.
void for_each_aligned(const std::vector<Chunks>& columns,
                      const std::function<void(std::vector<columnar::ArrayPtr>)>& take);
// A struct slot is null where `validity` (may be empty) says so, and where all children are null: version 2.0 has
// no other way to say it, and both forms must read alike (section 8.1).
[[nodiscard]] columnar::ArrayPtr make_struct(const columnar::DataType& type, Buffer validity,
                                             std::vector<columnar::ArrayPtr> children, std::int64_t length);

}  // namespace omnigraph::lance
