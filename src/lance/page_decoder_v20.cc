#include "lance/page_decoder_v20.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lance/array_encoding.h"
#include "lance/bitpacking.h"
#include "lance/chunks.h"
#include "lance/leaf_builder.h"
#include "lance/string_page_v20.h"

namespace omnigraph::lance {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::ChunkedArray;
using columnar::DataType;
using columnar::TypeId;
using ArrayKind = ArrayEncoding::Kind;

struct Page {
  const PageInfo& info;
  PagePlace place;
};

// A nullable encoding taken apart; `values` is null if all slots are.
struct Nullable {
  const ArrayEncoding* validity = nullptr;
  const ArrayEncoding* values = nullptr;
};

Nullable take_apart(const ArrayEncoding& encoding) {
  switch (encoding.kind) {
    case ArrayKind::kNoNulls: return {nullptr, encoding.first.get()};
    case ArrayKind::kSomeNulls: return {encoding.first.get(), encoding.second.get()};
    case ArrayKind::kAllNulls: return {};
    default: return {nullptr, &encoding};
  }
}

class LeafColumnV20 {
 public:
  LeafColumnV20(const DataType& type, Chunks& out) : type_(type), builder_(type), out_(out) {}

  Result<void> add_page(const PageInfo& info, const PagePlace& place) {
    if (info.length == 0) return {};
    OG_ASSIGN_OR_RETURN(const auto encoding, parse_array_encoding(info.encoding, place));
    const Page page{info, place};
    if (encoding->kind == ArrayKind::kAllNulls) {
      flush();
      append_null_chunks(type_, info.length, out_);
    } else if (type_.is_string_like()) {
      OG_ASSIGN_OR_RETURN(const ArrayPtr in_place, read_string_page(*encoding, info, place, builder_));
      if (in_place) add_chunk(in_place);
    } else {
      OG_ASSIGN_OR_RETURN(const ArrayPtr in_place, fixed_in_place(*encoding, type_, info.length, page));
      if (in_place) {
        add_chunk(in_place);
      } else {
        OG_RETURN_IF_ERROR(decode_fixed(*encoding, info.length, page, builder_));
      }
    }
    if (builder_.byte_size() >= kChunkBytes) flush();
    return {};
  }
  void flush() {
    if (builder_.length() != 0) out_.push_back(builder_.finish());
  }

 private:
  void add_chunk(const ArrayPtr& chunk) {
    flush();
    out_.push_back(chunk);
  }

  static std::uint32_t value_bits(const DataType& type) { return type.id == TypeId::kBool ? 1 : type.byte_width() * 8; }

  static std::unexpected<Error> mismatch(const DataType& type, const Page& page) {
    return std::unexpected(page.place.corrupt("the encoding does not fit the type " + columnar::type_name(type)));
  }

  // An array over the file's own bytes, or null if they cannot be used as they are.
  static Result<ArrayPtr> fixed_in_place(const ArrayEncoding& encoding, const DataType& type, std::uint64_t length,
                                         const Page& page) {
    const Nullable parts = take_apart(encoding);
    if (parts.values == nullptr) return ArrayPtr();
    Array::Parts array;
    array.type = type;
    array.length = static_cast<std::int64_t>(length);
    if (parts.validity != nullptr) {
      if (!is_plain(*parts.validity, 1)) return ArrayPtr();
      OG_ASSIGN_OR_RETURN(array.validity, load_flat(*parts.validity, length, page.info, page.place));
    }
    if (type.id == TypeId::kFixedSizeList) {
      if (parts.values->kind != ArrayKind::kFixedSizeList || parts.values->dimension != type.list_size) {
        return mismatch(type, page);
      }
      OG_ASSIGN_OR_RETURN(ArrayPtr items,
                          fixed_in_place(*parts.values->first, type.child(0).type, length * type.list_size, page));
      if (!items) return ArrayPtr();
      array.children.push_back(std::move(items));
      return std::make_shared<const Array>(std::move(array));
    }
    if (!is_plain(*parts.values, value_bits(type))) return ArrayPtr();
    OG_ASSIGN_OR_RETURN(array.values, load_flat(*parts.values, length, page.info, page.place));
    const std::uint32_t alignment = std::max(type.byte_width(), 1u);
    if (reinterpret_cast<std::uintptr_t>(array.values.data()) % alignment != 0) return ArrayPtr();
    return std::make_shared<const Array>(std::move(array));
  }

  static bool is_plain(const ArrayEncoding& encoding, std::uint32_t bits) {
    return encoding.kind == ArrayKind::kFlat && encoding.bits == bits && encoding.compression == Compression::kNone;
  }

