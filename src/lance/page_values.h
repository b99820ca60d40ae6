// The three page layouts of versions 2.1 and 2.2 (chapter 10 sections 9.3 and 9.4): each appends the page's value
// slots to a builder, without saying which are valid, and collects its levels. Thread safety: free functions.
#pragma once

#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_layout.h"
#include "lance/leaf_builder.h"
#include "lance/levels.h"
#include "lance/page_layout.h"

namespace omnigraph::lance {

[[nodiscard]] Result<void> decode_mini_block(const PageLayout& layout, const PageInfo& page, const PagePlace& place,
                                             LeafBuilder& out, Levels& levels);

[[nodiscard]] Result<void> decode_full_zip(const PageLayout& layout, const DefinitionTable& table, const PageInfo& page,
                                           const PagePlace& place, LeafBuilder& out, Levels& levels);
// An array over the file's bytes if the page is nothing but aligned vectors, else null.
[[nodiscard]] Result<columnar::ArrayPtr> full_zip_in_place(const PageLayout& layout, const columnar::DataType& type,
                                                           const PageInfo& page, const PagePlace& place);

// A constant page taken apart.
struct ConstantPage {
  bool has_value = false;
  std::string_view value;  // the slot's bytes: fixed width, one byte for bool, a string's bytes
};
[[nodiscard]] Result<ConstantPage> read_constant(const PageLayout& layout, const columnar::DataType& type,
                                                 const PageInfo& page, const PagePlace& place, Levels& levels);

}  // namespace omnigraph::lance
