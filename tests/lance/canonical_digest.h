// The canonical form of rows and its digests, as shared/tools/check_with_pylance.py defines them in its header:
// what the reference reader and ours must agree on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "columnar/array.h"
#include "lance/dataset_reader.h"

namespace omnigraph::lance {

// Appends the canonical form of slot i.
void append_canonical(std::string& out, const columnar::Array& array, std::int64_t i);

class RowDigest {
 public:
  void add(std::string_view row);
  struct Result {
    std::uint64_t rows = 0;
    std::string digest;
    std::string set_digest;
  };
  [[nodiscard]] Result finish();

 private:
  std::uint64_t rows_ = 0;
  base::Sha256 chain_;
  std::array<std::uint8_t, 32> sum_{};  // big-endian, modulo 2^256
};

// Of all rows, or of those at `positions`. `with_row_ids` appends the row id to each.
[[nodiscard]] Result<RowDigest::Result> digest_rows(const DatasetRows& rows, bool with_row_ids,
                                                    const std::optional<std::vector<std::uint64_t>>& positions);

}  // namespace omnigraph::lance