  static Result<void> decode_fixed(const ArrayEncoding& encoding, std::uint64_t length, const Page& page,
                                   LeafBuilder& out) {
    const Nullable parts = take_apart(encoding);
    if (parts.values == nullptr) {
      // Only the items of fixed-size lists come here; no buffer bounds their number.
      if (length > kPageLevelsMax) return std::unexpected(page.place.corrupt("claims too many null items"));
      out.add_empty(length);
      out.add_nulls(length);
      return {};
    }
    OG_RETURN_IF_ERROR(decode_values(*parts.values, length, page, out));
    if (parts.validity == nullptr) return {};
    if (parts.validity->kind != ArrayKind::kFlat || parts.validity->bits != 1) {
      return std::unexpected(page.place.unsupported("validity that is not a bitmap"));
    }
    OG_ASSIGN_OR_RETURN(const Buffer bits, load_flat(*parts.validity, length, page.info, page.place));
    out.add_validity(bits.data(), 0, length);
    return {};
  }

  static Result<void> decode_values(const ArrayEncoding& values, std::uint64_t length, const Page& page,
                                    LeafBuilder& out) {
    const DataType& type = out.type();
    if (type.id == TypeId::kFixedSizeList) {
      if (values.kind != ArrayKind::kFixedSizeList || values.dimension != type.list_size) return mismatch(type, page);
      OG_RETURN_IF_ERROR(decode_fixed(*values.first, length * type.list_size, page, out.items()));
      out.add_slots(length);
      return {};
    }
    if (values.bits != value_bits(type)) return mismatch(type, page);
    if (values.kind == ArrayKind::kFlat) {
      OG_ASSIGN_OR_RETURN(const Buffer bytes, load_flat(values, length, page.info, page.place));
      if (type.id == TypeId::kBool) {
        out.add_bools(bytes.data(), 0, length);
      } else {
        std::memcpy(out.add_values(length), bytes.data(), length * type.byte_width());
      }
      return {};
    }
    if (values.kind != ArrayKind::kBitpacked || type.id == TypeId::kBool) return mismatch(type, page);
    OG_RETURN_IF_ERROR(check_packed(values, length, page.info, page.place));
    unpack(values, length, page.info, out.add_values(length));
    return {};
  }

  const DataType& type_;
  LeafBuilder builder_;
  Chunks& out_;
};

// Walks a type depth-first along the list of its file columns.
class ColumnTreeReader {
 public:
  ColumnTreeReader(const FileLayout& layout, std::span<const std::int32_t> columns)
      : layout_(layout), columns_(columns) {}

  // `length` slots of `type`.
  Result<Chunks> read(const DataType& type, std::uint64_t length) {
    if (next_ >= columns_.size()) {
      return std::unexpected(corrupt_object(layout_.key(), "too few columns for " + columnar::type_name(type)));
    }
    const std::int32_t column = columns_[next_++];
    if (type.id == TypeId::kStruct) return read_struct(type, column, length);
    if (type.id == TypeId::kList) return read_list(type, column, length);
    if (!LeafBuilder::is_leaf(type)) return std::unexpected(unsupported_type(type));
    Chunks chunks;
    if (column < 0) {
      append_null_chunks(type, length, chunks);
      return chunks;
    }
    OG_ASSIGN_OR_RETURN(const ColumnInfo info, load(column, length));
    LeafColumnV20 leaf(type, chunks);
    for (std::size_t i = 0; i < info.pages.size(); ++i) {
      OG_RETURN_IF_ERROR(leaf.add_page(info.pages[i], place(column, i)));
    }
    leaf.flush();
    return chunks;
  }

  [[nodiscard]] bool finished() const { return next_ == columns_.size(); }

 private:
  [[nodiscard]] Error unsupported_type(const DataType& type) const {
    return Error{Code::kUnsupportedFormat,
                 "unsupported dataset: " + layout_.key() + ": type " + columnar::type_name(type)};
  }
  [[nodiscard]] PagePlace place(std::int32_t column, std::size_t page) const {
    return {layout_.key(), static_cast<std::uint32_t>(column), page};
  }

  Result<ColumnInfo> load(std::int32_t column, std::uint64_t length) const {
    OG_ASSIGN_OR_RETURN(ColumnInfo info, layout_.column(static_cast<std::uint32_t>(column)));
    if (info.length != length) {
      return std::unexpected(place(column, 0).corrupt("the pages hold " + std::to_string(info.length) +
                                                      " values, expected " + std::to_string(length)));
    }
    return info;
  }

