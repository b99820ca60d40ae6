// Which row of a fragment holds a tuple of values: hashes of the columns of one @unique, built once per data file and
// shared by all writes of the process. Derived data: forgotten when unused, rebuilt from the file.
// Thread safety: immutable; of() may be called concurrently.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "columnar/array.h"
#include "graph/table_view.h"

namespace omnigraph::graph {

// Hash of a typed tuple; nullopt when a member is null. -0.0 and 0.0 hash alike.
class TupleHasher {
 public:
  [[nodiscard]] std::optional<base::Hash128> hash(const std::vector<const columnar::Array*>& columns, std::int64_t i);
  [[nodiscard]] std::optional<base::Hash128> hash(const std::vector<const columnar::Array*>& columns,
                                                  const std::vector<std::int64_t>& indexes);

 private:
  void append(const columnar::Array& column, std::int64_t i);
  std::string bytes_;
};

class UniqueIndex {
 public:
  using Columns = std::function<Result<std::vector<columnar::ArrayPtr>>()>;
  // The index named `key`, from the process-wide cache or built of `columns`.
  [[nodiscard]] static Result<std::shared_ptr<const UniqueIndex>> of(const std::string& key, const Columns& columns);

  // First position holding the tuple for which `counts` is true (rows that are still there), or kNoOrdinal.
  template <class Counts>
  [[nodiscard]] Ordinal find(base::Hash128 hash, Counts&& counts) const {
    for (std::uint64_t at = hash.low & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.position == kNoOrdinal) return kNoOrdinal;
      if (slot.low == hash.low && slot.high == static_cast<std::uint32_t>(hash.high) && counts(slot.position)) {
        return slot.position;
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t position = kNoOrdinal;
  };
  explicit UniqueIndex(const std::vector<columnar::ArrayPtr>& columns);
  std::vector<Slot> slots_;
  std::uint64_t mask_ = 0;
};

}  // namespace omnigraph::graph
