#include "lance/page_decoder_v21.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "columnar/kernels.h"
#include "lance/chunks.h"
#include "lance/leaf_builder.h"
#include "lance/levels.h"
#include "lance/page_layout.h"
#include "lance/page_values.h"

namespace omnigraph::lance {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::ChunkedArray;
using columnar::DataType;
using columnar::Field;
using columnar::TypeId;

// Smaller constant pages join the chunk being built.
constexpr std::uint64_t kSmallConstantBytes = std::uint64_t{1} << 20;

// The pages of one file column, as the field's type with this leaf alone.
class LeafColumnV21 {
 public:
  LeafColumnV21(const LeafPath& path, Chunks& out) : path_(path), builder_(path.back()), out_(out) {}

  Result<void> add_page(const PageInfo& page, const PagePlace& place) {
    if (page.length == 0) return {};
    OG_ASSIGN_OR_RETURN(const PageLayout layout, parse_page_layout(page.encoding, place));
    const DefinitionTable table(layout.layers);
    levels_.clear();
    const std::uint64_t before = builder_.length();
    switch (layout.kind) {
      case PageLayout::Kind::kMiniBlock:
        OG_RETURN_IF_ERROR(decode_mini_block(layout, page, place, builder_, levels_));
        break;
      case PageLayout::Kind::kFullZip: {
        OG_ASSIGN_OR_RETURN(const ArrayPtr in_place, full_zip_in_place(layout, path_.back(), page, place));
        if (in_place) return add_in_place(in_place, layout, table, page, place);
        OG_RETURN_IF_ERROR(decode_full_zip(layout, table, page, place, builder_, levels_));
        break;
      }
      case PageLayout::Kind::kConstant: {
        OG_ASSIGN_OR_RETURN(const bool done, add_constant(layout, table, page, place));
        if (done) return {};
        break;
      }
    }
    OG_RETURN_IF_ERROR(check(layout, table, page, place));
    const std::uint64_t added = builder_.length() - before;
    if (added != slot_count(levels_, table)) {
      return std::unexpected(place.corrupt("the levels want " + std::to_string(slot_count(levels_, table)) +
                                           " values, the page has " + std::to_string(added)));
    }
    add_leaf_validity(levels_, table, builder_);
    if (path_.size() == 1) {
      if (builder_.byte_size() >= kChunkBytes) flush();
      return {};
    }
    OG_ASSIGN_OR_RETURN(ArrayPtr rows, nest(levels_, table, path_, builder_.finish(), page.length, place));
    out_.push_back(std::move(rows));
    return {};
  }
  // Nested pages leave nothing behind.
  void flush() {
    if (builder_.length() != 0) out_.push_back(builder_.finish());
  }

 private:
  Result<void> check(const PageLayout& layout, const DefinitionTable& table, const PageInfo& page,
                     const PagePlace& place) {
    // Without repetition levels either each entry is a row or all are one.
    if (table.list_count() != 0 && levels_.repetition.empty() && levels_.count == page.length) {
      levels_.repetition.assign(levels_.count, static_cast<std::uint16_t>(table.list_count()));
    }
    return check_levels(levels_, table, layout.layers, path_, page.length, place);
  }

  Result<void> add_in_place(const ArrayPtr& leaf, const PageLayout& layout, const DefinitionTable& table,
                            const PageInfo& page, const PagePlace& place) {
    flush();
    levels_.count = page.length;
    OG_RETURN_IF_ERROR(check(layout, table, page, place));
    OG_ASSIGN_OR_RETURN(ArrayPtr rows, nest(levels_, table, path_, leaf, page.length, place));
    out_.push_back(std::move(rows));
    return {};
  }

  // True if the page became a chunk of its own; false if its slots are in the builder.
  Result<bool> add_constant(const PageLayout& layout, const DefinitionTable& table, const PageInfo& page,
                            const PagePlace& place) {
    OG_ASSIGN_OR_RETURN(const ConstantPage constant, read_constant(layout, path_.back(), page, place, levels_));
    const bool has_levels = levels_.count != 0;
    if (!has_levels) levels_.count = page.length;
    if (!has_levels && !constant.has_value) {
      // Nothing but nulls, at every layer that can be null.
      OG_RETURN_IF_ERROR(check(layout, table, page, place));
      flush();
      append_null_chunks(path_.front(), page.length, out_);
      return true;
    }
    OG_RETURN_IF_ERROR(check(layout, table, page, place));
    const std::uint64_t slots = slot_count(levels_, table);
    const auto value = std::as_bytes(std::span(constant.value));
    const std::uint64_t bytes = slots * (value.size() + sizeof(std::uint64_t));
    if (!has_levels && path_.size() == 1 && bytes > kSmallConstantBytes) {
      flush();
      const std::uint64_t run = std::min(slots, shared_run_length(value.size()));
      builder_.add_repeated(value, run);
      append_repeated_chunk(builder_.finish(), slots, out_);
      return true;
    }
    if (bytes > kDecompressedMax) {
      return std::unexpected(place.unsupported("constant page of " + std::to_string(bytes) + " bytes"));
    }
    if (constant.has_value) {
      builder_.add_repeated(value, slots);
    } else {
      builder_.add_empty(slots);
      // A page of nulls need not say so in its definition levels.
      if (levels_.definition.empty()) builder_.add_nulls(slots);
    }
    return false;
  }

