// Random columns of every type, for property tests.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "columnar/array.h"
#include "columnar/data_type.h"

namespace omnigraph::lance {

enum class Texture {
  kRandom,     // full-width numbers, long varied strings
  kSmall,      // few distinct, small numbers: packs well
  kText,       // strings of words
  kAscending,  // keys, row ids
};

// `null_share`: 0 none, 1 all, between: some. Slots of nulls get leftover bytes where the type allows.
[[nodiscard]] columnar::ArrayPtr random_column(const columnar::DataType& type, std::int64_t length, double null_share,
                                               Texture texture, std::mt19937_64& random);
// Types that tables hold, nested ones included.
[[nodiscard]] std::vector<columnar::DataType> all_types();
// "" if the columns are equal, else the first difference.
[[nodiscard]] std::string difference(const columnar::ChunkedArray& got, const columnar::Array& want);

}  // namespace omnigraph::lance
