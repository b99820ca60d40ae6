// Cuts one top-level column into pages of its physical columns (chapter 10 sections 1, 8 and 8.1): a list has its end
// offsets and then its items, a struct its header and then its children, each cut on its own. Pages do not depend on
// how the rows were divided among the calls.
// Not thread safe; different columns may be used at once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_writer.h"
#include "lance/page_encoder.h"

namespace omnigraph::lance {

// Pages of one physical column that are full and wait to be written.
struct PhysicalColumn {
  PageForm form = PageForm::kPlain;
  std::vector<PageValues> ready;
};

class ColumnEncoder {
 public:
  virtual ~ColumnEncoder() = default;

  // `parent_bits`: bit i is 0 where an enclosing struct is null; nullptr: nowhere. Error: kInvalidArgument.
  [[nodiscard]] virtual Result<void> append(const columnar::Array& values, const std::byte* parent_bits) = 0;
  // Closes the last page.
  virtual void finish() = 0;
  // Depth-first, in file order. The pointers stay valid.
  virtual void list_columns(std::vector<PhysicalColumn*>& out) = 0;
  // Of open and waiting pages.
  [[nodiscard]] virtual std::uint64_t buffered_bytes() const = 0;
};

// nullptr if no 2.0 page can hold the type.
[[nodiscard]] std::unique_ptr<ColumnEncoder> make_column_encoder(const columnar::DataType& type, PageForm form);

}  // namespace omnigraph::lance