  const LeafPath& path_;
  LeafBuilder builder_;
  Levels levels_;
  Chunks& out_;
};

std::size_t leaf_count(const DataType& type) {
  if (type.id != TypeId::kStruct && type.id != TypeId::kList) return 1;
  std::size_t count = 0;
  for (const Field& field : *type.children) count += leaf_count(field.type);
  return count;
}

bool has_list(const DataType& type) {
  if (type.id == TypeId::kList) return true;
  if (type.id != TypeId::kStruct) return false;
  return std::ranges::any_of(*type.children, [](const Field& field) { return has_list(field.type); });
}

bool has_struct(const DataType& type) {
  return type.id == TypeId::kStruct || (type.id == TypeId::kList && has_struct(type.child(0).type));
}

// `type` with only its leaf number `leaf`, and the same for each type on the way down.
void append_path(const DataType& type, std::size_t leaf, LeafPath& out) {
  if (type.id != TypeId::kStruct && type.id != TypeId::kList) {
    out.push_back(type);
    return;
  }
  for (const Field& field : *type.children) {
    const std::size_t count = leaf_count(field.type);
    if (leaf >= count) {
      leaf -= count;
      continue;
    }
    const std::size_t at = out.size();
    out.push_back(type);
    append_path(field.type, leaf, out);
    out[at].children =
        std::make_shared<const std::vector<Field>>(std::vector<Field>{Field{field.name, out[at + 1], field.nullable}});
    return;
  }
}

// Joins arrays that hold one leaf each (null: the leaf is absent) into one of the whole type.
class LeafJoiner {
 public:
  explicit LeafJoiner(std::string_view key) : key_(key) {}

  Result<ArrayPtr> join(const DataType& type, std::span<const ArrayPtr> leaves, std::int64_t length) const {
    const auto present = std::ranges::find_if(leaves, [](const ArrayPtr& leaf) { return leaf != nullptr; });
    if (present == leaves.end()) return columnar::all_null(type, length);
    const Array& shape = **present;
    if (shape.length() != length) return std::unexpected(disagree(type));
    if (type.id != TypeId::kStruct && type.id != TypeId::kList) return *present;
    std::vector<ArrayPtr> inner;
    for (const ArrayPtr& leaf : leaves) inner.push_back(leaf ? leaf->child(0) : nullptr);
    if (type.id == TypeId::kList) return join_lists(type, leaves, shape, inner);
    std::vector<ArrayPtr> children;
    std::size_t at = 0;
    for (const Field& field : *type.children) {
      const std::size_t count = leaf_count(field.type);
      OG_ASSIGN_OR_RETURN(ArrayPtr child, join(field.type, std::span(inner).subspan(at, count), length));
      children.push_back(std::move(child));
      at += count;
    }
    return make_struct(type, validity_of(shape), std::move(children), length);
  }

 private:
  Error disagree(const DataType& type) const {
    return corrupt_object(key_, "the columns of " + columnar::type_name(type) + " disagree about its rows");
  }

  // From bit 0 on.
  static Buffer validity_of(const Array& array) {
    if (!array.has_nulls()) return {};
    BitBuffer bits;
    bits.append_bits(array.validity_buffer().data(), static_cast<std::uint64_t>(array.offset()),
                     static_cast<std::uint64_t>(array.length()));
    return bits.finish();
  }

