// What the stores share: key checks and their errors.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace omnigraph::objectstore {

// kInvalidArgument naming the key, unless it is valid.
[[nodiscard]] Result<void> check_key(std::string_view key);
[[nodiscard]] Error no_such_object(std::string_view key);  // kNotFound
[[nodiscard]] Error object_exists(std::string_view key);   // kConflict
// The part of [0, size) that `range` covers; no range is everything.
[[nodiscard]] ByteRange clamp_range(const std::optional<ByteRange>& range, std::uint64_t size);

// The common prefix that `key` falls under when a list of `prefix` is delimited, with its '/'; empty: none.
// REQUIRES: key starts with prefix.
[[nodiscard]] std::string_view common_prefix(std::string_view key, std::string_view prefix);

}  // namespace omnigraph::objectstore
