// The rows of one type at one snapshot. Rows have *ordinals*: 0 .. physical_rows()-1, fragments by id one after the
// other, deleted rows included. An ordinal means a row only within one view; the row id is stable.
//
// Columns are read on first use, shared between views of the same data files, and never copied where the file
// layout allows. Thread safety: const methods may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/manifest.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

using Ordinal = std::uint32_t;
inline constexpr Ordinal kNoOrdinal = 0xffffffffu;

class TableView {
 public:
  virtual ~TableView() = default;

  [[nodiscard]] virtual schema::TypeRef type() const = 0;
  [[nodiscard]] virtual Ordinal physical_rows() const = 0;
  [[nodiscard]] virtual Ordinal live_rows() const = 0;
  // LSB-first bitmap of deleted ordinals, (physical_rows()+63)/64 words; empty = none deleted.
  [[nodiscard]] virtual std::span<const std::uint64_t> deleted_words() const = 0;
  [[nodiscard]] bool is_deleted(Ordinal o) const {
    const auto words = deleted_words();
    return !words.empty() && ((words[o >> 6] >> (o & 63)) & 1u) != 0;
  }

  // A property column by its index in the catalog's property list, or a system column.
  // A property that no file holds reads as all null.
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> property(std::size_t index) const = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> ids() const = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> sources() const = 0;       // edges: `src`
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> destinations() const = 0;  // edges: `dst`
  // Edges: row ids of the endpoints, u64, null = not resolved.
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> source_rows() const = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> destination_rows() const = 0;

  [[nodiscard]] virtual std::uint64_t row_id(Ordinal o) const = 0;
  // Live row with this row id, or kNoOrdinal. O(1).
  [[nodiscard]] virtual Ordinal ordinal_of_row(std::uint64_t row_id) const = 0;
  // Live row with this id, or kNoOrdinal. Uses the key indexes of the data files, built on first use.
  [[nodiscard]] virtual Result<Ordinal> find(std::string_view id) const = 0;

  // A column of manifest().fragments[i] alone: what touches few fragments leaves the others unread.
  // `system_column`: 0 id, 1 src, 2 dst, 3 source rows, 4 destination rows.
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> fragment_property(
      std::size_t i, std::size_t index) const = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const columnar::ChunkedArray>> fragment_system(
      std::size_t i, std::size_t system_column) const = 0;

  [[nodiscard]] virtual const lance::Manifest& manifest() const = 0;
  // Ordinal of the first row of manifest().fragments[i].
  [[nodiscard]] virtual Ordinal fragment_start(std::size_t i) const = 0;
};

using TableViewPtr = std::shared_ptr<const TableView>;

}  // namespace omnigraph::graph