  Result<Chunks> read_struct(const DataType& type, std::int32_t column, std::uint64_t length) {
    if (column >= 0) {
      OG_ASSIGN_OR_RETURN(const ColumnInfo header, load(column, length));
      for (std::size_t i = 0; i < header.pages.size(); ++i) {
        OG_ASSIGN_OR_RETURN(const auto encoding, parse_array_encoding(header.pages[i].encoding, place(column, i)));
        if (encoding->kind != ArrayKind::kStruct) {
          return std::unexpected(place(column, i).corrupt("a struct's header column holds values"));
        }
      }
    }
    if (type.child_count() == 0) return std::unexpected(unsupported_type(type));
    std::vector<Chunks> children;
    for (const columnar::Field& field : *type.children) {
      OG_ASSIGN_OR_RETURN(Chunks child, read(field.type, length));
      children.push_back(std::move(child));
    }
    Chunks chunks;
    for_each_aligned(children, [&](std::vector<ArrayPtr> pieces) {
      const std::int64_t slots = pieces.front()->length();
      chunks.push_back(make_struct(type, {}, std::move(pieces), slots));
    });
    return chunks;
  }

  struct ListPage {
    std::uint64_t length = 0;
    std::uint64_t item_count = 0;
    EndOffsets offsets;
  };

  Result<ListPage> read_list_page(const PageInfo& info, const PagePlace& at) const {
    OG_ASSIGN_OR_RETURN(const auto encoding, parse_array_encoding(info.encoding, at));
    ListPage page;
    page.length = info.length;
    if (encoding->kind == ArrayKind::kAllNulls) return page;
    if (encoding->kind != ArrayKind::kList) return std::unexpected(at.corrupt("a list's offsets column holds values"));
    page.item_count = encoding->item_count;
    OG_ASSIGN_OR_RETURN(page.offsets, read_end_offsets(*encoding->first, info.length, encoding->null_adjustment,
                                                       encoding->item_count, info, at));
    return page;
  }

  Result<Chunks> read_list(const DataType& type, std::int32_t column, std::uint64_t length) {
    std::vector<ListPage> pages;
    std::uint64_t item_count = 0;
    if (column >= 0) {
      OG_ASSIGN_OR_RETURN(const ColumnInfo info, load(column, length));
      for (std::size_t i = 0; i < info.pages.size(); ++i) {
        if (info.pages[i].length == 0) continue;
        OG_ASSIGN_OR_RETURN(ListPage page, read_list_page(info.pages[i], place(column, i)));
        if (page.item_count > kFileRowsLimit * 16 - item_count) {
          return std::unexpected(place(column, i).corrupt("claims too many list items"));
        }
        item_count += page.item_count;
        pages.push_back(std::move(page));
      }
    }
    const DataType& item_type = type.child(0).type;
    OG_ASSIGN_OR_RETURN(const Chunks items, read_items(item_type, column, item_count));
    Chunks chunks;
    if (column < 0) append_null_chunks(type, length, chunks);
    std::uint64_t begin = 0;
    for (ListPage& page : pages) {
      if (page.offsets.ends.empty()) {
        append_null_chunks(type, page.length, chunks);
        continue;
      }
      Array::Parts parts;
      parts.type = type;
      parts.length = static_cast<std::int64_t>(page.length);
      parts.validity = std::move(page.offsets.validity);
      parts.ends = std::move(page.offsets.ends);
      parts.children.push_back(slots_of(item_type, items, begin, page.item_count));
      chunks.push_back(std::make_shared<const Array>(std::move(parts)));
      begin += page.item_count;
    }
    return chunks;
  }

  // The items of an absent list are absent too, whatever the list of columns says.
  Result<Chunks> read_items(const DataType& item_type, std::int32_t list_column, std::uint64_t item_count) {
    if (list_column >= 0) return read(item_type, item_count);
    const std::vector<std::int32_t> absent(columns_.size(), -1);
    ColumnTreeReader skipper(layout_, absent);
    skipper.next_ = next_;
    OG_ASSIGN_OR_RETURN(Chunks none, skipper.read(item_type, 0));
    next_ = skipper.next_;
    return none;
  }

  const FileLayout& layout_;
  std::span<const std::int32_t> columns_;
  std::size_t next_ = 0;
};

}  // namespace

Result<ChunkedArray> read_column_v20(const FileLayout& layout, const DataType& type,
                                     std::span<const std::int32_t> columns) {
  ColumnTreeReader reader(layout, columns);
  OG_ASSIGN_OR_RETURN(Chunks chunks, reader.read(type, layout.row_count()));
  if (!reader.finished()) {
    return std::unexpected(corrupt_object(layout.key(), "too many columns for " + columnar::type_name(type)));
  }
  return ChunkedArray(type, std::move(chunks));
}

}  // namespace omnigraph::lance