  // REQUIRES: all lists begin at slot 0 of their buffers, as decoded pages and combined chunks do.
  Result<ArrayPtr> join_lists(const DataType& type, std::span<const ArrayPtr> leaves, const Array& shape,
                              std::span<const ArrayPtr> inner) const {
    for (const ArrayPtr& leaf : leaves) {
      if (!leaf || leaf.get() == &shape) continue;
      bool same = leaf->length() == shape.length();
      for (std::int64_t i = 0; same && i < shape.length(); ++i) same = leaf->item_end(i) == shape.item_end(i);
      if (!same) return std::unexpected(disagree(type));
    }
    const std::int64_t length = shape.length();
    const std::uint64_t items = length == 0 ? 0 : shape.item_end(length - 1);
    OG_ASSIGN_OR_RETURN(ArrayPtr child, join(type.child(0).type, inner, static_cast<std::int64_t>(items)));
    Array::Parts parts;
    parts.type = type;
    parts.length = length;
    parts.validity = validity_of(shape);
    parts.ends = shape.ends_buffer();
    parts.children.push_back(std::move(child));
    return std::make_shared<const Array>(std::move(parts));
  }

  std::string_view key_;
};

Result<Chunks> read_leaf(const FileLayout& layout, const LeafPath& path, std::int32_t column) {
  PagePlace place{layout.key(), static_cast<std::uint32_t>(column), 0};
  OG_ASSIGN_OR_RETURN(const ColumnInfo info, layout.column(place.column));
  if (info.length != layout.row_count()) {
    return std::unexpected(place.corrupt("the pages hold " + std::to_string(info.length) + " rows of " +
                                         std::to_string(layout.row_count())));
  }
  Chunks chunks;
  LeafColumnV21 leaf(path, chunks);
  for (; place.page < info.pages.size(); ++place.page) {
    OG_RETURN_IF_ERROR(leaf.add_page(info.pages[place.page], place));
  }
  leaf.flush();
  return chunks;
}

Result<Chunks> join_columns(const FileLayout& layout, const DataType& type, std::vector<Chunks> columns,
                            const std::vector<LeafPath>& paths, const std::vector<bool>& is_present) {
  const LeafJoiner joiner(layout.key());
  // Lists are compared from their first slot on, which cutting would move.
  if (has_list(type)) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].size() > 1) {
        columns[i] = {columnar::combine(ChunkedArray(paths[i].front(), std::move(columns[i])))};
      }
    }
  }
  std::vector<Chunks> present;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (is_present[i]) present.push_back(std::move(columns[i]));
  }
  Chunks joined;
  Result<void> status;
  for_each_aligned(present, [&](std::vector<ArrayPtr> pieces) {
    if (!status) return;
    const std::int64_t length = pieces.front()->length();
    std::vector<ArrayPtr> leaves;
    std::size_t next = 0;
    for (const bool there : is_present) leaves.push_back(there ? pieces[next++] : nullptr);
    auto array = joiner.join(type, leaves, length);
    if (array) {
      joined.push_back(std::move(*array));
    } else {
      status = std::unexpected(std::move(array).error());
    }
  });
  OG_RETURN_IF_ERROR(status);
  return joined;
}

}  // namespace

Result<ChunkedArray> read_column_v21(const FileLayout& layout, const DataType& type,
                                     std::span<const std::int32_t> columns) {
  const std::size_t count = leaf_count(type);
  if (columns.size() != count) {
    return std::unexpected(corrupt_object(layout.key(), columnar::type_name(type) + " has " + std::to_string(count) +
                                                            " leaf columns, " + std::to_string(columns.size()) +
                                                            " are given"));
  }
  std::vector<Chunks> chunks(count);
  std::vector<LeafPath> paths(count);
  std::vector<bool> is_present(count);
  for (std::size_t i = 0; i < count; ++i) {
    append_path(type, i, paths[i]);
    if (paths[i].empty() || !LeafBuilder::is_leaf(paths[i].back())) {
      return std::unexpected(Error{Code::kUnsupportedFormat,
                                   "unsupported dataset: " + layout.key() + ": type " + columnar::type_name(type)});
    }
    is_present[i] = columns[i] >= 0;
    if (!is_present[i]) continue;
    OG_ASSIGN_OR_RETURN(chunks[i], read_leaf(layout, paths[i], columns[i]));
  }
  if (std::ranges::none_of(is_present, [](bool there) { return there; })) {
    Chunks nulls;
    append_null_chunks(type, layout.row_count(), nulls);
    return ChunkedArray(type, std::move(nulls));
  }
  if (!has_struct(type)) return ChunkedArray(type, std::move(chunks[0]));
  OG_ASSIGN_OR_RETURN(Chunks joined, join_columns(layout, type, std::move(chunks), paths, is_present));
  return ChunkedArray(type, std::move(joined));
}

}  // namespace omnigraph::lance
