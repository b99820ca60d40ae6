// Records of a load that are put aside instead of refusing it (chapter 13 sections 2 and 4): the commit holds the rest.
//
// Put aside is what is wrong in itself: no JSON, no record, an unknown type or field, a value of the wrong type, an
// enum member nobody declared, a required value that is missing, an id that contradicts the key. What other rows decide
// (uniqueness, endpoints, cardinality), @range and @check, and the limits of a line go on refusing the whole load.
// Thread safety: values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::engine {

struct RejectedRecord {
  std::uint64_t line = 0;  // from 1; for the permissive parser the number of the record
  std::string message;     // what a load without rejects says, its place included
  std::string text;        // the record as it came; bytes that are no UTF-8 are replaced
};

// Texts of all rejected records of one load: they are kept in memory until the commit.
inline constexpr std::uint64_t kRejectedTextBytesMax = std::uint64_t{64} << 20;

struct LoadRejects {
  std::uint64_t max = 0;  // more than these refuse the load
  // Gets all rejected records in input order, also none, before anything is written, and those found until then when
  // there are too many. Another call's list replaces the former. An error refuses the load. May be empty.
  std::function<Result<void>(const std::vector<RejectedRecord>&)> report{};
};

// kBadRequest naming the limit and the first record. REQUIRES: `rejected` is not empty.
[[nodiscard]] Error too_many_rejects(const std::vector<RejectedRecord>& rejected, std::uint64_t max);
// `bytes` with each byte that is no UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string readable_text(std::string_view bytes);

}  // namespace omnigraph::engine
